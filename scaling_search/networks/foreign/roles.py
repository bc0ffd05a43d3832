"""What decides the output channels of each layer of a network: the rule, its block, or what it feeds into."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from math import lcm

from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.networks.foreign.counts import finer, rounded_channels
from scaling_search.networks.foreign.structure import Block, FoundStage
from scaling_search.networks.foreign.trace import Call, Calls, channels, is_layer


class Reference(Enum):
    """What a layer's output channels are derived from."""

    RULE = auto()  # w·Ĉ, rounded: stem, head, block outputs, transitions
    BLOCK_INPUT = auto()  # a ratio of the block's input: expansions, squeeze-and-excitation
    BLOCK_OUTPUT = auto()  # a ratio of the block's output: bottlenecks, dense layers, Fire modules
    OWN_INPUT = auto()  # a ratio of its own input: compression after dense stages
    INPUT_GROUPS = auto()  # as many groups as the input has: depthwise, and groups of one width (RegNet)
    GATED = auto()  # the channels that a squeezed branch scales: the last layer of squeeze-and-excitation
    CLASSES = auto()  # the classifier
    FIXED = auto()  # one channel: attention maps


@dataclass(frozen=True, kw_only=True)
class Role:
    """What decides one layer's output channels.

    Attributes:
        base: channels of the reference in the source network.
        gated: the layer whose input a gate scales.
        is_squeezed: the layer sees one value a channel.
        end: "stem" or "head", whose widths a rounding policy may fix.
    """

    reference: Reference
    base: int = 0
    gated: str = ""
    is_squeezed: bool = False
    end: str = ""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The roles of all layers of a network, and what its grouped convolutions ask of channel counts.

    Attributes:
        units: by channel count what it must stay a multiple of.
        growths: channels that a dense block adds: small numbers, rounded in steps half as wide.
    """

    by_name: dict[str, Role]
    units: dict[int, int] = field(default_factory=dict)
    growths: frozenset[int] = frozenset()

    def rounded(self, rounding: Rounding, count: int, width: float) -> int:
        """w·Ĉ by the policy, as this network needs it."""
        policy = finer(rounding) if count in self.growths else rounding
        return rounded_channels(policy, count, width, self.units.get(count, 1))


def find_roles(module: nn.Module, calls: Calls, stages: Sequence[FoundStage]) -> Roles:
    """The role of every layer that takes part in the forward pass.

    Raises:
        ValueError: no layer makes the network's outputs.
    """
    return _Finder(module, calls, stages).find()


class _Finder:
    def __init__(self, module: nn.Module, calls: Calls, stages: Sequence[FoundStage]) -> None:
        self.module = module
        self.calls = calls
        self.stages = stages
        self.layers = {name: module.get_submodule(name) for name in calls if is_layer(module.get_submodule(name))}
        self.keeps_group_count = self._keeps_group_count()

    def find(self) -> Roles:
        roles: dict[str, Role] = {}
        votes = self._votes()
        for stage in self.stages:
            for block in stage.blocks:
                roles |= self._block_roles(stage, block, votes)
        growths = frozenset(stage.blocks[0].call.channels_out for stage in self.stages if stage.is_dense)
        return Roles(by_name=self._outside_roles() | roles, units=self._units(), growths=growths)

    # --- grouped convolutions

    def _grouped(self) -> Iterator[nn.modules.conv._ConvNd]:
        for layer in self.layers.values():
            if isinstance(layer, nn.modules.conv._ConvNd) and 1 < layer.groups < layer.in_channels:
                yield layer

    def _keeps_group_count(self) -> bool:
        """ResNeXt widens its groups, RegNet adds groups: which one is seen from what varies between stages."""
        groups = {layer.groups for layer in self._grouped()}
        widths = {layer.in_channels // layer.groups for layer in self._grouped()}
        return len(groups) == 1 < len(widths)

    def _units(self) -> dict[int, int]:
        units: dict[int, int] = defaultdict(lambda: 1)
        for layer in self._grouped():
            unit = layer.groups if self.keeps_group_count else layer.in_channels // layer.groups
            units[layer.in_channels] = lcm(units[layer.in_channels], unit)
            unit = layer.groups if self.keeps_group_count else layer.out_channels // layer.groups
            units[layer.out_channels] = lcm(units[layer.out_channels], unit)
        return dict(units)

    def _follows_groups(self, layer: nn.Module) -> bool:
        groups = getattr(layer, "groups", 1)
        if groups <= 1:
            return False
        return groups == layer.in_channels or not self.keeps_group_count

    # --- layers of blocks

    def _inside(self, block: Block) -> dict[str, str]:
        """The layers of a block: name by place, which is the same in all blocks that are built alike."""
        found = {}
        for index, outer in enumerate(block.names):
            for name in self.layers:
                if name == outer or name.startswith(f"{outer}."):
                    found[f"{index}{name.removeprefix(outer)}"] = name
        return found

    def _votes(self) -> Counter[tuple[type, str, Reference]]:
        """How often a place's outputs are one ratio of the block's input, or of its output, throughout a stage.

        An inverted residual expands its input, a bottleneck narrows its output: seen where an entry has other channels
        going in than coming out.
        """
        votes: Counter[tuple[type, str, Reference]] = Counter()
        for stage in self.stages:
            if len({block.call.channels_in for block in stage.blocks}) == 1:
                continue
            kind = type(self.module.get_submodule(stage.blocks[0].names[0]))
            insides = [self._inside(block) for block in stage.blocks]
            for place in set.intersection(*(set(inside) for inside in insides)):
                outs = [channels(self.layers[inside[place]])[1] for inside in insides]
                for reference, counts in (
                    (Reference.BLOCK_INPUT, [block.call.channels_in for block in stage.blocks]),
                    (Reference.BLOCK_OUTPUT, [block.call.channels_out for block in stage.blocks]),
                ):
                    votes[kind, place, reference] += all(
                        out * counts[0] == outs[0] * count for out, count in zip(outs, counts, strict=True)
                    )
        return votes

    def _block_roles(
        self, stage: FoundStage, block: Block, votes: Counter[tuple[type, str, Reference]]
    ) -> dict[str, Role]:
        kind = type(self.module.get_submodule(block.names[0]))
        roles: dict[str, Role] = {}
        squeezed: dict[str, int] = {}  # squeezed layers so far, and the channels they saw
        for place, name in self._inside(block).items():
            channels_in, channels_out = channels(self.layers[name])
            is_squeezed = _is_squeezed(self.calls[name], channels_in)
            if is_squeezed:
                squeezed[name] = channels_in
            gated = next((one for one, count in squeezed.items() if channels_out % count == 0), None)
            if self._follows_groups(self.layers[name]):
                roles[name] = Role(reference=Reference.INPUT_GROUPS)
            elif channels_out == 1:
                roles[name] = Role(reference=Reference.FIXED)
            elif is_squeezed and gated is not None:
                roles[name] = Role(reference=Reference.GATED, gated=gated, base=squeezed[gated], is_squeezed=True)
            elif channels_out == block.call.channels_out and not is_squeezed:
                roles[name] = _output_role(stage, block)
            else:
                reference = self._reference(votes, kind, place, block, is_squeezed)
                base = block.call.channels_in if reference is Reference.BLOCK_INPUT else block.call.channels_out
                roles[name] = Role(reference=reference, base=base, is_squeezed=is_squeezed)
        return roles

    def _reference(
        self, votes: Counter[tuple[type, str, Reference]], kind: type, place: str, block: Block, is_squeezed: bool
    ) -> Reference:
        """By vote; without one, what is at least as wide as the output expands the input, else it serves the output."""
        to_input, to_output = votes[kind, place, Reference.BLOCK_INPUT], votes[kind, place, Reference.BLOCK_OUTPUT]
        if to_input != to_output:
            return Reference.BLOCK_OUTPUT if to_output > to_input else Reference.BLOCK_INPUT
        if is_squeezed:
            return Reference.BLOCK_INPUT
        outputs = {at: channels(self.layers[name])[1] for at, name in self._inside(block).items()}
        # where no layer makes the whole output, it is put together of what several make (Inception, ShuffleNet)
        concatenates = block.call.channels_out not in outputs.values()
        expands = outputs[place] == block.call.channels_in or outputs[place] >= block.call.channels_out
        return Reference.BLOCK_INPUT if expands and not concatenates else Reference.BLOCK_OUTPUT

    # --- layers outside of blocks

    def _outside_roles(self) -> dict[str, Role]:
        """Stem, head, classifier, and what stands between stages."""
        classifiers = self._classifiers()
        order = {name: index for index, name in enumerate(self.calls)}
        ends = [order[name] for stage in self.stages for block in stage.blocks for name in block.names]
        starts = [order[stage.blocks[0].names[0]] for stage in self.stages if stage.is_dense]
        roles = {}
        for index, (name, layer) in enumerate(self.layers.items()):
            channels_in, channels_out = channels(layer)
            if name in classifiers:
                roles[name] = Role(reference=Reference.CLASSES)
            elif self._follows_groups(layer):
                roles[name] = Role(reference=Reference.INPUT_GROUPS)
            elif channels_out == 1:
                roles[name] = Role(reference=Reference.FIXED)
            elif order[name] > min(starts, default=len(order)):
                roles[name] = Role(reference=Reference.OWN_INPUT, base=channels_in)
            else:
                is_head = order[name] > max(ends, default=-1)
                roles[name] = Role(reference=Reference.RULE, end="head" if is_head else "" if index else "stem")
        return roles

    def _classifiers(self) -> set[str]:
        """The last layer with as many outputs as the network, and its twins beside it (distillation heads)."""
        outputs = self.calls[""].outputs[0][1]
        makers = [name for name, layer in self.layers.items() if channels(layer)[1] == outputs]
        if not makers:
            raise ValueError(f"no convolution or linear layer makes its {outputs} outputs")
        last = self.calls[makers[-1]]
        return {name for name in makers if self.calls[name] == last}


def _output_role(stage: FoundStage, block: Block) -> Role:
    if block.call.channels_in == block.call.channels_out and not stage.is_dense:
        return Role(reference=Reference.BLOCK_INPUT, base=block.call.channels_in)
    return Role(reference=Reference.RULE)


def _is_squeezed(call: Call, channels_in: int) -> bool:
    """Whether a layer sees one value a channel: after global pooling."""
    elements = 1
    for size in call.inputs[0]:
        elements *= size
    return elements == call.inputs[0][0] * channels_in
