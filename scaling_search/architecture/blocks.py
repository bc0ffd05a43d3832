"""The blocks that stages are made of. Each is one small class: its options, what it may not be, and its description.

A stage is a block with channels, layers and stride; the first layer changes channels and stride, the others repeat.
To add a block: subclass `Stage`, write `describe`, add the class to `AnyStage`.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from math import lcm
from typing import Annotated, Any, Literal, Self, TypeAlias

import numpy as np
from pydantic import Field

from scaling_search.architecture.layers import (
    Act,
    Activation,
    Chain,
    Concatenate,
    Conv,
    Count,
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
from scaling_search.architecture.rounding import halved
from scaling_search.architecture.stage import Repeated, Stage, divisible, expanded, fraction_of, same_shape


class MBConv(Repeated):
    """Inverted residual: expand 1×1 → depthwise k×k → squeeze-excitation → project 1×1 (arXiv 1801.04381, 1807.11626).

    Attributes:
        expansion: how many times wider the depthwise part is; a list gives one value a layer, the last one repeats.
        se: hidden channels of the squeeze-excitation as a fraction of `se_of`, at least one; 0 for none.
        se_of: the channels that the fraction is of: the block's input (EfficientNet) or the expanded (MobileNetV3).
        se_divisor: the hidden channels are rounded to a multiple of it.
        se_gate: the gate's activation.
        skip: add the input where a layer keeps its shape; without it every layer is main(x) alone, as MnasNet's «no
            skip» (arXiv 1807.11626, sec. 4.1).
    """

    block: Literal["mbconv"]
    kernel: Literal[3, 5, 7] = 3
    expansion: float | tuple[float, ...] = 6
    se: float = Field(default=0.0, ge=0, le=1)
    se_of: Literal["input", "expanded"] = "input"
    se_divisor: int = Field(default=1, ge=1)
    se_gate: Literal["sigmoid", "hard_sigmoid"] = "sigmoid"
    skip: bool = True

    @property
    def _expansions(self) -> tuple[float, ...]:
        return self.expansion if isinstance(self.expansion, tuple) else (self.expansion,)

    @property
    def alike_from(self) -> int:
        return max(1, len(self._expansions) - 1)

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        expansion = self._expansions[min(index, len(self._expansions) - 1)]
        middle = expanded(cin, expansion)
        widen: Layers = () if expansion == 1 else (*conv_norm(cin, middle), Act(act))
        depthwise = (*conv_norm(middle, middle, self.kernel, stride, middle), Act(act))
        main = (*widen, *depthwise, *self._squeeze(cin, middle, act), *conv_norm(middle, cout))
        return (Residual(main, present=self.skip and same_shape(cin, cout, stride)),)

    def _squeeze(self, cin: Count, middle: Count, act: Activation) -> Layers:
        if not self.se:
            return ()
        of = cin if self.se_of == "input" else middle
        hidden = divisible(fraction_of(of, self.se), self.se_divisor)
        inner: Activation = "relu" if self.se_gate == "hard_sigmoid" else act
        return (squeeze_excite(middle, hidden, inner, self.se_gate),)

    def check(self, cin: int) -> None:
        super().check(cin)
        if not self._expansions or min(self._expansions) <= 0:
            raise ValueError(f"the expansion must be positive, not {self.expansion}")
        unused = sorted({"se_of", "se_divisor", "se_gate"} & self.model_fields_set)
        if unused and not self.se:
            raise ValueError(f"{unused[0]} without se: there is no squeeze-excitation that it could change")


class FusedMBConv(Repeated):
    """Expand k×k → project 1×1, or one k×k alone without expansion (arXiv 2104.00298, sec. 3.2).

    Attributes:
        skip: as of `MBConv`.
    """

    block: Literal["fused_mbconv"]
    kernel: Literal[3, 5] = 3
    expansion: int = Field(default=4, ge=1)
    skip: bool = True

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        middle = cout if self.expansion == 1 else cin * self.expansion
        project = () if self.expansion == 1 else conv_norm(middle, cout)
        main = (*conv_norm(cin, middle, self.kernel, stride), Act(act), *project)
        return (Residual(main, present=self.skip and same_shape(cin, cout, stride)),)


class Separable(Repeated):
    """Depthwise 3×3 → pointwise 1×1, no residual (arXiv 1704.04861)."""

    block: Literal["separable"]
    kernel: Literal[3, 5] = 3

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        return (*conv_norm(cin, cin, self.kernel, stride, cin), Act(act), *conv_norm(cin, cout), Act(act))


class _ResNetStage(Repeated):
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
        same = same_shape(cin, cout, stride)
        if same is True:
            return ()
        if self.shortcut == "pool" and stride > 1:
            layers: Layers = (Pool("average", stride, stride, ceil=True), *conv_norm(cin, cout))
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
        se: hidden channels of the squeeze-excitation as a fraction of the block's input (RegNetY); 0 for
            none.
    """

    block: Literal["bottleneck"]
    ratio: float = Field(default=0.25, gt=0, le=4)
    groups: int = Field(default=1, ge=1)
    group_width: int | None = Field(default=None, ge=1)
    se: float = Field(default=0.0, ge=0, le=1)

    def _main(self, cin: Count, cout: Count, stride: int, act: Activation) -> Layers:
        inner = fraction_of(cout, self.ratio)
        groups = inner // self.group_width if self.group_width else self.groups
        squeeze = (squeeze_excite(inner, fraction_of(cin, self.se, half_up=True), "relu"),) if self.se else ()
        spatial = (*conv_norm(inner, inner, 3, stride, groups), Act(act))
        return *conv_norm(cin, inner), Act(act), *spatial, *squeeze, *conv_norm(inner, cout)

    def multiple(self, divisor: int = 1) -> int:
        """The smallest width whose inner width is a multiple of the divisor and of its groups."""
        inner, ratio = lcm(divisor, self.group_width or self.groups), Fraction(self.ratio).limit_denominator(64)
        return lcm(inner * ratio.denominator, ratio.numerator) // ratio.numerator

    def for_base_width(self, width: float) -> Self:
        """Narrower groups, or fewer of them: with the old ones a thin network's stages lose their proportions."""
        group_width = self.group_width and halved(self.group_width, width)
        return self.model_copy(update={"groups": halved(self.groups, width), "group_width": group_width})


class Plain(Repeated):
    """3×3 convolutions with batch norm, then a max pool that does the stride (VGG, arXiv 1409.1556)."""

    block: Literal["plain"]

    def _layer(self, cin: Count, cout: Count, stride: int, act: Activation, index: int) -> Layers:
        return Conv(cin, cout, 3, bias=True, padding=1), Norm(cout), Act(act)

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
            return (Concatenate((*narrow, Norm(inner), Act(activation), Conv(inner, channels, 3, padding=1))),)

        return (*(transition if self.stride > 1 else ()), Chain(block, layers, affine=True))

    @property
    def alike_from(self) -> None:
        """Each layer is wider than the one before."""
        return None

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
            depthwise = Conv(channels, channels, self.kernel, 1, channels, bias=True, padding=self.kernel // 2)
            mlp = (Linear(channels, wide), Act(activation), Linear(wide, channels), LayerScale(channels))
            return (Residual((depthwise, Permute(True), Norm(channels, "layer"), *mlp, Permute(False))),)

        if self.stride == 1:
            return (Chain(block, layers),)
        patch = Conv(cin, channels, self.stride, self.stride, bias=True)
        return Permute(True), Norm(cin, "layer"), Permute(False), patch, Chain(block, layers)

    def check(self, cin: int) -> None:
        super().check(cin)
        if self.stride == 1 and cin != self.channels:
            raise ValueError(f"a change from {cin} to {self.channels} channels needs a stride")


AnyStage: TypeAlias = Annotated[
    MBConv | FusedMBConv | Separable | Basic | Bottleneck | Plain | Dense | ConvNeXt, Field(discriminator="block")
]
"""The registry: what `block:` in a stage may say."""
