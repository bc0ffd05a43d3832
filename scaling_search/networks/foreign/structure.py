"""Where a network repeats itself: its stages, each an entry block and the followers that keep its output's shape.

A block is looked for in three ways, the first that finds any is taken: a module of its own class with at least two
convolutions (residual blocks, inverted residuals, dense layers, Inception modules); with one (conv–norm–activation
modules of small networks); a convolution and what follows it in a flat nn.Sequential (VGG).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from scaling_search.networks.foreign.trace import Call, Calls, is_layer

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block by the names of the modules it is made of (one, except in a flat nn.Sequential), and its shapes."""

    names: tuple[str, ...]
    call: Call

    @property
    def parent(self) -> str:
        return self.names[0].rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class FoundStage:
    """Consecutive blocks of one class with one output shape: the entry and its followers."""

    blocks: tuple[Block, ...]

    @property
    def repeats(self) -> bool:
        """Whether the last block can be copied as it is: it is no entry, or an entry that keeps the shape."""
        return len(self.blocks) > 1 or self.blocks[0].call.keeps_shape

    @property
    def is_dense(self) -> bool:
        """Whether the inputs grow from block to block while the outputs stay (DenseNet)."""
        return any(block.call.channels_in != block.call.channels_out for block in self.blocks[1:])


def find_stages(module: nn.Module, calls: Calls) -> list[FoundStage]:
    """The stages in the order in which they run; empty when nothing in the network can be repeated."""
    for candidates in (_own_blocks(module, calls, 2), _own_blocks(module, calls, 1), list(_segments(module, calls))):
        if candidates:
            return _repeatable(module, _stages(module, candidates, calls))
    return []


def _own_blocks(module: nn.Module, calls: Calls, convolutions: int) -> list[Block]:
    """The outermost modules that are blocks; what holds runs of blocks without being part of one is entered."""
    blockish = {name for name, part in module.named_modules() if _is_blockish(name, part, calls, convolutions)}
    blockish -= _lone_containers(module, blockish)
    runs = _runs(module, blockish, calls)
    repeated = {type(module.get_submodule(name)) for name in runs}
    holders = {name.rpartition(".")[0] for name in runs}
    stage_classes = {
        type(module.get_submodule(outer))
        for outer in blockish
        if any(holder == outer or holder.startswith(f"{outer}.") for holder in holders)
    } - repeated
    # a run inside a block that is itself repeated is the block's own affair, and no block beside it

    def enter(name: str, part: nn.Module) -> Iterator[Block]:
        if name in blockish and type(part) not in stage_classes:
            yield Block(names=(name,), call=calls[name])
            return
        for child_name, child in part.named_children():
            yield from enter(f"{name}.{child_name}" if name else child_name, child)

    return list(enter("", module))


def _is_blockish(name: str, part: nn.Module, calls: Calls, convolutions: int) -> bool:
    if not name or name not in calls or not calls[name].is_feature_map:
        return False
    is_flat = not any(True for child in part.children() for _ in child.children())
    if is_layer(part) or (type(part) in CONTAINERS and not (convolutions == 1 and is_flat)):
        return False
    height = calls[name].outputs[0][2]
    return height > 1 and sum(is_layer(inner) for inner in part.modules()) >= convolutions


def _lone_containers(module: nn.Module, blockish: set[str]) -> set[str]:
    """Bare nn.Sequentials without a second one beside them: the trunk of a flat network, not a block."""
    bare = [name for name in blockish if type(module.get_submodule(name)) in CONTAINERS]
    parents = [name.rpartition(".")[0] for name in bare]
    return {name for name, parent in zip(bare, parents, strict=True) if parents.count(parent) == 1}


def _runs(module: nn.Module, blockish: set[str], calls: Calls) -> set[str]:
    """Blocks that have a neighbour of their class and output shape."""
    found: set[str] = set()
    for parent, part in module.named_modules():
        inner = [(f"{parent}.{name}" if parent else name, child) for name, child in part.named_children()]
        for (first, one), (second, two) in pairwise(inner):
            if {first, second} <= blockish and type(one) is type(two) and _same_output(calls[first], calls[second]):
                found |= {first, second}
    return found


def _same_output(one: Call, two: Call) -> bool:
    return one.outputs == two.outputs


def _segments(module: nn.Module, calls: Calls) -> Iterator[Block]:
    """Convolutions with what follows them up to the next one or a pooling, in every flat nn.Sequential."""
    for name, part in module.named_modules():
        if not isinstance(part, nn.Sequential) or name not in calls or not calls[name].is_feature_map:
            continue
        current: list[str] = []
        pointwise_next = False
        for child_name, child in part.named_children():
            if isinstance(child, nn.Conv2d) and not pointwise_next:
                yield from _segment(current, calls)
                current = []
            if isinstance(child, nn.Conv2d):
                pointwise_next = child.groups == child.in_channels > 1
            if isinstance(child, _POOLS) or any(True for _ in child.children()):
                yield from _segment(current, calls)
                current = []
            elif current or isinstance(child, nn.Conv2d):
                current.append(f"{name}.{child_name}" if name else child_name)
        yield from _segment(current, calls)


def _segment(names: list[str], calls: Calls) -> Iterator[Block]:
    if names and all(name in calls for name in names):
        call = Call(inputs=calls[names[0]].inputs, outputs=calls[names[-1]].outputs)
        if call.is_feature_map:
            yield Block(names=tuple(names), call=call)


def _stages(module: nn.Module, blocks: list[Block], calls: Calls) -> list[FoundStage]:
    """Blocks in the order in which they run, grouped: same parent, same classes, same output shape."""
    order = {name: index for index, name in enumerate(calls)}
    groups: list[list[Block]] = []
    for block in sorted(blocks, key=lambda block: order[block.names[0]]):
        last = groups[-1][-1] if groups else None
        if last is not None and _follows(module, last, block):
            groups[-1].append(block)
        else:
            groups.append([block])
    return [FoundStage(blocks=tuple(group)) for group in groups]


def _follows(module: nn.Module, last: Block, block: Block) -> bool:
    def classes(one: Block) -> list[type]:
        return [type(module.get_submodule(name)) for name in one.names]

    alike = last.parent == block.parent and classes(last) == classes(block)
    return alike and _same_output(last.call, block.call)


def _repeatable(module: nn.Module, stages: list[FoundStage]) -> list[FoundStage]:
    """Without what no rule repeats: a stem (a single block that reads the image) and transitions.

    A transition is a single block whose class occurs in no other stage, and which stands in one row with repeated
    blocks or is an attribute of its own; a lone block in its own container is a stage of one.
    """
    classes = [type(module.get_submodule(stage.blocks[0].names[0])) for stage in stages]
    rows = {stage.blocks[0].parent for stage in stages if len(stage.blocks) > 1}

    def repeats(stage: FoundStage, kind: type) -> bool:
        if len(stage.blocks) > 1 or not rows:
            return True
        parent = stage.blocks[0].parent
        in_row = parent in rows or not isinstance(module.get_submodule(parent), CONTAINERS)
        is_transition = classes.count(kind) == 1 and in_row
        return stage.blocks[0].call.channels_in > 3 and not is_transition

    return [stage for stage, kind in zip(stages, classes, strict=True) if repeats(stage, kind)]
