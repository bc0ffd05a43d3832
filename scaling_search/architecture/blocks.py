"""The blocks that stages are made of. Each is one small class: its options, what it may not be, and its description.

A stage is a block with channels, layers and stride; the first layer changes channels and stride, the others repeat.
To add a block: subclass `Stage`, write `describe`, add the class to `AnyStage`.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from math import lcm
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from scaling_search.architecture.layers import (
    Act,
    Activation,
    Chain,
    Concatenate,
    Conv,
    Count,
    Flag,
    Layers,
    LayerScale,
    Linear,
    Norm,
    Permute,
    Pool,
    Residual,
    When,
    conv_norm,
    squeeze_excite,
)
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

    @abstractmethod
    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        """The stage with these channels and layers (the realised ones, of one network or of many)."""

    def out_channels(self, cin: Count, channels: Count, layers: Count) -> Count:
        """The channels that leave the stage."""
        return channels

    def multiple(self, divisor: int = 1) -> int:
        """What the channels must be a multiple of: for the block to be legal, and its widths multiples of divisor."""
        return divisor

    def check(self, cin: int) -> None:
        """Raises ValueError when the stage cannot be built on cin channels."""
        if self.layers < 1:
            raise ValueError(f"needs at least 1 layer, not {self.layers}")
        if self.channels < 1:
            raise ValueError(f"needs at least 1 channel, not {self.channels}")
        if self.channels % self.multiple():
            raise ValueError(f"{self.channels} channels are not a multiple of {self.multiple()}, as its groups need")


class _Repeated(Stage):
    """A stage of layers that differ only in the first one's input and stride."""

    @abstractmethod
    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        """Layer `index` of the stage."""

    def _leading(self) -> int:
        """How many layers come before all are alike."""
        return 1

    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        def block(index: int) -> Layers:
            width, stride = (cin, self.stride) if index == 0 else (channels, 1)
            return self._layer(width, channels, stride, activation, index)

        return (Chain(block, layers, leading=self._leading()),)


class MBConv(_Repeated):
    """Inverted residual: expand 1×1 → depthwise k×k → squeeze-excitation → project 1×1 (arXiv 1801.04381, 1807.11626).

    Attributes:
        expansion: how many times wider the depthwise part is; a list gives one value a layer, the last one repeats.
        se: hidden channels of the squeeze-excitation as a fraction of `se_of`; 0 for none.
        se_of: the channels that the fraction is of: the block's input (EfficientNet) or the expanded (MobileNetV3).
        se_divisor: the hidden channels are rounded to a multiple of it.
        se_gate: the gate's activation.
    """

    block: Literal["mbconv"]
    kernel: Literal[3, 5, 7] = 3
    expansion: float | tuple[float, ...] = 6
    se: float = 0.0
    se_of: Literal["input", "expanded"] = "input"
    se_divisor: int = Field(default=1, ge=1)
    se_gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"

    @property
    def _expansions(self) -> tuple[float, ...]:
        return self.expansion if isinstance(self.expansion, tuple) else (self.expansion,)

    def _leading(self) -> int:
        return max(1, len(self._expansions) - 1)

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        expansion = self._expansions[min(index, len(self._expansions) - 1)]
        middle = _expanded(cin, expansion)
        widen: Layers = () if expansion == 1 else (*conv_norm(cin, middle), Act(act))
        depthwise = (*conv_norm(middle, middle, self.kernel, stride, middle), Act(act))
        main = (*widen, *depthwise, *self._squeeze(cin, middle, act), *conv_norm(middle, cout))
        return (Residual(main, present=_same(cin, cout, stride)),)

    def _squeeze(self, cin: Count, middle: Count, act: Activation) -> Layers:
        if not self.se:
            return ()
        of = cin if self.se_of == "input" else middle
        hidden = _divisible(_fraction(of, self.se), self.se_divisor)
        inner: Activation = "relu" if self.se_gate == "hard_sigmoid" else act
        return (squeeze_excite(middle, hidden, inner, self.se_gate),)

    def check(self, cin: int) -> None:
        super().check(cin)
        if not self._expansions or min(self._expansions) <= 0:
            raise ValueError(f"the expansion must be positive, not {self.expansion}")
        _check_squeeze(self.se, cin if self.se_of == "input" else self._expansions[0] * cin)


class FusedMBConv(_Repeated):
    """Expand k×k → project 1×1, or one k×k alone without expansion (arXiv 2104.00298, sec. 3.2)."""

    block: Literal["fused_mbconv"]
    kernel: Literal[3, 5] = 3
    expansion: int = Field(default=4, ge=1)

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        middle = cout if self.expansion == 1 else cin * self.expansion
        project = () if self.expansion == 1 else conv_norm(middle, cout)
        main = (*conv_norm(cin, middle, self.kernel, stride), Act(act), *project)
        return (Residual(main, present=_same(cin, cout, stride)),)


class Separable(_Repeated):
    """Depthwise 3×3 → pointwise 1×1, no residual (arXiv 1704.04861)."""

    block: Literal["separable"]
    kernel: Literal[3, 5] = 3

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        return (*conv_norm(cin, cin, self.kernel, stride, cin), Act(act), *conv_norm(cin, cout), Act(act))


class _ResNetStage(_Repeated):
    """Residual blocks whose shortcut is a projection where the shape changes.

    Attributes:
        shortcut: the projection strides itself («conv»), or an average pool does and it stays 1×1 stride 1
            («pool», the D of ResNet-D, arXiv 1812.01187).
    """

    shortcut: Literal["conv", "pool"] = "conv"

    @abstractmethod
    def _main(self, cin: Count, cout: Count, stride: int, act: Activation) -> Layers: ...

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        return Residual(self._main(cin, cout, stride, act), self._projection(cin, cout, stride)), Act(act)

    def _projection(self, cin: Count, cout: Count, stride: int) -> Layers:
        same = _same(cin, cout, stride)
        if same is True:
            return ()
        if self.shortcut == "pool" and stride > 1:
            layers: Layers = (Pool("average", stride, stride), *conv_norm(cin, cout))
        else:
            layers = conv_norm(cin, cout, 1, stride)
        return layers if same is False else (When(np.logical_not(same), layers),)


class Basic(_ResNetStage):
    """Two 3×3 convolutions (ResNet-18 and -34, arXiv 1512.03385)."""

    block: Literal["basic"]

    def _main(self, cin: Count, cout: Count, stride: int, act: Activation) -> Layers:
        return *conv_norm(cin, cout, 3, stride), Act(act), *conv_norm(cout, cout, 3)


class Bottleneck(_ResNetStage):
    """1×1 → 3×3 (grouped) → squeeze-excitation → 1×1 (ResNet-50, ResNeXt, wide ResNet, RegNet).

    Attributes:
        ratio: inner channels as a fraction of the stage's channels: 0.25 in ResNet, 0.5 in wide ResNet, 1 in RegNet.
        groups: of the 3×3 convolution (ResNeXt's cardinality); does not change with width.
        group_width: channels a group instead, so that the number of groups grows with width (RegNet).
        se: hidden channels of the squeeze-excitation as a fraction of the block's input (RegNetY); 0 for none.
    """

    block: Literal["bottleneck"]
    ratio: float = Field(default=0.25, gt=0, le=4)
    groups: int = Field(default=1, ge=1)
    group_width: int | None = Field(default=None, ge=1)
    se: float = 0.0

    def _main(self, cin: Count, cout: Count, stride: int, act: Activation) -> Layers:
        inner = _fraction(cout, self.ratio)
        groups = inner // self.group_width if self.group_width else self.groups
        squeeze = (squeeze_excite(inner, _fraction(cin, self.se, half_up=True), "relu"),) if self.se else ()
        spatial = (*conv_norm(inner, inner, 3, stride, groups), Act(act))
        return *conv_norm(cin, inner), Act(act), *spatial, *squeeze, *conv_norm(inner, cout)

    def multiple(self, divisor: int = 1) -> int:
        """The smallest width whose inner width is a multiple of the divisor and of its groups."""
        inner, ratio = lcm(divisor, self.group_width or self.groups), Fraction(self.ratio).limit_denominator(64)
        return lcm(inner * ratio.denominator, ratio.numerator) // ratio.numerator

    def check(self, cin: int) -> None:
        super().check(cin)
        _check_squeeze(self.se, cin)


class Plain(_Repeated):
    """3×3 convolutions with batch norm, then a max pool that does the stride (VGG, arXiv 1409.1556)."""

    block: Literal["plain"]

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        return Conv(cin, cout, 3, bias=True), Norm(cout), Act(act)

    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        pool = (Pool("max", self.stride, self.stride),) if self.stride > 1 else ()
        return *super().describe(cin, channels, layers, activation), *pool


class Dense(Stage):
    """Each layer adds `channels` to what it got: norm → 1×1 to 4 × channels → norm → 3×3 (arXiv 1608.06993).

    A stride begins the stage with a transition: norm → 1×1 to half the channels → 2×2 average pool.
    """

    block: Literal["dense"]
    inner: int = Field(default=4, ge=1)

    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        start = self._start(cin)
        transition = (Norm(cin), Act(activation), Conv(cin, start), Pool("average", self.stride, self.stride))

        def block(index: Any) -> Layers:
            width, inner = start + index * channels, channels * self.inner
            narrow = (Norm(width), Act(activation), Conv(width, inner))
            return (Concatenate((*narrow, Norm(inner), Act(activation), Conv(inner, channels, 3))),)

        return (*(transition if self.stride > 1 else ()), Chain(block, layers, affine=True))

    def _start(self, cin: Count) -> Count:
        return cin // 2 if self.stride > 1 else cin

    def out_channels(self, cin: Count, channels: Count, layers: Count) -> Count:
        return self._start(cin) + layers * channels


class ConvNeXt(Stage):
    """Depthwise 7×7 → layer norm → linear ×4 → GELU → linear → layer scale (arXiv 2201.03545).

    A stride begins the stage with layer norm → stride×stride convolution.
    """

    block: Literal["convnext"]
    kernel: Literal[3, 5, 7] = 7
    expansion: int = Field(default=4, ge=1)

    def describe(self, cin: Count, channels: Count, layers: Count, activation: Activation) -> Layers:
        def block(index: int) -> Layers:
            wide = channels * self.expansion
            depthwise = Conv(channels, channels, self.kernel, groups=channels, bias=True)
            mlp = (Linear(channels, wide), Act(activation), Linear(wide, channels), LayerScale(channels))
            return (Residual((depthwise, Permute(True), Norm(channels, "layer"), *mlp, Permute(False))),)

        if self.stride == 1:
            return (Chain(block, layers),)
        patch = Conv(cin, channels, self.stride, self.stride, bias=True, padding=0)
        return Permute(True), Norm(cin, "layer"), Permute(False), patch, Chain(block, layers)

    def check(self, cin: int) -> None:
        super().check(cin)
        if self.stride == 1 and cin != self.channels:
            raise ValueError(f"a change from {cin} to {self.channels} channels needs a stride")


AnyStage: TypeAlias = Annotated[
    MBConv | FusedMBConv | Separable | Basic | Bottleneck | Plain | Dense | ConvNeXt, Field(discriminator="block")
]
"""The registry: what `block:` in a stage may say."""


def _same(cin: Count, cout: Count, stride: int) -> Flag:
    """Whether a layer keeps its input's shape, so that the input itself can be added."""
    if stride != 1:
        return False
    same = cin == cout
    return same if isinstance(same, np.ndarray) else bool(same)


def _whole(value: float) -> bool:
    return abs(value - round(value)) < 1e-9


def _fraction(channels: Count, fraction: float, *, half_up: bool = False) -> Count:
    """That fraction of the channels in whole channels (rounded down unless half_up), at least 1."""
    part = channels * fraction + (0.5 if half_up else 1e-9)
    if isinstance(part, np.ndarray):
        return np.maximum(np.floor(part.astype(np.float64)), 1).astype(np.int64)
    return max(int(part), 1)


def _divisible(channels: Count, divisor: int) -> Count:
    """The nearest multiple of divisor, never 10 % below: what MobileNetV3 does to expanded and squeezed channels."""
    near = (channels * 2 + divisor) // (2 * divisor) * divisor
    near = np.maximum(near, divisor) if isinstance(near, np.ndarray) else max(near, divisor)
    return near + divisor * (near * 10 < channels * 9)


def _expanded(channels: Count, expansion: float) -> Count:
    """A whole expansion multiplies; another is rounded to a multiple of 8, as its authors list it."""
    if _whole(expansion):
        return channels * round(expansion)
    return _divisible(_fraction(channels, expansion, half_up=True), 8)


def _check_squeeze(fraction: float, of: float) -> None:
    if fraction < 0 or (fraction > 0 and of * fraction < 1):
        raise ValueError(f"a squeeze-excitation of {fraction} × {of:g} channels has no channel")
