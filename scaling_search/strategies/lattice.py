"""The simplex lattice: every division in multiples of 1/parts, and the references."""

from abc import ABC
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from scaling_search.evidence import Evidence
from scaling_search.strategies.base import Ask, Asks, Decision, Planned, sweep
from scaling_search.strategies.points import Point, lattice_points, reference_points

DETAIL = ((1, 2), (2, 2), (3, 2), (4, 2), (6, 2), (6, 3))
"""(parts, seeds), coarsest first: 3, 6, 10, 15, 28 and 28 lattice points beside the references."""


class OverLattice(Planned, ABC):
    """The base of strategies that start with the references and every division in multiples of 1/parts (Scheffé 1958).

    Attributes:
        parts: None leaves them to the plan, up to sixths (28 points).
    """

    parts: int | None = Field(default=None, ge=1, le=60)

    def points(self) -> list[Point]:
        """The references, then the lattice."""
        assert self.parts is not None, "the plan has filled these in"
        return [*reference_points(), *lattice_points(self.parts)]

    def refinements(self) -> Sequence[Self]:
        """Along `DETAIL`, with what is fixed kept."""
        steps = dict.fromkeys((self.parts or parts, self.seeds or seeds) for parts, seeds in DETAIL)
        return [self.model_copy(update={"parts": parts, "seeds": seeds}) for parts, seeds in steps]


class Lattice(OverLattice):
    """Every candidate is trained with every seed."""

    strategy: Literal["lattice"] = "lattice"

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """All that is missing, seed by seed."""
        return sweep(self, evidence, running)
