"""Points of the share triangle: what a strategy wants tried, before it is a network."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.coefficients import PAPER, REFERENCES, Coefficients, Shares, grid, lattice


@dataclass(frozen=True, kw_only=True)
class Point:
    """One direction to try, and the names that people know it by.

    Attributes:
        extent: how far to go, as a part of ln(growth): at 0.5 a point costs twice the base where whole ones cost four
            times as much.
    """

    coefficients: Coefficients
    names: tuple[str, ...] = ()
    extent: float = 1.0

    @property
    def shares(self) -> Shares:
        return self.coefficients.shares()


def reference_points() -> list[Point]:
    """Depth-, width- and resolution-only, uniform, fast, and the paper's triple as it was published."""
    coefficients = {name: shares.coefficients() for name, shares in REFERENCES.items()} | {"paper": PAPER}
    return [Point(coefficients=triple, names=(name,)) for name, triple in coefficients.items()]


def lattice_points(parts: int) -> list[Point]:
    """Every point whose shares are multiples of 1/parts."""
    return [Point(coefficients=shares.coefficients()) for shares in lattice(parts)]


def grid_points(step: float, tolerance: float) -> list[Point]:
    """The paper's grid of coefficients.

    Raises:
        InvalidInput: the step and tolerance leave no triple.
    """
    return [Point(coefficients=triple) for triple in grid(step, tolerance)]


def shares_of(division: Sequence[float]) -> Shares:
    """A division of the evidence as shares."""
    depth, width, resolution = division
    return Shares(depth=depth, width=width, resolution=resolution)
