"""A race of seeds: every candidate is trained once, the better half a second time, the best quarter a third time …

All trials have all epochs, so that nothing is judged early; what is saved are repeats of what is behind. After the
racing algorithms of Maron and Moore 1997, with halves instead of a test.
"""

from collections.abc import Iterator
from typing import Literal

from scaling_search.evidence import Evidence
from scaling_search.strategies.base import Ask, Asks, Decision
from scaling_search.strategies.halving import KEPT, knock_out
from scaling_search.strategies.lattice import OverLattice


class Race(OverLattice):
    """Stages of 1, 2 … `seeds` trainings of a candidate; each has half of the candidates of the one before."""

    strategy: Literal["race"] = "race"

    def trainings(self, candidates: int) -> int:
        """All of them, a half, a quarter …"""
        return sum(max(1, candidates // KEPT ** (seeds - 1)) for seeds, _ in self.stages())

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What the stage lacks, or the next stage with the better half."""
        return knock_out(evidence, running, self.stages())

    def stages(self) -> Iterator[tuple[int, int]]:
        """(seeds, epochs) that a candidate has at the end of each stage."""
        assert self.seeds is not None and self.epochs is not None, "the plan has filled these in"
        return ((seeds, self.epochs) for seeds in range(1, self.seeds + 1))
