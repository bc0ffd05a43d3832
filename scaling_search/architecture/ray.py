"""Along the ray of constant shares, to where a climbing staircase of costs passes an amount.

Notation: at t on the ray with shares (s_d, s_w, s_r) the multipliers are d = e^(s_d·t), w = e^(s_w·t/2) and
r = e^(s_r·t/2), so that nominally d·w²·r² = e^t.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import inf, log

import numpy as np

from scaling_search.architecture.rounding import Floats
from scaling_search.coefficients import Multipliers, Shares

_FURTHEST = 20.0  # e²⁰ = 5·10⁸ times the compute


class Ray:
    """A search for the steps of a climbing staircase `values(t)` between which it passes an amount.

    Attributes:
        best: (t, value) of the step that is nearest to the amount; of two that are equally near, the smaller.
        sides: (t, value) of the last step below the amount and of the first above it.
        crossed: whether the staircase passes the amount at all.
    """

    def __init__(self, values: Callable[[Floats], Floats], *, per_round: int, precision: float) -> None:
        self.values = values
        self.per_round = per_round
        self.precision = precision
        self.crossed = False
        self.best = (0.0, 0.0)
        self.sides: tuple[tuple[float, float], ...] = ()
        self._nearest = (inf, inf)  # of best: how far off, how large

    def follow(self, amount: float, growth: float) -> None:
        """Narrows the passage down to `precision` in t.

        Args:
            growth: the amount over values(0), which says about where to look.
        """
        around = sorted((0.0, log(growth)))
        low, high = self._narrowed(around[0] - 1, around[1] + 1, amount) or self._far(amount) or (0.0, 0.0)
        while high - low > self.precision:
            low, high = self._narrowed(low, high, amount) or (low, low)

    def _narrowed(self, low: float, high: float, amount: float) -> tuple[float, float] | None:
        """The first of `per_round` + 1 equal parts of the interval in which the staircase passes the amount."""
        ts = np.linspace(low, high, self.per_round + 2)
        values = self.values(ts)
        self._remember(ts, values, np.abs(values / amount - 1))
        passes = np.flatnonzero((values[:-1] <= amount) & (values[1:] > amount))
        self.crossed = self.crossed or bool(len(passes)) or bool((values == amount).any())
        if not len(passes):
            return None
        low_side, high_side = ((float(ts[at]), float(values[at])) for at in (passes[0], passes[0] + 1))
        self.sides = low_side, high_side
        return self.sides[0][0], self.sides[1][0]

    def _remember(self, ts: Floats, values: Floats, off: Floats) -> None:
        first = int(np.lexsort((np.abs(ts), off))[0])
        nearest = float(off[first]), abs(float(ts[first]))
        if nearest < self._nearest:
            self._nearest, self.best = nearest, (float(ts[first]), float(values[first]))

    def _far(self, amount: float) -> tuple[float, float] | None:
        """The passage far from where it was expected, for metrics that these shares hardly move."""
        ends = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, _FURTHEST]
        steps = [*pairwise(ends), *pairwise(-end for end in reversed(ends))]
        return next((found for near, far in steps if (found := self._narrowed(near, far, amount))), None)


def multipliers_along(shares: Shares, ts: Floats) -> tuple[Floats, Floats, Floats]:
    """Depth, width and resolution at each t, [N] each."""
    return np.exp(shares.depth * ts), np.exp(shares.width * ts / 2), np.exp(shares.resolution * ts / 2)


def multipliers_at(shares: Shares, t: float) -> Multipliers:
    """The same at one t."""
    depth, width, resolution = (float(axis[0]) for axis in multipliers_along(shares, np.array([t])))
    return Multipliers(depth=depth, width=width, resolution=resolution)
