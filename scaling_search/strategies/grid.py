"""The paper's grid of (α, β, γ), and the references."""

from typing import Literal

from pydantic import Field

from scaling_search.evidence import Evidence
from scaling_search.strategies.base import Ask, Asks, Decision, Planned, sweep
from scaling_search.strategies.points import Point, grid_points, reference_points


class Grid(Planned):
    """All (α, β, γ) in multiples of `step` from 1 with |α·β²·γ² − 2| ≤ `tolerance` (arXiv 1905.11946, sec. 3.3).

    Attributes:
        step: of each coefficient.
        tolerance: how far the nominal growth may be from 2. The paper's own triple needs 0.08, being 4 % off.
    """

    strategy: Literal["grid"] = "grid"
    step: float = Field(default=0.05, gt=0)
    tolerance: float = Field(default=0.1, ge=0)

    def points(self) -> list[Point]:
        """The references, then the grid."""
        return [*reference_points(), *grid_points(self.step, self.tolerance)]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """All that is missing, seed by seed."""
        return sweep(self, evidence, running)
