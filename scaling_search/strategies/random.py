"""Random divisions: the measure of every other strategy."""

from collections.abc import Sequence
from random import Random as Generator
from typing import Literal, Self

from pydantic import Field

from scaling_search.evidence import Evidence
from scaling_search.strategies.base import Ask, Asks, Decision, Planned, sweep
from scaling_search.strategies.optuna import to_shares
from scaling_search.strategies.points import Point

SAMPLES = (12, 15, 20, 30, 45, 60)
"""What a plan chooses among."""


class Random(Planned):
    """Divisions drawn evenly from the triangle, without the references, each trained with every seed: one by default.

    Attributes:
        samples: divisions; None leaves them to the plan.
        random: seed of the draws.
    """

    strategy: Literal["random"] = "random"
    samples: int | None = Field(default=None, ge=1, le=10_000)
    random: int = 0

    def points(self) -> list[Point]:
        """The draws: equal ones for an equal seed, and fewer are the beginning of more."""
        assert self.samples is not None, "the plan has filled these in"
        generator = Generator(f"divisions {self.random}")
        draws = [(generator.random(), generator.random()) for _ in range(self.samples)]
        return [Point(coefficients=to_shares(u, v).coefficients()) for u, v in draws]

    def refinements(self) -> Sequence[Self]:
        """Along `SAMPLES`, with one seed, where they are open."""
        wanted = (self.samples,) if self.samples else SAMPLES
        return [self.model_copy(update={"samples": samples, "seeds": self.seeds or 1}) for samples in wanted]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """All that is missing, seed by seed."""
        return sweep(self, evidence, running)
