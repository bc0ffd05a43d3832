"""What each dimension of a network can be, alone: layers, channels and pixels are whole, so its cost climbs in steps.

A step's growth is ln of the macs of the base with only that dimension as built, over the base's macs. The effective
shares of a network are its three growths over their sum.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, log
from typing import cast

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.network import Network
from scaling_search.architecture.rounding import Floats
from scaling_search.architecture.sums import sums
from scaling_search.coefficients import REFERENCES, Multipliers, Shares, lattice

AXES = ("depth", "width", "resolution")
_SAMPLES = 8192  # of a dimension's multipliers; a step that is shorter than what lies between two of them may be missed
_FINEST = 2e-3  # steps that differ by less than 0.2 % in cost count as one
_MARGIN = 0.7  # growth beyond what a search asks for: room for steps on either side


@dataclass(frozen=True, kw_only=True, eq=False)
class Steps:
    """The n steps of one dimension, cheapest first: a multiplier that leads to each, and its growth."""

    multipliers: Floats
    growth: Floats

    def nearest(self, multiplier: float) -> float:
        """The growth of the step that a multiplier leads to."""
        return float(self.growth[np.abs(self.multipliers / multiplier - 1).argmin()])

    def between(self, low: float, high: float) -> NDArray[np.intp]:
        """Indices of the steps that grow by low to high, and of the next one on either side."""
        first = int(np.searchsorted(self.growth, low)) - 1
        last = int(np.searchsorted(self.growth, high, side="right")) + 1
        return np.arange(max(first, 0), min(last, len(self.growth)))


def share_distance(growth: Floats, shares: Shares) -> Floats:
    """Half the sum of the absolute differences between effective and asked shares: what is misplaced of the compute.

    A dimension that shrank has a negative share here, so that making up for it elsewhere is not free.

    Args:
        growth: of depth, width and resolution, [..., 3].

    Returns:
        One number for each, [...]; 1 where nothing was added.
    """
    columns = [growth[..., axis] for axis in range(len(AXES))]  # sums of three are slow along the last dimension
    total = columns[0] + columns[1] + columns[2]
    whole = np.where(total == 0, np.inf, total)
    depth, width, resolution = (
        np.abs(column / whole - share) for column, share in zip(columns, shares.as_tuple(), strict=True)
    )
    return np.where(total == 0, 1.0, (depth + width + resolution) / 2)


def growth_of(effective: Multipliers) -> Floats:
    """Growth of depth, width and resolution, [3], from effective multipliers."""
    return np.log([effective.depth, effective.width**2, effective.resolution**2])


def steps_around(base: Network, multipliers: Multipliers) -> tuple[Steps, Steps, Steps]:
    """The steps of depth, width and resolution, from well below the base to well above what it was multiplied by."""
    asked = growth_of(multipliers)
    ends = (0.0, float(asked.sum()), *asked.tolist())
    # in whole numbers, so that the points of one search share them
    return _steps(cast(Hashable, base), floor(min(ends) - _MARGIN), ceil(max(ends) + _MARGIN))


def coarseness(base: Network, *, growth: float) -> float:
    """How much of the added compute the steps of base misplace, 0 … 1: a mean over the sixths and the references.

    Foretold from each dimension alone: a share that lies between two steps is off by what the nearer one is off, in the
    dimension where that is most. A forecast: what matching misplaces depends on all three together.

    Args:
        growth: macs of the networks over the base's.
    """
    shares = np.array([point.as_tuple() for point in (*lattice(6), *REFERENCES.values())])  # [n, 3]
    steps = steps_around(base, Multipliers(depth=1.0, width=1.0, resolution=growth**0.5))
    total = _totals(base, steps, shares, growth)
    off = [np.abs(one.growth[:, None] / total - asked).min(axis=0) for one, asked in zip(steps, shares.T, strict=True)]
    return float(np.max(off, axis=0).mean())


def _totals(base: Network, steps: tuple[Steps, Steps, Steps], shares: Floats, growth: float) -> Floats:
    """What the growths of the dimensions alone sum to [n] where the rays of shares [n, 3] pass the wanted cost."""
    ts = log(growth) * np.linspace(0.6, 1.6, 64)
    logs = shares[:, None, :] * ts[:, None] / (1, 2, 2)  # [n, 64, 3]: ln of the multipliers along each ray
    costs = base.costs(*np.exp(logs.reshape(-1, 3)).T)
    ratio = np.asarray(costs.macs, dtype=np.float64).reshape(len(shares), -1) / base.cost().macs
    passing = np.abs(np.log(ratio / growth)).argmin(axis=1)
    at = logs[np.arange(len(shares)), passing]  # [n, 3]
    alone = [np.interp(column, np.log(one.multipliers), one.growth) for column, one in zip(at.T, steps, strict=True)]
    total: Floats = np.sum(alone, axis=0)
    return total


@lru_cache(maxsize=16)
def _steps(base: Network, low: int, high: int) -> tuple[Steps, Steps, Steps]:
    """The steps of each dimension whose nominal growth is between low and high."""
    growth = np.linspace(low, high, _SAMPLES)
    depth, width = (np.unique(np.append(np.exp(growth / power), 1.0)) for power in (1, 2))
    least, most = (base.resolution * np.exp(end / 2) for end in (low, high))
    pixels = np.arange(max(base.minimum_resolution, floor(least)), ceil(most) + 1) / base.resolution
    return (
        _merged(depth, _growth(base, depth=depth)),
        _merged(width, _growth(base, width=width)),
        Steps(multipliers=pixels, growth=_growth(base, resolution=pixels)),
    )


def _growth(base: Network, **axis: Floats) -> Floats:
    """Growth [n] of the base with one dimension multiplied by n values."""
    ones = np.ones(len(next(iter(axis.values()))))
    multipliers = [axis.get(name, ones) for name in AXES]
    table = sums(base, "macs")
    macs = table(*multipliers) if table else np.asarray(base.costs(*multipliers).macs, dtype=np.float64)
    return np.log(macs) - log(base.cost().macs)


def _merged(multipliers: Floats, growth: Floats) -> Steps:
    """Neighbours of nearly equal growth are one step: the middle one stands for them, or 1 where it is among them."""
    starts = np.flatnonzero(np.append(True, np.diff(np.floor(growth / _FINEST)) != 0))
    ends = np.append(starts[1:], len(growth)) - 1
    itself = int(np.flatnonzero(multipliers == 1)[0])
    chosen = np.where((starts <= itself) & (itself <= ends), itself, (starts + ends) // 2)
    ascending = chosen[np.argsort(growth[chosen], kind="stable")]
    return Steps(multipliers=multipliers[ascending], growth=growth[ascending])
