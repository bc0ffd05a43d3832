"""The one counter: walks a description and adds up what it costs, exactly, for one network or for N at once.

Memory follows autograd: most layers keep their input for the backward pass, a few keep their result, and nothing is
kept twice. A ReLU works in place, the sum of a residual block too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from scaling_search.architecture.layers import (
    OVERWRITING,
    Act,
    AdaptivePool,
    Chain,
    Concatenate,
    Conv,
    Count,
    Dropout,
    Flatten,
    Gate,
    Layer,
    Layers,
    LayerScale,
    Linear,
    Norm,
    Permute,
    Pool,
    Residual,
    When,
)

_INDEX_ELEMENTS = 2  # max pooling keeps a 64-bit index for each of its outputs


@dataclass(frozen=True, slots=True)
class Feature:
    """What flows between two layers: channels × side × side, and whether backward keeps it already."""

    channels: Count
    side: Count
    area: Count
    elements: Count
    kept: bool = False

    @classmethod
    def of(cls, channels: Count, side: Count) -> Feature:
        area = side * side
        return cls(channels, side, area, channels * area)

    def with_channels(self, channels: Count) -> Feature:
        """Another map of the same size, just written."""
        return Feature(channels, self.side, self.area, channels * self.area)

    def marked(self, kept: bool) -> Feature:
        return self if self.kept is kept else Feature(self.channels, self.side, self.area, self.elements, kept)


class Ledger:
    """What a walk has cost so far (see `Cost` for the words), and what is held meanwhile beside the path walked."""

    __slots__ = ("activations", "backward", "held", "kept", "live", "macs", "params")

    def __init__(self) -> None:
        self.params: Count = 0
        self.macs: Count = 0
        self.activations: Count = 0
        self.kept: Count = 0
        self.backward: Count = 0
        self.live: Count = 0
        self.held: Count = 0

    def keep(self, feature: Feature) -> None:
        """Backward needs this map."""
        if not feature.kept:
            self.kept = self.kept + feature.elements

    def alive(self, elements: Count) -> None:
        """So many elements (and as many gradients, on the way back) are alive beside what is kept and held."""
        beside = self.held + elements
        self.live = larger(self.live, beside)
        self.backward = larger(self.backward, self.kept + beside)

    def step(self, before: Feature, after: Feature) -> Feature:
        """A layer that needs its input for backward and writes its result to new memory."""
        self.keep(before)
        self.alive(before.elements + after.elements)
        return after.marked(kept=False)

    def add(self, part: Ledger, times: Count) -> None:
        """A part counted on its own, `times` times in a row; nothing at all for 0."""
        some = times > 0
        peak = self.kept + self.held + part.kept * (times - 1) + part.backward
        self.backward = larger(self.backward, peak * some)
        self.live = larger(self.live, (self.held + part.live) * some)
        self.params = self.params + part.params * times
        self.macs = self.macs + part.macs * times
        self.activations = self.activations + part.activations * times
        self.kept = self.kept + part.kept * times

    def add_series(self, first: Ledger, last: Ledger, times: Count) -> None:
        """Parts whose costs form an arithmetic series, so that they sum to (first + last) · times / 2."""
        kept = (first.kept + last.kept) * times // 2
        self.alive(last.live)
        self.backward = larger(self.backward, self.kept + self.held + kept - last.kept + last.backward)
        self.params = self.params + (first.params + last.params) * times // 2
        self.macs = self.macs + (first.macs + last.macs) * times // 2
        self.activations = self.activations + (first.activations + last.activations) * times // 2
        self.kept = self.kept + kept


def larger(left: Count, right: Count) -> Count:
    if isinstance(left, np.ndarray) or isinstance(right, np.ndarray):
        return np.maximum(left, right)
    return max(left, right)


def walk(layers: Layers, feature: Feature, ledger: Ledger) -> Feature:
    """Adds the cost of layers on one image to the ledger; returns what comes out of them."""
    for layer in layers:
        feature = count(layer, feature, ledger)
    return feature


@singledispatch
def count(layer: Layer, feature: Feature, ledger: Ledger) -> Feature:
    """Adds the cost of one layer on one image to the ledger; returns what comes out of it."""
    raise AssertionError(f"no count for {type(layer).__name__}")


@count.register
def _conv(layer: Conv, feature: Feature, ledger: Ledger) -> Feature:
    weights = layer.cout * (layer.cin // layer.groups) * layer.kernel**2
    out = _windowed(feature, layer.cout, layer)
    ledger.params = ledger.params + (weights + layer.cout if layer.bias else weights)
    ledger.macs = ledger.macs + weights * out.area
    ledger.activations = ledger.activations + out.elements
    return ledger.step(feature, out)


def _windowed(feature: Feature, channels: Count, window: Conv | Pool) -> Feature:
    """The map that a sliding window leaves."""
    overhang = 2 * window.padding - window.kernel
    if window.stride == 1 and overhang == -1:
        return feature.with_channels(channels)
    if isinstance(window, Pool) and window.ceil:
        overhang += window.stride - 1
    return Feature.of(channels, (feature.side + overhang) // window.stride + 1)


@count.register
def _linear(layer: Linear, feature: Feature, ledger: Ledger) -> Feature:
    weights = layer.cin * layer.cout
    ledger.params = ledger.params + weights + layer.cout
    ledger.macs = ledger.macs + weights * feature.area
    return ledger.step(feature, feature.with_channels(layer.cout))


@count.register
def _norm(layer: Norm, feature: Feature, ledger: Ledger) -> Feature:
    ledger.params = ledger.params + 2 * layer.channels
    return ledger.step(feature, feature)


@count.register
def _layer_scale(layer: LayerScale, feature: Feature, ledger: Ledger) -> Feature:
    ledger.params = ledger.params + layer.channels
    return ledger.step(feature, feature)


@count.register
def _act(layer: Act, feature: Feature, ledger: Ledger) -> Feature:
    if layer.name in OVERWRITING:
        ledger.keep(feature)
        ledger.alive(feature.elements)
        return feature.marked(kept=True)
    if layer.name == "sigmoid":  # its backward needs the result, not the input
        ledger.kept = ledger.kept + feature.elements
        ledger.alive(2 * feature.elements)
        return feature.marked(kept=True)
    return ledger.step(feature, feature)


@count.register
def _pool(layer: Pool, feature: Feature, ledger: Ledger) -> Feature:
    out = _windowed(feature, feature.channels, layer)
    if layer.kind == "max":
        ledger.kept = ledger.kept + _INDEX_ELEMENTS * out.elements
    return ledger.step(feature, out)


@count.register
def _adaptive_pool(layer: AdaptivePool, feature: Feature, ledger: Ledger) -> Feature:
    out = Feature.of(feature.channels, layer.size)
    if layer.size > 1:
        return ledger.step(feature, out)
    ledger.alive(feature.elements + out.elements)  # a mean needs nothing of its input
    return out


@count.register
def _flatten(layer: Flatten, feature: Feature, ledger: Ledger) -> Feature:
    return Feature.of(feature.elements, 1).marked(feature.kept)


@count.register(Permute)
@count.register(Dropout)
def _free(layer: Permute | Dropout, feature: Feature, ledger: Ledger) -> Feature:
    return feature


@count.register
def _when(layer: When, feature: Feature, ledger: Ledger) -> Feature:
    if layer.present is False:
        return feature
    if layer.present is True:
        return walk(layer.layers, feature, ledger)
    part = Ledger()
    out = walk(layer.layers, feature, part)
    ledger.add(part, layer.present * 1)
    return out


@count.register
def _residual(layer: Residual, feature: Feature, ledger: Ledger) -> Feature:
    # x is alive until the block is done: the sum needs it, and where there is none the caller still refers to it
    out = _walk_beside(feature.elements, layer.main, feature, ledger)
    # the first layer of the main path keeps x already; the shortcut runs beside the finished main path
    _walk_beside(out.elements, layer.shortcut, feature.marked(kept=True), ledger)
    return out.marked(kept=False)


@count.register
def _gate(layer: Gate, feature: Feature, ledger: Ledger) -> Feature:
    _walk_beside(feature.elements, layer.branch, feature, ledger)
    return ledger.step(feature, feature)


@count.register
def _concatenate(layer: Concatenate, feature: Feature, ledger: Ledger) -> Feature:
    new = _walk_beside(feature.elements, layer.branch, feature, ledger)
    out = feature.with_channels(feature.channels + new.channels)
    ledger.alive(2 * out.elements)
    return out


def _walk_beside(elements: Count, layers: Layers, feature: Feature, ledger: Ledger) -> Feature:
    """Walks layers while so many elements stay alive beside them."""
    held = ledger.held
    ledger.held = held + elements
    feature = walk(layers, feature, ledger)
    ledger.held = held
    return feature


@count.register
def _chain(layer: Chain, feature: Feature, ledger: Ledger) -> Feature:
    if layer.affine:
        return _series(layer, feature, ledger)
    feature = walk(layer.block(0), feature, ledger)
    for index in range(1, layer.leading):
        feature = count(When(layer.times > index, layer.block(index)), feature, ledger)
    part = Ledger()
    out = walk(layer.block(layer.leading), feature, part)
    ledger.add(part, larger(layer.times - layer.leading, 0))
    return out


def _series(layer: Chain, feature: Feature, ledger: Ledger) -> Feature:
    first, last = Ledger(), Ledger()
    out = walk(layer.block(0), feature, first)
    growth = out.channels - feature.channels
    before = feature.with_channels(feature.channels + growth * (layer.times - 1))
    out = walk(layer.block(layer.times - 1), before, last)
    ledger.add_series(first, last, layer.times)
    return out
