"""What every stage has, and the arithmetic of channels that blocks share."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal, Self

import numpy as np

from scaling_search.architecture.layers import Activation, Chain, Count, Flag, Layers
from scaling_search.configuration import Strict


class Stage(Strict):
    """What all stages have.

    Attributes:
        channels: width of the stage's output (of what each layer adds, for `dense`).
        layers: how many times the block is repeated; what depth multiplies.
        stride: of the first layer.
        activation: instead of the network's.
    """

    channels: int
    layers: int
    stride: Literal[1, 2, 4] = 1
    activation: Activation | None = None

    @property
    def alike_from(self) -> int | None:
        """From this number of layers on, each further one costs the same; None where none costs what another does."""
        return 1

    @abstractmethod
    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        """The stage with these channels and layers (the realised ones, of one network or of many)."""

    def out_channels(self, cin: Count, channels: Count, layers: Count) -> Count:
        """The channels that leave the stage."""
        return channels

    def multiple(self, divisor: int = 1) -> int:
        """What the channels must be a multiple of: for the block to be legal, and its widths multiples of divisor."""
        return divisor

    def for_base_width(self, width: float) -> Self:
        """The stage of a baseline made `width` times as wide, where its channels come in groups of their own."""
        return self

    def check(self, cin: int) -> None:
        """Raises ValueError when the stage cannot be built on cin channels."""
        if self.layers < 1:
            raise ValueError(f"needs at least 1 layer, not {self.layers}")
        if self.channels < 1:
            raise ValueError(f"needs at least 1 channel, not {self.channels}")
        if self.channels % self.multiple():
            raise ValueError(f"{self.channels} channels are not a multiple of {self.multiple()}, as its groups need")


class Repeated(Stage):
    """A stage of layers that differ only in the first one's input and stride."""

    @abstractmethod
    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        """Layer `index` of the stage."""

    @property
    def alike_from(self) -> int:
        """How many layers come before all are alike."""
        return 1

    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        def block(index: int) -> Layers:
            width, stride = (cin, self.stride) if index == 0 else (channels, 1)
            return self._layer(width, channels, stride, activation, index)

        return (Chain(block, layers, leading=self.alike_from),)


def same_shape(cin: Count, cout: Count, stride: int) -> Flag:
    """Whether a layer keeps its input's shape, so that the input itself can be added."""
    if stride != 1:
        return False
    same = cin == cout
    return same if isinstance(same, np.ndarray) else bool(same)


def is_whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def fraction_of(channels: Count, fraction: float, *, half_up: bool = False) -> Count:
    """That fraction of the channels in whole channels (rounded down unless half_up), at least 1."""
    part = channels * fraction + (0.5 if half_up else 1e-9)
    if isinstance(part, np.ndarray):
        return np.maximum(np.floor(part.astype(np.float64)), 1).astype(np.int64)
    return max(int(part), 1)


def divisible(channels: Count, divisor: int) -> Count:
    """The nearest multiple of divisor, never 10 % below: what MobileNetV3 does to expanded and squeezed channels."""
    near = (channels * 2 + divisor) // (2 * divisor) * divisor
    near = np.maximum(near, divisor) if isinstance(near, np.ndarray) else max(near, divisor)
    return near + divisor * (near * 10 < channels * 9)


def expanded(channels: Count, expansion: float) -> Count:
    """A whole expansion multiplies; another is rounded to a multiple of 8, as its authors list it."""
    if is_whole(expansion):
        return channels * round(expansion)
    return divisible(fraction_of(channels, expansion, half_up=True), 8)
