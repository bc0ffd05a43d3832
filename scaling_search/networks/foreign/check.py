"""Is it right? Refusals, each one sentence with the way out, and the search for hard-coded channel numbers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import fx, nn

from scaling_search.architecture import Cost
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign.depth import Deepened, Placed
from scaling_search.networks.foreign.guard import foreign_code
from scaling_search.networks.foreign.structure import FoundStage
from scaling_search.networks.foreign.trace import (
    BATCH,
    Calls,
    channels,
    image,
    is_layer,
    operations,
    shapes_of,
    shapes_only,
)

WAY_OUT = "give a builder build(width, depth) that makes the network at each size (docs/foreign.md)"
_SLACK = 2.5  # rounding to whole blocks and channels moves the cost by up to this much beyond the nominal range
_SHAPING = {"view", "reshape", "split", "split_with_sizes", "narrow", "pad", "getitem", "unflatten"}
_CUTTING = {"split", "split_with_sizes", "narrow", "pad", "getitem"}
"""Operations that may go on working, wrongly, when there are more channels than their number says."""


def check_module(name: str, module: nn.Module, resolution: int) -> None:
    """Whether a network is one that can be scaled at all: convolutions, one image in, one row of numbers out.

    Raises:
        InvalidInput: it is not.
    """
    if not any(isinstance(part, nn.Conv2d) for part in module.modules()):
        raise InvalidInput(f"{name} has no 2-D convolution, so there is nothing to scale")
    try:
        with foreign_code(name), shapes_only(module), torch.no_grad():
            output = module(image(resolution))
    except InvalidInput:
        raise
    except TypeError as error:
        if "required positional argument" in str(error):
            raise InvalidInput(f"{name} has several inputs; a network must take one batch of images") from error
        raise InvalidInput(f"{name} fails on its own input of {resolution} px: {_line(error)}") from error
    except Exception as error:
        raise InvalidInput(f"{name} fails on its own input of {resolution} px: {_line(error)}") from error
    shapes = shapes_of(output)
    if not isinstance(output, torch.Tensor):
        raise InvalidInput(f"{name} has {len(shapes)} outputs; a network must give one tensor of class scores")
    if len(shapes[0]) != 2 or shapes[0][0] != BATCH:
        found = "×".join(map(str, shapes[0]))
        raise InvalidInput(f"{name} gives {found} numbers for {BATCH} images of {resolution} px, not one row for each")


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def check_scaled(network: Deepened, calls: Calls, classes: int) -> None:
    """Whether a scaled network does what it should: every block runs, and there is one row of scores for each image.

    Raises:
        ValueError: it does not; the message says what is wrong.
    """
    shape = calls[""].outputs[0]
    if shape != (BATCH, classes):
        raise ValueError(f"it gives {shape[0]}×{shape[1]} scores for {BATCH} images of {classes} classes")
    names = {part: name for name, part in network.module.named_modules()}
    idle = [placed for stage in network.stages for placed in stage if names.get(placed.modules[0]) not in calls]
    if idle:
        raise ValueError(f"a copy of block {idle[0].block.names[0]} is never run, so depth would not change")


def check_copies(network: Deepened, stages: Sequence[FoundStage], resolution: int) -> None:
    """Whether copied blocks run the operations of their siblings; a block made from an entry has their skip.

    Args:
        network: a deepened network that has not been widened.
        stages: of the source.

    Raises:
        ValueError: they do not.
    """
    names = {part: name for name, part in network.module.named_modules()}
    ran = operations(network.module, resolution, [names[placed.modules[0]] for s in network.stages for placed in s])
    adds = {part: not {"add", "add_"}.isdisjoint(ran[name]) for part, name in names.items() if name in ran}
    for stage in network.stages:
        originals = {placed.block.names: ran[names[placed.modules[0]]] for placed in reversed(stage)}
        for placed in stage:
            if not placed.made and ran[names[placed.modules[0]]] != originals[placed.block.names]:
                raise ValueError(f"a copy of block {placed.block.names[0]} runs other operations than the block itself")
            if placed.made and adds[placed.modules[0]] != _expected_skip(placed.modules[0], stage, network, adds):
                raise ValueError(f"a follower made from block {placed.block.names[0]} has no skip like its siblings'")


def _expected_skip(made: nn.Module, stage: Sequence[Placed], network: Deepened, adds: Mapping[nn.Module, bool]) -> bool:
    """Whether a block made from an entry should add its input: as its class does in blocks that keep their shape.

    An entry that adds nothing, while others of its class add a projection, is meant to have no skip (Xception's last).
    """
    entry = stage[0].modules[0]
    others = [placed for other in network.stages for placed in other if placed.modules[0] in adds and not placed.made]
    followers = [placed for other in network.stages for placed in other[1:] if not placed.made]
    followers += [other[0] for other in network.stages if other[0].block.call.keeps_shape]
    own = [placed for placed in followers if type(placed.modules[0]) is type(made)]
    projections = [one for one in others if one not in followers and type(one.modules[0]) is type(made)]
    if not followers or (not adds[entry] and any(adds[one.modules[0]] for one in projections)):
        return adds[entry]
    return any(adds[placed.modules[0]] for placed in own or followers)


def check_cost(base: Cost, scaled: Cost, growth: Sequence[float], width: float, dense: bool) -> None:
    """Whether realised multiply-adds are where d·w² says, give or take rounding.

    Layers grow by the least to the most that any stage grew (squared where inputs pile up, as in DenseNet), channels
    by w (depthwise) to w² times.

    Args:
        base: at the same resolution; small feature maps do not shrink with r².
        growth: realised depth of each stage, as a multiple of the source's.

    Raises:
        ValueError: they are not.
    """
    power = 2 if dense else 1
    low = min([1.0, *growth]) ** power * min(width, width**2)
    high = max([1.0, *growth]) ** power * max(width, width**2)
    ratio = scaled.macs / base.macs
    if not low / _SLACK <= ratio <= high * _SLACK:
        raise ValueError(f"the multiply-adds become {ratio:.2f} times as many, expected {low:.2f} to {high:.2f}")


# --- hard-coded numbers


def hard_coded(module: nn.Module, calls: Calls, *, silent: bool = False) -> list[str]:
    """Operations in a network's forward that carry one of its channel counts as a number: «view(-1, 400)».

    Args:
        silent: only those that may go on working with the wrong channels.

    Returns:
        Nothing where torch.fx cannot follow the forward.
    """
    parts = dict(module.named_modules())
    counts = {count for name in calls if is_layer(parts[name]) for count in channels(parts[name]) if count > 1}
    halves = {count // 2 for count in counts if count % 2 == 0}
    try:
        graph = fx.Tracer().trace(module)
    except Exception:  # the forward depends on what goes through it; there is nothing to read off
        return []
    kinds = _CUTTING if silent else _SHAPING
    return list(
        dict.fromkeys(
            _text(node) for node in graph.nodes if _name(node) in kinds and _numbers(node) & (counts | halves)
        )
    )


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def _numbers(node: fx.Node) -> set[int]:
    """The whole numbers above 1 that an operation carries, as far as they concern channels."""
    arguments: Any = (*node.args[1:], *node.kwargs.values())
    if _name(node) == "getitem":
        index = node.args[1]
        channel = index[1] if isinstance(index, tuple) and len(index) > 1 else None
        arguments = (channel.start, channel.stop) if isinstance(channel, slice) else ()
    if _name(node) == "pad":
        sizes = next((one for one in arguments if isinstance(one, tuple | list)), ())
        arguments = sizes[4:6]  # width, height, then channels
    return {number for number in _flat(arguments) if number > 1}


def _flat(value: Any) -> Iterator[int]:
    if isinstance(value, int) and not isinstance(value, bool):
        yield abs(value)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from _flat(one)


def _text(node: fx.Node) -> str:
    """An operation as a person would write it, with «…» for tensors."""
    if _name(node) == "getitem":
        return f"a slice of channels {_slices(node.args[1])}"
    arguments = (*node.args[1:], *(f"{name}={value}" for name, value in node.kwargs.items()))
    return f"{_name(node)}({', '.join('…' if isinstance(one, fx.Node) else str(one) for one in arguments)})"


def _slices(index: Any) -> str:
    def write(one: Any) -> str:
        if not isinstance(one, slice):
            return "…"
        return ":".join("" if end is None else str(end) for end in (one.start, one.stop))

    return f"[{', '.join(write(one) for one in index)}]"
