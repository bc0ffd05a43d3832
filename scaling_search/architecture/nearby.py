"""Off the ray: of the networks that cost what is wanted, the one that is nearest to the asked shares.

Any three steps of depth, width and resolution make a network, and most of those lie on no ray of constant shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.cost import Cost
from scaling_search.architecture.layers import Count
from scaling_search.architecture.network import Network
from scaling_search.architecture.rounding import Floats
from scaling_search.architecture.steps import AXES, Steps, share_distance, steps_around
from scaling_search.architecture.sums import Amounts
from scaling_search.coefficients import Multipliers, Shares

COST_TOLERANCE = 0.02
"""Networks within 2 % of what is wanted cost the same; among them the shares decide."""
SHARES_TOLERANCE = 0.05
"""A network whose effective shares are this near to the asked ones is what was asked for."""
SHARES_LIMIT = 0.25
"""Equal cost is bought with shares misplaced by up to this; where that is not enough, both are weighed."""
_RADII = ((0.0, 0.02, SHARES_TOLERANCE, 0.1), (0.1, 0.15), (0.15, SHARES_LIMIT), (SHARES_LIMIT, 0.4))
"""In shares: looked through one ring after another; those of a group are sorted together."""
_SLACK = 0.15  # growths of single dimensions do not quite add up to the growth of all: stems, heads, small maps
_AT_ONCE = 1024  # networks that are counted together
_MOST = 8  # … so many times in a ring
_TRIES = 2  # corrections of one dimension, where each is a network to be built


def badness(miss: Floats | float, distance: Floats | float) -> Floats:
    """1 for what costs the same and is near enough, else by how many times it exceeds the worse of both limits.

    Args:
        miss: of the cost, as a fraction.
        distance: of the shares.
    """
    return np.maximum(1.0, np.maximum(np.abs(miss) / COST_TOLERANCE, distance / SHARES_LIMIT))


def nearest_of_cost(
    base: Network, shares: Shares, start: Multipliers, *, value: float, amount: float, amounts: Amounts
) -> tuple[Multipliers, float]:
    """What makes of base the network of the wanted cost that is nearest to the shares.

    The least `badness` decides, then the least distance of the shares; of equal ones the smaller, then the nearer to
    the start. What is returned is never worse than the start.

    Args:
        start: on the ray, where the search begins; its network costs `value`.
        amount: what is wanted.
        amounts: what networks scaled from base cost, in the metric that both are in.

    Returns:
        The multipliers, and what their network costs.
    """
    off = log(amount / value)
    around = _Surroundings.of(steps_around(base, start), shares, start, off)
    distance = around.distance_of_start
    best = (float(badness(value / amount - 1, distance)), distance), start, value
    for radii in _RADII:
        for points, distances in around.rings(radii) if best[0] > _rank_beyond(radii[0]) else ():
            if best[0] <= _rank_beyond(float(distances[0])):
                break
            values = amounts(*points.T)
            bad = badness(values / amount - 1, distances)
            first = int(np.lexsort((distances, bad))[0])
            rank = float(bad[first]), float(distances[first])
            if rank < best[0]:
                best = rank, _multipliers(points[first]), float(values[first])
    return best[1], best[2]


def _rank_beyond(distance: float) -> tuple[float, float]:
    """The rank that nothing can have whose shares are farther off."""
    return float(badness(0.0, distance)), distance


def corrected(
    base: Network, points: Sequence[tuple[Multipliers, float]], *, amount: float, measure: Callable[[Cost], Count]
) -> tuple[Multipliers, float]:
    """The first of few networks within COST_TOLERANCE of the amount, else the nearest; never worse than a point given.

    For networks that must be built to be counted. From each point in turn, nearest first, the resolution or else the
    width makes up for what is missing, in two tries each.

    Args:
        points: multipliers near what is wanted, and what their networks cost.

    Returns:
        The multipliers, and what their network costs.
    """

    def far(point: tuple[Multipliers, float]) -> float:
        return abs(point[1] / amount - 1)

    best = min(points, key=far)
    for start in sorted(points, key=far):
        for axis in ("resolution", "width"):
            at, value = start
            for _ in range(_TRIES):
                if far(best) <= COST_TOLERANCE:
                    return best
                at = replace(at, **{axis: getattr(at, axis) * sqrt(amount / value)})
                value = float(measure(base.scaled(at).cost()))
                best = min(best, (at, value), key=far)
    return best


@dataclass(frozen=True, kw_only=True)
class _Surroundings:
    """The networks around a point of the ray.

    Attributes:
        axes: the steps of depth, width and resolution.
        start: the point's multipliers [3].
        growth: of each dimension there, [3].
        total: growth of all three dimensions that the wanted cost will be near, by so much slack.
    """

    axes: tuple[Steps, Steps, Steps]
    shares: Shares
    start: Floats
    growth: Floats
    total: float
    slack: float

    @classmethod
    def of(cls, axes: tuple[Steps, Steps, Steps], shares: Shares, start: Multipliers, off: float) -> _Surroundings:
        """Those of a point whose network lacks `off` of what is wanted, in ln of its cost."""
        at = np.array([getattr(start, axis) for axis in AXES])
        growth = np.array([steps.nearest(multiplier) for steps, multiplier in zip(axes, at.tolist(), strict=True)])
        slack = _SLACK + abs(off) / 2
        return cls(axes=axes, shares=shares, start=at, growth=growth, total=float(growth.sum()) + off, slack=slack)

    @property
    def distance_of_start(self) -> float:
        return float(share_distance(self.growth, self.shares))

    def rings(self, radii: Sequence[float]) -> Iterator[tuple[Floats, Floats]]:
        """Networks whose shares are off by no more than the last radius, ring by ring, nearest first, some at a time.

        Yields:
            Multipliers [n, 3] and distances of the shares [n].
        """
        multipliers, distance = self._within(radii[0], radii[-1])
        for inner, outer in pairwise(radii):
            first = int(np.searchsorted(distance, inner, side="right")) if inner else 0
            last = min(int(np.searchsorted(distance, outer, side="right")), first + _MOST * _AT_ONCE)
            for start in range(first, last, _AT_ONCE):
                some = slice(start, min(start + _AT_ONCE, last))
                yield multipliers[some], distance[some]

    def _within(self, inner: float, outer: float) -> tuple[Floats, Floats]:
        """Those whose shares are off by more than inner and at most outer, nearest first; multipliers and distances."""
        indices = self._box(outer)
        columns = [steps.growth[index] for steps, index in zip(self.axes, indices, strict=True)]
        near = _flat_near(columns, self.total, self.slack)
        growth = _combined(columns, near)
        distance = share_distance(growth, self.shares)
        inside = (distance <= outer) & ((distance > inner) | (inner == 0))
        columns = [steps.multipliers[index] for steps, index in zip(self.axes, indices, strict=True)]
        multipliers, distance = _combined(columns, near[inside]), distance[inside]
        aside = np.abs(np.log(multipliers / self.start)).sum(axis=1)
        order = np.lexsort((aside, growth[inside].sum(axis=1), distance))
        return multipliers[order], distance[order]

    def _box(self, radius: float) -> list[NDArray[np.intp]]:
        """The steps of each dimension that a network off by at most radius can have."""
        found = []
        for steps, share in zip(self.axes, self.shares.as_tuple(), strict=True):
            corners = [
                (share + far) * (self.total + off) for far in (-radius, radius) for off in (-self.slack, self.slack)
            ]
            found.append(steps.between(min(corners), max(corners)))
        return found


def _multipliers(point: Floats) -> Multipliers:
    return Multipliers(**dict(zip(AXES, point.tolist(), strict=True)))


def _flat_near(columns: list[Floats], total: float, slack: float) -> NDArray[np.intp]:
    """Flat indices of the combinations of three columns whose sum is within slack of the total."""
    first, second, third = columns
    sums = (first[:, None] + second)[:, :, None] + third
    return np.flatnonzero(np.abs(sums - total) <= slack)


def _combined(columns: list[Floats], flat: NDArray[np.intp]) -> Floats:
    """The combinations of three columns that flat indices name, [n, 3]."""
    chosen = np.unravel_index(flat, [len(column) for column in columns])
    return np.stack([column[at] for column, at in zip(columns, chosen, strict=True)], axis=-1)
