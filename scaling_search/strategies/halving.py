"""Successive halving: all candidates for one epoch, the better half for two, the best quarter for four …

Jamieson and Talwalkar 2016 (arXiv 1502.07943). It needs a recipe under which a paused trial goes on; and early readings
favour width, so a division that pays late is lost early (docs/design.md, 3.3).
"""

from collections.abc import Callable, Iterable, Iterator
from math import inf
from typing import Literal

from scaling_search.evidence import Evidence, Trial
from scaling_search.strategies.base import DONE, WAIT, Ask, Asks, Decision, mean_top1
from scaling_search.strategies.lattice import OverLattice

KEPT = 2
"""One in so many candidates stays for the next stage."""


class Halving(OverLattice):
    """Stages of 1, 2, 4 … epochs, the last with all of them; each has half of the candidates of the one before."""

    strategy: Literal["halving"] = "halving"

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What the stage lacks, or the next stage with the better half."""
        return knock_out(evidence, running, self.stages())

    def stages(self) -> Iterator[tuple[int, int]]:
        """(seeds, epochs) that a candidate has at the end of each stage."""
        assert self.seeds is not None and self.epochs is not None, "the plan has filled these in"
        return halving_stages(self.seeds, self.epochs)


def halving_stages(seeds: int, epochs: int) -> Iterator[tuple[int, int]]:
    """(seeds, epochs) at the end of each stage: 1, 2, 4 … epochs, the last with all of them."""
    reached = 1
    while reached < epochs:
        yield seeds, reached
        reached *= KEPT
    yield seeds, epochs


def mean_score(evidence: Evidence, name: str, seeds: int, epochs: int) -> float:
    """Mean top-1 of a candidate's trials; behind all others where one failed."""
    top1 = mean_top1(evidence, name, seeds=seeds, epochs=epochs)
    return -inf if top1 is None else top1


def knock_out(
    evidence: Evidence,
    running: frozenset[Ask],
    stages: Iterable[tuple[int, int]],
    *,
    score: Callable[[Evidence, str, int, int], float] = mean_score,
) -> Asks | Decision:
    """The decision of a strategy that keeps the better half after each stage, and at least one candidate.

    Args:
        stages: (seeds, epochs) that every candidate that is left has at the end of each.
        score: of a candidate by its id, with so many seeds at so many epochs; the more the better.
    """
    under_way = {ask.trial for ask in running}
    left = list(evidence.candidates)
    for seeds, epochs in stages:
        trials = [Trial(candidate=name, seed=seed) for seed in range(seeds) for name in left]
        lacking = [trial for trial in trials if not evidence.has(trial, epochs)]
        if lacking:
            return [Ask(trial, epochs) for trial in lacking if trial not in under_way] or WAIT
        scores = {name: score(evidence, name, seeds, epochs) for name in left}
        left = sorted(left, key=lambda name: -scores[name])[: max(1, len(left) // KEPT)]
    return DONE
