"""The words that every network is described in: pure data that the counter adds up and the builder makes modules of.

A description is a tuple of layers. Channels are plain integers when one network is meant, or integer arrays [N] when N
networks of the same structure are described at once (only the counter accepts those). Images are square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Count: TypeAlias = int | NDArray[Any]
"""A whole number, or one for each of N networks."""

Flag: TypeAlias = bool | NDArray[np.bool_]

Activation = Literal["relu", "relu6", "silu", "hard_swish", "gelu", "sigmoid", "hard_sigmoid"]

OVERWRITING = frozenset({"relu"})
"""Activations that work in place: autograd would clone the input of any other before it is overwritten."""


@dataclass(frozen=True, slots=True)
class Conv:
    """k×k convolution. A padding of k // 2 makes an odd kernel give ⌈size / stride⌉."""

    cin: Count
    cout: Count
    kernel: int = 1
    stride: int = 1
    groups: Count = 1
    bias: bool = False
    padding: int = 0


@dataclass(frozen=True, slots=True)
class Linear:
    """Fully connected, with bias; on a map with the channels last it acts at every position."""

    cin: Count
    cout: Count


@dataclass(frozen=True, slots=True)
class Norm:
    """Batch norm, or layer norm over the channels (which expects them last)."""

    channels: Count
    kind: Literal["batch", "layer"] = "batch"


@dataclass(frozen=True, slots=True)
class Act:
    name: Activation


@dataclass(frozen=True, slots=True)
class Pool:
    """A sliding window; `ceil` lets the last one hang over the edge, where only what is inside counts."""

    kind: Literal["max", "average"]
    kernel: int
    stride: int
    padding: int = 0
    ceil: bool = False


@dataclass(frozen=True, slots=True)
class AdaptivePool:
    """Average over the map down to size × size."""

    size: int = 1


@dataclass(frozen=True, slots=True)
class Flatten:
    """[C, h, w] → [C·h·w]."""


@dataclass(frozen=True, slots=True)
class Permute:
    """Moves the channels to the last place, or back to the first."""

    channels_last: bool


@dataclass(frozen=True, slots=True)
class Dropout:
    """At the rate that the network carries."""


@dataclass(frozen=True, slots=True)
class LayerScale:
    """One learned factor a channel, channels last (arXiv 2103.17239, sec. 2.1)."""

    channels: Count
    initial: float = 1e-6


@dataclass(frozen=True, slots=True)
class When:
    """The layers where present holds, else nothing; they keep the shape that the other path has."""

    present: Flag
    layers: Layers


@dataclass(frozen=True, slots=True)
class Residual:
    """main(x) + shortcut(x); an empty shortcut is x itself. Where present is false: main(x) alone."""

    main: Layers
    shortcut: Layers = ()
    present: Flag = True


@dataclass(frozen=True, slots=True)
class Gate:
    """x · branch(x), the branch giving one number a channel: squeeze-and-excitation."""

    branch: Layers


@dataclass(frozen=True, slots=True)
class Concatenate:
    """x and branch(x) side by side in the channels (arXiv 1608.06993)."""

    branch: Layers


@dataclass(frozen=True, slots=True)
class Chain:
    """A stage: block(0), block(1), … block(times − 1), one after the other.

    What lets a stage of any depth be counted from few blocks: from index `leading` on the blocks are all equal, or,
    where `affine`, each costs as much more than the one before it as that one did.
    """

    block: Callable[[Any], Layers]
    times: Count
    leading: int = 1
    affine: bool = False


Layer: TypeAlias = (
    Conv
    | Linear
    | Norm
    | Act
    | Pool
    | AdaptivePool
    | Flatten
    | Permute
    | Dropout
    | LayerScale
    | When
    | Residual
    | Gate
    | Concatenate
    | Chain
)
Layers: TypeAlias = tuple[Layer, ...]


def conv_norm(cin: Count, cout: Count, kernel: int = 1, stride: int = 1, groups: Count = 1) -> Layers:
    """Convolution without bias and with padding k // 2, then batch norm."""
    return Conv(cin, cout, kernel, stride, groups, padding=kernel // 2), Norm(cout)


def squeeze_excite(channels: Count, hidden: Count, inner: Activation, gate: Activation = "sigmoid") -> Gate:
    """Average → 1×1 to hidden → activation → 1×1 back → gate (arXiv 1709.01507)."""
    reduce, expand = Conv(channels, hidden, bias=True), Conv(hidden, channels, bias=True)
    return Gate((AdaptivePool(), reduce, Act(inner), expand, Act(gate)))
