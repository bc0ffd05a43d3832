"""Successive halving over random choices: all are trained for one epoch, the better half by reward goes on to two …

Jamieson and Talwalkar 2016 (arXiv 1502.07943); it needs a recipe under which a paused trial goes on.
"""

from math import inf
from typing import Literal

from scaling_search.evidence import Evidence
from scaling_search.strategies.base import Ask, Asks, Decision
from scaling_search.strategies.halving import halving_stages, knock_out
from scaling_search.strategies.points import Point
from scaling_search.strategies.staged import Staged


class StagesHalving(Staged):
    """All proposals first, at random; then stages of 1, 2, 4 … epochs, each with half of the candidates."""

    strategy: Literal["stages-halving"] = "stages-halving"

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """The next draw; when all are there, what the stage lacks, or the next stage with the better half."""
        if self.wants_more(evidence):
            return [Point(choices=self.propose(evidence))]
        assert self.seeds is not None and self.epochs is not None, "the plan has filled these in"
        return knock_out(evidence, running, halving_stages(self.seeds, self.epochs), score=self._score)

    def _score(self, evidence: Evidence, name: str, seeds: int, epochs: int) -> float:
        reward = self.reward(evidence, name, epochs)
        return -inf if reward is None else reward
