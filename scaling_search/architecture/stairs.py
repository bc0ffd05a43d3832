"""What rounding makes of one dimension: a staircase of whole numbers over its multipliers, with exact edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.rounding import Floats, Ints

_SAMPLES = 8192
_BEYOND_1 = float(np.nextafter(1.0, 2.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class Stairs:
    """The whole numbers that multipliers from the first edge to `high` lead to.

    Attributes:
        edges: the least multiplier of each step, [n].
        rows: what it leads to, [n, numbers].
    """

    edges: Floats
    rows: Ints
    high: float

    @classmethod
    def of(cls, rows: Callable[[Floats], Ints], low: float, high: float) -> Stairs:
        """The steps of a rounding whose numbers never fall as the multiplier climbs (but at 1, which keeps the base's).

        Between two multipliers with the same numbers lies no step, so that halving what lies between samples finds all.
        """

        def climbing(multipliers: Floats) -> Ints:
            return rows(np.where(multipliers == 1, _BEYOND_1, multipliers))

        samples = np.exp(np.linspace(np.log(low), np.log(high), _SAMPLES))
        found = climbing(samples)
        changed = (found[:-1] != found[1:]).any(axis=1)
        lefts, rights = samples[:-1][changed], samples[1:][changed]
        edges = [np.array([edge for edge in (1.0, _BEYOND_1) if low < edge <= high]), samples[:1]]
        while len(lefts):
            first = _first_change(climbing, lefts, rights)
            edges.append(first)
            more = (climbing(first) != climbing(rights)).any(axis=1)
            lefts, rights = first[more], rights[more]
        every = np.unique(np.concatenate(edges))
        return cls(edges=every, rows=rows(every), high=float(samples[-1]))

    def at(self, multipliers: Floats) -> NDArray[np.intp]:
        """The steps that multipliers lead to."""
        return np.searchsorted(self.edges, multipliers, side="right") - 1

    def hold(self, multipliers: Floats) -> bool:
        """Whether all are between the first edge and the end."""
        return bool(multipliers.min() >= self.edges[0] and multipliers.max() <= self.high)


def _first_change(rows: Callable[[Floats], Ints], lefts: Floats, rights: Floats) -> Floats:
    """The least multiplier of each interval whose numbers are not those of its left end."""
    before = rows(lefts)
    while True:
        middles = (lefts + rights) / 2
        inside = (middles > lefts) & (middles < rights)
        if not inside.any():
            return rights
        same = (rows(middles) == before).all(axis=1)
        lefts = np.where(inside & same, middles, lefts)
        rights = np.where(inside & ~same, middles, rights)
