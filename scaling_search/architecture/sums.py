"""One cost of very many networks scaled from one base, without walking each: sections are counted once.

Parameters, multiply-adds and activations of a network are the sums of its sections', and a section's depend on the
channels around it, on the map that enters it, and, from the second layer or so on, linearly on its layers. So a table
of the steps of width times the pixels, with one number for a network's first layers and one for each further layer,
holds every depth, width and resolution there is, to the unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import ceil, floor, inf, log

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.architecture import Architecture
from scaling_search.architecture.counting import Feature, Ledger, walk
from scaling_search.architecture.ends import IMAGE_CHANNELS
from scaling_search.architecture.network import Network
from scaling_search.architecture.pieces import Piece, pieces
from scaling_search.architecture.rounding import Floats, Ints
from scaling_search.architecture.scaling import whole_channels, whole_layers, whole_pixels
from scaling_search.architecture.stairs import Stairs
from scaling_search.coefficients import Multipliers

ADDITIVE = ("macs", "params", "activations")
_LARGEST_TABLE = 2**24  # numbers: 128 MB
_FURTHEST = 9.0  # in ln of a dimension's growth; rays look farther only for metrics that they hardly move
_INT64_ROOM = 2**61
_FEW = 12
"""Questions that are counted as they come: a single network is matched before a table of 0.3 s would be made."""

Amounts = Callable[[Floats, Floats, Floats], Floats]
"""What N networks cost, from arrays [N] of multipliers of depth, width and resolution."""


def sums(base: Network, metric: str) -> Amounts | None:
    """That metric of networks scaled from base, equal to those of `costs`; None where it is no sum of sections."""
    if not isinstance(base, Architecture) or metric not in ADDITIVE:
        return None
    if any(piece.alike_from is None for piece in pieces(base)):
        return None
    return _sums(base, metric)


@lru_cache(maxsize=16)
def _sums(base: Architecture, metric: str) -> Amounts:
    return _Sums(base, metric)


class _Sums:
    """A table that is made again, wider, when it is asked for more."""

    def __init__(self, base: Architecture, metric: str) -> None:
        self._base = base
        self._metric = metric
        self._asked = 0
        self._low, self._high = -1, 2
        self._too_large = inf  # growth at which the table was
        self._table: _Table | None = None

    def __call__(self, depth: Floats, width: Floats, resolution: Floats) -> Floats:
        self._asked += 1
        if self._asked > _FEW and not self._holds(depth, width, resolution):
            self._widen(depth, width, resolution)
        if self._table is not None and self._holds(depth, width, resolution):
            return self._table.values(depth, width, resolution)
        return np.asarray(getattr(self._base.costs(depth, width, resolution), self._metric), dtype=np.float64)

    def _holds(self, depth: Floats, width: Floats, resolution: Floats) -> bool:
        return self._table is not None and self._table.holds(depth, width, resolution)

    def _widen(self, depth: Floats, width: Floats, resolution: Floats) -> None:
        axes = ((depth, 1), (width, 2), (resolution, 2))
        low = min(self._low, *(floor(power * log(axis.min())) for axis, power in axes))
        high = max(self._high, *(ceil(power * log(axis.max())) for axis, power in axes))
        if low < -_FURTHEST or high > _FURTHEST or high - low >= self._too_large:
            return
        table = _Table.of(self._base, self._metric, low, high)
        if table is None:
            self._too_large = high - low
        else:
            self._low, self._high, self._table = low, high, table


@dataclass(frozen=True, kw_only=True, eq=False)
class _Table:
    """One metric of all networks whose dimensions grow by no less and no more than was asked.

    Attributes:
        depth, width: the steps.
        low, high: the multipliers of resolution; `smallest` is what the pixels begin with.
        layers: what the further layers are multiplied by, [steps of depth, columns].
        first: with the fewest layers, [steps of width, pixels].
        further: of one more in each column, [steps of width, pixels, columns].
    """

    base: Architecture
    depth: Stairs
    width: Stairs
    low: float
    high: float
    smallest: int
    layers: Ints
    first: Ints
    further: Ints

    @classmethod
    def of(cls, base: Architecture, metric: str, low: int, high: int) -> _Table | None:
        """The table of growths from e^low to e^high; None where it would be too large."""
        ends = np.exp(np.array([low, high]) / 2)
        pixels = whole_pixels(base, ends)
        width = Stairs.of(lambda multipliers: whole_channels(base, multipliers), *ends.tolist())
        depth = Stairs.of(lambda multipliers: whole_layers(base, multipliers), *(ends**2).tolist())
        layers = np.concatenate(
            [_columns(piece, stage) for piece, stage in zip(_stages(base), depth.rows.T, strict=True)], axis=1
        )
        numbers = len(width.rows) * int(pixels[1] - pixels[0] + 1) * (1 + layers.shape[1])
        largest = base.scaled(Multipliers(depth=float(ends[1]) ** 2, width=float(ends[1]), resolution=float(ends[1])))
        if numbers > _LARGEST_TABLE or getattr(largest.cost(), metric) > _INT64_ROOM:
            return None
        first, further = _counted(base, metric, width.rows, np.arange(pixels[0], pixels[1] + 1))
        return cls(
            base=base,
            depth=depth,
            width=width,
            low=float(ends[0]),
            high=float(ends[1]),
            smallest=int(pixels[0]),
            layers=layers,
            first=first,
            further=further,
        )

    def holds(self, depth: Floats, width: Floats, resolution: Floats) -> bool:
        """Whether all of these are in it."""
        return (
            bool(resolution.min() >= self.low and resolution.max() <= self.high)
            and self.depth.hold(depth)
            and self.width.hold(width)
        )

    def values(self, depth: Floats, width: Floats, resolution: Floats) -> Floats:
        """The metric of N networks, [N]."""
        steps, pixels = self.width.at(width), whole_pixels(self.base, resolution) - self.smallest
        layers = self.layers[self.depth.at(depth)]
        found: Ints = self.first[steps, pixels] + (layers * self.further[steps, pixels]).sum(axis=1)
        return found.astype(np.float64)


def _stages(base: Architecture) -> list[Piece]:
    return [piece for piece in pieces(base) if piece.repeats]


def _columns(piece: Piece, layers: Ints) -> Ints:
    """How often each number of `_piece_sums` beside the first is in so many layers [n]: [n, alike_from].

    A 1 for the second layer, the third …, up to the last that is like no other, and the number of those after it.
    """
    assert piece.alike_from is not None
    single = [layers > index for index in range(1, piece.alike_from)]
    return np.stack([*single, np.maximum(layers - piece.alike_from, 0)], axis=1).astype(np.int64)


def _counted(base: Architecture, metric: str, widths: Ints, pixels: Ints) -> tuple[Ints, Ints]:
    """`first` and `further` of a table, for rows of widths [n, parts] and pixels [m]."""
    first = np.zeros((len(widths), len(pixels)), dtype=np.int64)
    further, left = [], 0
    cin, side = np.full(len(widths), IMAGE_CHANNELS), pixels
    for piece in pieces(base):
        own = widths[:, left : left + piece.columns]
        left += piece.columns
        sums, side_after = _piece_sums(piece, metric, np.column_stack([cin, own]), side)
        first += sums[0]
        if piece.repeats:
            further += [now - before for before, now in pairwise(sums)]
        cin, side = _broadcast(piece.leaves(cin, tuple(own.T), 1), len(widths)), side_after
    return first, np.stack(further, axis=-1)


def _piece_sums(piece: Piece, metric: str, channels: Ints, side: Ints) -> tuple[list[Ints], Ints]:
    """What one piece costs with 1, 2 … layers, up to one more than are all different, for channels × maps: [n, m] each.

    Each pair of different channels and maps is counted once.

    Args:
        channels: that enter, then its own, [n, 1 + columns].
        side: of the map that enters, [m].

    Returns:
        The costs, and the sides of the maps that leave it, [m].
    """
    some_channels, row = np.unique(channels, axis=0, return_inverse=True)
    some_sides, column = np.unique(side, return_inverse=True)
    shape = len(some_channels), len(some_sides)
    cin, *own = (np.repeat(one, shape[1]) for one in some_channels.T)
    sides = np.tile(some_sides, shape[0])
    found, after = [], some_sides
    assert piece.alike_from is not None
    for layers in range(1, piece.alike_from + 2 if piece.repeats else 2):
        ledger = Ledger()
        out = walk(piece.describe(cin, tuple(own), layers), Feature.of(cin, sides), ledger)
        counted = _broadcast(getattr(ledger, metric), len(sides)).reshape(shape)
        found.append(counted[np.ix_(row.ravel(), column.ravel())])
        after = _broadcast(out.side, len(sides))[: shape[1]]
    return found, after[column.ravel()]


def _broadcast(value: int | NDArray[np.int64], length: int) -> Ints:
    return np.broadcast_to(np.asarray(value, dtype=np.int64), (length,))
