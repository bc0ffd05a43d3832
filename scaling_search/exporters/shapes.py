"""Questions about a described network that several exporters ask."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import Basic, Bottleneck, MBConv
from scaling_search.architecture.stage import fraction_of
from scaling_search.exporters.member import Inexpressible

T = TypeVar("T")


def only(stages: Sequence[object], kind: type) -> bool:
    """Whether all stages are of one kind."""
    return all(isinstance(stage, kind) for stage in stages)


def same(values: Iterable[T]) -> T:
    """The one value that all of them have.

    Raises:
        Inexpressible: they differ.
    """
    found = list(values)
    if any(value != found[0] for value in found):
        texts = ", ".join(dict.fromkeys(map(str, found)))
        raise Inexpressible(f"all its stages have one value where these have several ({texts})")
    return found[0]


def expansions(stage: MBConv) -> list[float]:
    """The expansion of every layer."""
    given = stage.expansion if isinstance(stage.expansion, tuple) else (stage.expansion,)
    return [given[min(index, len(given) - 1)] for index in range(stage.layers)]


def check_skips(network: Architecture) -> None:
    """Raises Inexpressible where a stage adds no input, which only timm's blocks can."""
    if not all(getattr(stage, "skip", True) for stage in network.stages):
        raise Inexpressible("its blocks add their input wherever they can, and some stages of this network do not")


def inner_channels(stage: Bottleneck) -> int:
    """The channels of the 3×3 convolution."""
    return int(fraction_of(stage.channels, stage.ratio))


def group_size(stage: Bottleneck) -> int:
    """The channels of one group of the 3×3 convolution."""
    return stage.group_width or inner_channels(stage) // stage.groups


def first_strides(network: Architecture) -> tuple[int, ...]:
    """The stride of each stage."""
    return tuple(stage.stride for stage in network.stages)


def is_resnet(network: Architecture) -> bool:
    """Whether it is residual blocks after a pooled stem: ResNet, ResNeXt, wide ResNet."""
    stages = network.stages
    if network.stem is None or not network.stem.pool:
        return False
    if only(stages, Basic):
        return True
    return all(isinstance(one, Bottleneck) and not one.se and not one.group_width for one in stages)


def is_regnet(network: Architecture) -> bool:
    """Whether it is bottlenecks after a stem without pool."""
    stem = network.stem
    plain = stem is not None and stem.kind == "conv" and not stem.pool
    return plain and only(network.stages, Bottleneck)


def stem_kind(network: Architecture) -> str:
    """A stem in words: «7×7, stride 2, pool»."""
    stem = network.stem
    if stem is None:
        return "none"
    if stem.kind != "conv":
        return stem.kind
    return f"{stem.kernel}×{stem.kernel}, stride {stem.stride}{', pool' if stem.pool else ''}"


def check_ends(network: Architecture, *, stem: str, norm: str, hidden: int = 0, channels: int | None = None) -> None:
    """Raises Inexpressible where the stem or the head is another one than a class of a library has.

    Args:
        stem: as `stem_kind` says it.
        norm: of the head.
        hidden: fully connected layers before the classifier.
        channels: 0: no convolution before the pooling; None: either.
    """
    head = network.head
    if stem_kind(network) != stem:
        raise Inexpressible(f"its class has the stem {stem}, and this network {stem_kind(network)}")
    if network.stem and network.stem.activation not in (None, network.activation):
        raise Inexpressible("its class has one activation for stem and stages")
    if head.activation not in (None, network.activation):
        raise Inexpressible("its class has one activation for head and stages")
    if head.norm != norm or head.pool != 1 or len(head.hidden) != hidden:
        raise Inexpressible("its class has another head")
    if channels == 0 and head.channels:
        raise Inexpressible("its class has no convolution before the pooling")
