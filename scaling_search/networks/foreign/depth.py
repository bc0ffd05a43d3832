"""Deepening: followers are copied, and a stage of one block gets a follower that is made from its entry."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count, islice

from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.networks.foreign.counts import rounded_layers
from scaling_search.networks.foreign.structure import CONTAINERS, Block, FoundStage
from scaling_search.networks.foreign.trace import Calls

_POOLS = (nn.MaxPool2d, nn.AvgPool2d)


@dataclass(frozen=True)
class Origin:
    """Where a module of the deepened network comes from.

    Attributes:
        name: the module of the source network that it is, or is a copy of.
        generation: 0 for that module itself; copies of one module count up, so that each gets weights of its own.
    """

    name: str
    generation: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """One block of the deepened network.

    Attributes:
        modules: what it is made of.
        block: the block of the source network that it is, or is a copy of.
        made: it was made from an entry, so its input has the channels of its output.
    """

    modules: tuple[nn.Module, ...]
    block: Block
    made: bool = False


@dataclass(frozen=True, kw_only=True)
class Deepened:
    """A network with more or fewer blocks than its source; shapes are still those of the source.

    Attributes:
        stages: the blocks of each stage, in order.
        origins: for every module its place in the source.
    """

    module: nn.Module
    stages: tuple[tuple[Placed, ...], ...]
    origins: dict[nn.Module, Origin] = field(repr=False)

    @property
    def depths(self) -> tuple[int, ...]:
        return tuple(len(stage) for stage in self.stages)


def scaled_depths(stages: Sequence[FoundStage], depth: float, rounding: Rounding) -> tuple[int, ...]:
    """Blocks of each stage after multiplying by depth, at least one each; `fixed_depths` stages keep theirs."""
    return tuple(rounded_layers(rounding, [len(stage.blocks) for stage in stages], depth))


def deepened(source: nn.Module, stages: Sequence[FoundStage], calls: Calls, depths: Sequence[int]) -> Deepened:
    """A copy of the source with that many blocks in each stage."""
    network = as_it_is(copy.deepcopy(source), stages)
    examples = Examples.of(source, stages, calls)
    blocks = [list(stage) for stage in network.stages]
    # from the back, so that the names in earlier stages stay right while blocks are put in
    for stage, placed, wanted in reversed(list(zip(stages, blocks, depths, strict=True))):
        _remove(network.module, placed, wanted)
        additions = list(_additions(stage, placed, wanted, network.origins, examples))
        _insert(network.module, stage, placed, additions)
        placed += additions
    return replace(network, stages=tuple(tuple(stage) for stage in blocks))


def as_it_is(module: nn.Module, stages: Sequence[FoundStage]) -> Deepened:
    """A network with the blocks that it has."""
    names = dict(module.named_modules())
    placed = tuple(
        tuple(Placed(modules=tuple(names[name] for name in block.names), block=block) for block in stage.blocks)
        for stage in stages
    )
    origins = {part: Origin(name, 0) for name, part in names.items()}
    return Deepened(module=module, stages=placed, origins=origins)


def _remove(module: nn.Module, placed: list[Placed], wanted: int) -> None:
    """Take away the last blocks beyond the wanted ones; in an attribute's place an identity stays."""
    while len(placed) > wanted:
        gone = placed.pop()
        parent = module.get_submodule(gone.block.parent)
        for name in gone.block.names:
            child = name.rpartition(".")[2]
            if isinstance(parent, CONTAINERS):
                del parent._modules[child]
            else:
                setattr(parent, child, nn.Identity())
        _renumber(parent)


def _additions(
    stage: FoundStage, placed: list[Placed], wanted: int, origins: dict[nn.Module, Origin], examples: "Examples"
) -> Iterator[Placed]:
    """Copies of the last blocks, or followers made from the entry where it is alone and changes the shape."""
    made = not stage.repeats
    for model, generation in islice(_models(placed), max(0, wanted - len(placed))):
        modules = []
        for part, name in zip(model.modules, model.block.names, strict=True):
            twin = copy.deepcopy(part)
            for original, inner in zip(part.modules(), twin.modules(), strict=True):
                origins[inner] = Origin(origins[original].name, generation)
            modules.append(follower_of(twin, name, examples) if made else twin)
        yield Placed(modules=tuple(modules), block=model.block, made=made)


def _models(placed: list[Placed]) -> Iterator[tuple[Placed, int]]:
    """Which block each further one is a copy of, and the number of that copy; endless.

    Where followers alternate (depthwise, pointwise, depthwise, …) the pattern goes on. Blocks that are alike take
    turns, so that few have to give two copies.
    """
    followers = placed[1:] or placed
    looks = ["\n".join(str(part) for part in one.modules) for one in followers]
    periods = range(1, len(looks) // 2 + 1)
    period = next((size for size in periods if looks[-size:] == looks[-2 * size : -size]), 1)
    for index in count():
        pattern = looks[-period + index % period]
        alike = [one for one, look in zip(followers, looks, strict=True) if look == pattern]
        turn = index // period
        yield alike[turn % len(alike)], 1 + turn // len(alike)


def _insert(module: nn.Module, stage: FoundStage, placed: list[Placed], additions: list[Placed]) -> None:
    """Put blocks in behind the last of a stage: into its container, or around an attribute."""
    if not additions:
        return
    parent = module.get_submodule(stage.blocks[0].parent)
    last = placed[-1].modules[-1]
    name = next(name for name, child in parent.named_children() if child is last)
    if not isinstance(parent, CONTAINERS):
        # nobody knows in which order an arbitrary forward calls its attributes: keep its name and widen its meaning
        setattr(parent, name, nn.Sequential(last, *(part for one in additions for part in one.modules)))
        return
    children = dict(parent._modules)
    parent._modules.clear()
    for child_name, child in children.items():
        parent._modules[child_name] = child
        if child is last:
            for offset, part in enumerate((part for one in additions for part in one.modules), start=1):
                parent._modules[_next_name(name, offset, children)] = part
    _renumber(parent)


def _next_name(name: str, offset: int, taken: Mapping[str, nn.Module | None]) -> str:
    """denselayer6 → denselayer7; a plain number that is taken gets a sign until all are renumbered."""
    stem = name.rstrip("0123456789")
    following = f"{stem}{int(name.removeprefix(stem) or 0) + offset}"
    return f"{following}+" if following in taken else following


def _renumber(parent: nn.Module) -> None:
    """0, 1, 2, … for the children of an nn.Sequential or nn.ModuleList whose names are plain numbers."""
    if all(name.rstrip("+").isdigit() for name in parent._modules):
        children = list(parent._modules.values())
        parent._modules.clear()
        parent._modules.update({str(index): child for index, child in enumerate(children)})


@dataclass(frozen=True, kw_only=True)
class Examples:
    """What distinguishes followers from entries in a network: how a block made from an entry has to change.

    Attributes:
        flags: values of attributes that all followers share and no entry has (has_skip, use_res_connect, stride …).
        replacements: children that all followers of a class share and that hold no weights, in place of the entry's
            (no projection on the skip; stochastic depth).
        sizes: by module name whether its output has the size of its input.
    """

    flags: dict[type | None, dict[str, object]]
    replacements: dict[type, dict[str, nn.Module | None]]
    calls: Calls

    @classmethod
    def of(cls, source: nn.Module, stages: Sequence[FoundStage], calls: Calls) -> "Examples":
        followers: list[nn.Module] = []
        entries: list[nn.Module] = []
        for stage in stages:
            for index, block in enumerate(stage.blocks):
                is_follower = index > 0 or block.call.keeps_shape
                (followers if is_follower else entries).append(source.get_submodule(block.names[0]))
        kinds = {type(part) for part in (*followers, *entries)}
        flags: dict[type | None, dict[str, object]] = {None: _telling_flags(followers, entries)}
        replacements: dict[type, dict[str, nn.Module | None]] = {}
        for kind in kinds:
            own = [part for part in followers if type(part) is kind]
            flags[kind] = _telling_flags(own, [part for part in entries if type(part) is kind])
            replacements[kind] = _weightless_children(own)
        return cls(flags=flags, replacements=replacements, calls=calls)


def _telling_flags(followers: list[nn.Module], entries: list[nn.Module]) -> dict[str, object]:
    """Switches (and `stride`) with one value in all followers and another in every entry."""
    found: dict[str, object] = {}
    for name, value in vars(followers[0]).items() if followers else ():
        if not (isinstance(value, bool) or name == "stride") or name == "training":
            continue
        same = all(vars(part).get(name) == value for part in followers)
        if same and all(vars(part).get(name, None) != value for part in entries):
            found[name] = value
    return found


def _weightless_children(followers: list[nn.Module]) -> dict[str, nn.Module | None]:
    """Children that have one class and no weights in all followers; None stands for a child that is switched off."""
    found: dict[str, nn.Module | None] = {}
    for name, child in _children(followers[0]).items() if followers else ():
        same = all(type(_children(part).get(name, followers)) is type(child) for part in followers)
        if same and (child is None or not any(True for _ in child.parameters())):
            found[name] = child
    return found


def _children(part: nn.Module) -> dict[str, nn.Module | None]:
    """Children by name, and what may be one but is None here."""
    return {name: None for name, value in vars(part).items() if value is None} | part._modules


def follower_of(entry: nn.Module, name: str, examples: Examples) -> nn.Module:
    """An entry block turned into a follower, in place: stride 1, size kept, the skip that its siblings have.

    Args:
        entry: a copy of the block.
        name: the entry's name in the source.
    """
    kind = type(entry)
    flags = examples.flags.get(kind) or examples.flags[None]
    for attribute, value in flags.items():
        if attribute in vars(entry):
            setattr(entry, attribute, value)
    for child_name, replacement in examples.replacements.get(kind, {}).items():
        if child_name in entry._modules and _is_skip(entry, child_name, name, examples.calls):
            entry._modules[child_name] = copy.deepcopy(replacement)
    return _keeping_size(entry, name, examples.calls)


def _is_skip(entry: nn.Module, child: str, name: str, calls: Calls) -> bool:
    """Whether a child is the projection on the skip (what the block reads goes in), or its stochastic depth."""
    part = entry._modules[child]
    if isinstance(part, nn.Identity):
        return True
    call, block = calls.get(f"{name}.{child}"), calls.get(name)
    has_weights = part is not None and any(True for _ in part.parameters())
    return has_weights and call is not None and block is not None and bool(call.reads & block.reads)


def _keeping_size(entry: nn.Module, name: str, calls: Calls) -> nn.Module:
    """Stride 1, and padding where the size would shrink."""
    for inner, part in entry.named_modules(prefix=name):
        call = calls.get(inner)
        if call is None or not call.is_feature_map or not isinstance(part, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
            continue
        if call.inputs[0][2:] != call.outputs[0][2:] and call.outputs[0][2] > 1:
            _unstride(part)
    return entry


def _unstride(part: nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) -> None:
    """Stride 1 with «same» padding, for odd kernels; a pooling with an even kernel is switched off."""
    kernel = part.kernel_size if isinstance(part.kernel_size, tuple) else (part.kernel_size,) * 2
    part.stride = (1, 1)
    if isinstance(part, nn.Conv2d):
        padding = tuple(step * (size - 1) // 2 for size, step in zip(kernel, part.dilation, strict=True))
        part._reversed_padding_repeated_twice = [size for size in reversed(padding) for _ in range(2)]
    else:
        kernel = (kernel[0] if kernel[0] % 2 else 1, kernel[1] if kernel[1] % 2 else 1)
        part.kernel_size = kernel
        padding = tuple(size // 2 for size in kernel)
    part.padding = padding
