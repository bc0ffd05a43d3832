"""The parts of a network, one after the other, before their numbers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from scaling_search.architecture.ends import Head, Stem
from scaling_search.architecture.layers import Activation, Count, Layers
from scaling_search.architecture.stage import Stage

Channels: TypeAlias = tuple[Count, ...]


class Parts(Protocol):
    """What the pieces are made of, which an `Architecture` has."""

    @property
    def classes(self) -> int: ...
    @property
    def stem(self) -> Stem | None: ...
    @property
    def stages(self) -> Sequence[Stage]: ...
    @property
    def head(self) -> Head: ...
    @property
    def activation(self) -> Activation: ...


class Piece(NamedTuple):
    """A stem, a stage or a head.

    Attributes:
        columns: how many entries of `Architecture.widths` are its own.
        describe: its layers, from the channels that enter, its own widths, and how often its block is repeated.
        leaves: the channels that leave it, from the same.
        repeats: whether a block is repeated; what depth multiplies.
        alike_from: from this number of layers on, each further one costs the same; None where that is not so.
    """

    name: str
    columns: int
    describe: Callable[[Count, Channels, Count], Layers]
    leaves: Callable[[Count, Channels, Count], Count]
    repeats: bool = False
    alike_from: int | None = 1


def pieces(network: Parts) -> list[Piece]:
    """Stem, stages and head in their order."""
    activation = network.activation
    stem = [_stem(network.stem, network.stem.activation or activation)] if network.stem else []
    stages = [
        _stage(f"stage {position}", stage, stage.activation or activation)
        for position, stage in enumerate(network.stages, start=1)
    ]
    return [*stem, *stages, _head(network.head, network.classes, network.head.activation or activation)]


def _stem(stem: Stem, activation: Activation) -> Piece:
    return Piece("stem", 1, lambda _, own, __: stem.describe(own[0], activation), lambda _, own, __: own[0])


def _stage(name: str, stage: Stage, activation: Activation) -> Piece:
    return Piece(
        name,
        1,
        lambda cin, own, layers: stage.describe(cin, own[0], layers, activation),
        lambda cin, own, layers: stage.out_channels(cin, own[0], layers),
        repeats=True,
        alike_from=stage.alike_from,
    )


def _head(head: Head, classes: int, activation: Activation) -> Piece:
    convolution = 1 if head.channels else 0

    def describe(cin: Count, own: Channels, layers: Count) -> Layers:
        channels = own[0] if convolution else 0
        return head.describe(cin, channels, own[convolution:], classes, activation)

    return Piece("head", convolution + len(head.hidden), describe, lambda _, __, ___: classes)
