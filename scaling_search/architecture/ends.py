"""What comes before the stages and after them."""

from __future__ import annotations

from math import lcm
from typing import Literal

from pydantic import Field

from scaling_search.architecture.layers import (
    Act,
    Activation,
    AdaptivePool,
    Conv,
    Count,
    Dropout,
    Flatten,
    Layers,
    Linear,
    Norm,
    Permute,
    Pool,
    conv_norm,
)
from scaling_search.configuration import Strict

IMAGE_CHANNELS = 3


class Stem(Strict):
    """The layers that see the image.

    Attributes:
        channels: what the stem puts out; scaled by width.
        kind: one convolution («conv»), three 3×3 ones with half the channels in the first two («deep», ResNet-D), or
            non-overlapping patches with layer norm («patch», ConvNeXt).
        kernel, stride: of the first convolution.
        pool: a 3×3 max pool of stride 2 follows (ResNet, DenseNet).
        activation: instead of the network's.
    """

    channels: int = Field(ge=1)
    kind: Literal["conv", "deep", "patch"] = "conv"
    kernel: int = Field(default=3, ge=1)
    stride: Literal[1, 2, 4] = 2
    pool: bool = False
    activation: Activation | None = None

    @property
    def total_stride(self) -> int:
        return self.stride * (2 if self.pool else 1)

    def multiple(self, divisor: int) -> int:
        """What the channels must be a multiple of: of the divisor, and even where half of them come first."""
        return lcm(divisor, 2) if self.kind == "deep" else divisor

    def describe(self, channels: Count, activation: Activation) -> Layers:
        if self.kind == "patch":
            patches = Conv(IMAGE_CHANNELS, channels, self.kernel, self.stride, bias=True)
            return patches, Permute(True), Norm(channels, "layer"), Permute(False)
        pool = (Pool("max", 3, 2, padding=1),) if self.pool else ()
        if self.kind == "conv":
            first = conv_norm(IMAGE_CHANNELS, channels, self.kernel, self.stride)
            return *first, Act(activation), *pool
        half = channels // 2
        first = (*conv_norm(IMAGE_CHANNELS, half, 3, self.stride), Act(activation))
        return *first, *conv_norm(half, half, 3), Act(activation), *conv_norm(half, channels, 3), Act(activation), *pool


class Head(Strict):
    """The layers between the stages and the classes.

    Attributes:
        channels: of a 1×1 convolution before the pooling, scaled by width; 0 for none.
        norm: batch norm and activation before the pooling («before»: DenseNet), or layer norm after it («after»:
            ConvNeXt).
        pool: the map is averaged down to pool × pool.
        hidden: fully connected layers before the classifier, scaled by width.
        activation: instead of the network's.
    """

    channels: int = Field(default=0, ge=0)
    norm: Literal["none", "before", "after"] = "none"
    pool: int = Field(default=1, ge=1)
    hidden: tuple[int, ...] = ()
    activation: Activation | None = None

    def describe(self, cin: Count, channels: Count, hidden: tuple[Count, ...], classes: int, act: Activation) -> Layers:
        width = channels if self.channels else cin
        before = (*conv_norm(cin, width), Act(act)) if self.channels else ()
        before = (*before, Norm(width), Act(act)) if self.norm == "before" else before
        after: Layers = (Permute(True), Norm(width, "layer"), Permute(False)) if self.norm == "after" else ()
        features = width * self.pool**2
        dense: Layers = ()
        for out in hidden:
            dense = (*dense, Linear(features, out), Act(act), Dropout())
            features = out
        dropout: Layers = () if hidden else (Dropout(),)
        return *before, AdaptivePool(self.pool), *after, Flatten(), *dense, *dropout, Linear(features, classes)
