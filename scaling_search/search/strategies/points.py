"""The points that a search tries: the simplex lattice of shares, the paper's grid, and the named points always."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from scaling_search.coefficients import PAPER, REFERENCES, Coefficients, Shares, grid, lattice
from scaling_search.configuration import Strict


class SearchConfig(Strict):
    """What is searched, and how a point becomes a network."""

    strategy: Literal["lattice", "grid", "optuna"] = "lattice"
    # Shares in multiples of 1/parts. None: as fine as the time budget allows, up to sixths (28 points).
    parts: int | None = Field(default=None, ge=1, le=60)
    # The paper's grid; its own triple needs a tolerance of at least 0.08, since it is 4 % off the constraint.
    step: float = Field(default=0.05, gt=0)
    tolerance: float = Field(default=0.1, ge=0)
    # Points that Optuna proposes beyond the named ones.
    samples: int = Field(default=16, ge=1)
    # realised: walk the ray of constant shares until the built network costs what was asked. nominal: the literal rule,
    # whose rounding makes «2×» anything from 1.9× to 3.4× on B0.
    match: Literal["realised", "nominal"] = "realised"
    # None: the baseline's own.
    rounding: str | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One direction to try, and the names that people know it by."""

    coefficients: Coefficients
    names: tuple[str, ...] = ()

    @property
    def shares(self) -> Shares:
        return self.coefficients.shares()


def named_points() -> list[Point]:
    """Depth-, width- and resolution-only, uniform, fast, and the paper's triple as it was published."""
    coefficients = {name: shares.coefficients() for name, shares in REFERENCES.items()} | {"paper": PAPER}
    return [Point(coefficients=triple, names=(name,)) for name, triple in coefficients.items()]


def plan_points(config: SearchConfig, *, parts: int) -> list[Point]:
    """All points of a search that does not sample, the named ones first; only those for one that does.

    Args:
        parts: the lattice's, where the configuration leaves them to the plan.

    Raises:
        InvalidInput: the grid's step and tolerance leave no triple.
    """
    if config.strategy == "optuna":
        return named_points()
    if config.strategy == "grid":
        return [*named_points(), *(Point(coefficients=triple) for triple in grid(config.step, config.tolerance))]
    points = lattice(config.parts or parts)
    return [*named_points(), *(Point(coefficients=shares.coefficients()) for shares in points)]
