"""The last round of a search for a baseline: its best few and known networks, with fresh seeds and longer trainings."""

from typing import Literal

from pydantic import Field

from scaling_search.evidence import Evidence, Trial
from scaling_search.strategies.base import Ask, Asks, Decision, Planned, sweep
from scaling_search.strategies.points import Point


class Finals(Planned):
    """Every network with every fresh seed; which networks these are was settled when the round was planned.

    Attributes:
        first_seed: fresh seeds begin here.
    """

    strategy: Literal["finals"] = "finals"
    first_seed: int = Field(default=0, ge=0)

    def points(self) -> list[Point]:
        """None: no choice is made here."""
        return []

    def every_trial(self, evidence: Evidence) -> list[Trial]:
        """Seed by seed, the fresh ones."""
        assert self.seeds is not None, "the plan has filled these in"
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        return [Trial(candidate=name, seed=seed) for seed in seeds for name in evidence.candidates]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """All that is missing, seed by seed."""
        return sweep(self, evidence, running)
