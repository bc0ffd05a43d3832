"""Points of the share triangle, or of a space of stages: what a strategy wants tried, before it is a network."""

from collections.abc import Sequence
from dataclasses import dataclass

from scaling_search.coefficients import PAPER, REFERENCES, Coefficients, Shares, grid, lattice
from scaling_search.evidence import EVEN, Choices, Proposal

NOTHING_ADDED = Coefficients(alpha=1.0, beta=1.0, gamma=1.0)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One direction to try, and the names that people know it by.

    Attributes:
        extent: how far to go, as a part of ln(growth): at 0.5 a point costs twice the base where whole ones cost four
            times as much.
        choices: in a space of stages, where nothing is scaled: the coefficients are 1.
    """

    coefficients: Coefficients = NOTHING_ADDED
    names: tuple[str, ...] = ()
    extent: float = 1.0
    choices: Choices = ()

    @property
    def shares(self) -> Shares:
        return shares_or_even(self.coefficients)

    def proposed(self, candidate: str) -> Proposal:
        """What the journal keeps of it, when it has come to that candidate."""
        return Proposal(shares=self.shares.as_tuple(), candidate=candidate, choices=self.choices)

    @classmethod
    def of(cls, proposal: Proposal) -> "Point":
        """The inverse of `proposed`."""
        if proposal.choices:
            return cls(choices=proposal.choices)
        return cls(coefficients=shares_of(proposal.shares).coefficients())


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


def shares_or_even(coefficients: Coefficients) -> Shares:
    """Their shares; even ones where they are all 1, so that nothing is divided."""
    return shares_of(EVEN) if coefficients == NOTHING_ADDED else coefficients.shares()


def shares_of(division: Sequence[float]) -> Shares:
    """A division of the evidence as shares."""
    depth, width, resolution = division
    return Shares(depth=depth, width=width, resolution=resolution)
