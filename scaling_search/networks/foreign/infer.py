"""Widening: output channels are decided by a rule, everything else is read off one forward pass.

In the pass, every layer is met before it runs: its input is there, so its input channels are known; its output channels
follow from its role in the source network (`roles.py`); then it runs with its new shape, and the next layer is met.
"""

from math import gcd
from typing import Any

from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.networks.foreign.depth import Deepened, Placed
from scaling_search.networks.foreign.resize import Sizes, resize, resize_tensors, sizes_of
from scaling_search.networks.foreign.roles import Reference, Role, Roles
from scaling_search.networks.foreign.trace import Calls, Shape, channels, hooked, is_layer, tensors_of, trace


class Misfit(Exception):
    """The scaled network does not fit together; the message says where."""


class Widening:
    """One pass that gives every layer of a deepened network its width.

    Args:
        calls: the source network's forward pass.
        roles: what decides the outputs of each of its layers.
        classes: outputs of the classifier.
    """

    def __init__(
        self, network: Deepened, calls: Calls, roles: Roles, *, width: float, rounding: Rounding, classes: int
    ):
        self.network = network
        self.calls = calls
        self.roles = roles
        self.width = width
        self.rounding = rounding
        self.classes = classes
        self.block_inputs: dict[Placed, int] = {}
        self.chosen: dict[nn.Module, Sizes] = {}
        self.homes = {
            inner: placed
            for stage in network.stages
            for placed in stage
            for part in placed.modules
            for inner in part.modules()
        }
        self.entrances = {placed.modules[0]: placed for stage in network.stages for placed in stage}

    def run(self, resolution: int) -> Calls:
        """Widens the network in place and returns its forward pass.

        Raises:
            Misfit: some layer cannot be given a width.
            Exception: whatever the network's own forward raises when its parts do not fit together.
        """
        handles = []
        for part in self.network.module.modules():
            handles.append(part.register_forward_pre_hook(self._meet, with_kwargs=True))
        with hooked(handles):
            return trace(self.network.module, resolution)

    def _meet(self, part: nn.Module, args: Any, kwargs: Any) -> None:
        """Called before a module runs, with what goes in."""
        tensors = tensors_of((args, kwargs))
        if part in self.entrances:
            self.block_inputs[self.entrances[part]] = sum(tensor.shape[1] for tensor in tensors)
        if not tensors or part not in self.network.origins:
            return
        known = self.chosen.get(part)
        sizes = self._decide(part, tuple(tensors[0].shape)) if known is None else known
        if sizes is None:
            self._resize_others(part, tuple(tensors[0].shape))
            return
        if known is not None and is_layer(part) and known.channels_in != _channels_in(part, tuple(tensors[0].shape)):
            raise Misfit(f"{self.network.origins[part].name} is used twice, with different numbers of channels")
        resize(part, sizes)
        self.chosen[part] = sizes

    def _decide(self, part: nn.Module, shape: Shape) -> Sizes | None:
        old = sizes_of(part)
        if old is None:
            return None
        if is_layer(part):
            return self._decide_layer(part, old, _channels_in(part, shape))
        count = shape[self._norm_axis(part, old.channels_in)]
        groups = old.groups if count % old.groups == 0 else gcd(old.groups, count)
        return Sizes(count, count, groups)

    def _decide_layer(self, part: nn.Module, old: Sizes, channels_in: int) -> Sizes:
        role = self.roles.by_name[self.network.origins[part].name]
        if role.reference is Reference.INPUT_GROUPS:
            group = old.channels_in // old.groups
            if channels_in % group:
                raise Misfit(f"{channels_in} channels do not divide into groups of {group}")
            groups = channels_in // group
            return Sizes(channels_in, groups * (old.channels_out // old.groups), groups)
        channels_out = self._output(part, role, old.channels_out, channels_in)
        if channels_in % old.groups or channels_out % old.groups:
            raise Misfit(f"{channels_in} → {channels_out} channels do not divide into {old.groups} groups")
        return Sizes(channels_in, channels_out, old.groups)

    def _output(self, part: nn.Module, role: Role, count: int, channels_in: int) -> int:
        """New output channels of a layer that had `count`."""
        match role.reference:
            case Reference.FIXED:
                return count
            case Reference.CLASSES:
                return self.classes
            case Reference.RULE:
                return self._rule(count, role)
            case Reference.OWN_INPUT:
                return max(1, count * channels_in // role.base)
            case Reference.GATED:
                return count * self._input_of(role.gated, part) // role.base
            case Reference.BLOCK_INPUT:
                return self._ratio(count, role, self.block_inputs[self.homes[part]])
            case Reference.BLOCK_OUTPUT:
                return self._ratio(count, role, self._block_output(self.homes[part]))
        raise AssertionError(role)

    def _rule(self, count: int, role: Role) -> int:
        """w·Ĉ by the rounding policy, with a step that keeps the given count at w = 1."""
        if role.end and role.end in self.rounding.fixed_widths:
            return count
        grows_only = role.end == "head" and self.rounding.head_grows_only
        return self._rounded(count, max(self.width, 1.0) if grows_only else self.width)

    def _rounded(self, count: int, multiplier: float) -> int:
        return self.roles.rounded(self.rounding, count, multiplier)

    def _ratio(self, count: int, role: Role, reference: int) -> int:
        """The same fraction (or multiple) of a reference count as before; a whole multiple stays exactly that."""
        unit = self.roles.units.get(count, 1)
        exact = count * reference / role.base
        if count % role.base == 0 and exact % unit == 0:
            return int(exact)
        if role.is_squeezed:
            return max(1, round(exact))
        return self._rounded(count, reference / role.base)

    def _block_output(self, placed: Placed) -> int:
        call = placed.block.call
        if call.keeps_shape:
            return self.block_inputs[placed]
        return self._rounded(call.channels_out, self.width)

    def _input_of(self, name: str, part: nn.Module) -> int:
        """New input channels of the layer with that name in the source, in the block copy that part belongs to."""
        home = self.homes[part]
        for inner in (inner for module in home.modules for inner in module.modules()):
            origin = self.network.origins.get(inner)
            if origin is not None and origin.name == name:
                return channels(inner)[0]
        raise AssertionError(f"{name} is not in the block")

    def _norm_axis(self, part: nn.Module, count: int) -> int:
        if not isinstance(part, nn.LayerNorm | nn.RMSNorm):
            return 1
        before = self.calls[self.network.origins[part].name].inputs[0]
        return -1 if before[-1] == count else 1

    def _resize_others(self, part: nn.Module, shape: Shape) -> None:
        """Scales, gains and other tensors of a module's own whose sizes are the channels of its input."""
        name = self.network.origins[part].name
        if name not in self.calls or not (part._parameters or part._buffers):
            return
        before = self.calls[name].inputs[0]
        if len(before) != len(shape) or len(shape) < 2:
            return
        resize_tensors(part, {before[axis]: shape[axis] for axis in (-1, 1) if before[axis] != shape[axis]})
        if getattr(part, "channels", None) == before[1]:
            vars(part)["channels"] = shape[1]  # timm's BlurPool2d convolves with as many groups


def _channels_in(part: nn.Module, shape: Shape) -> int:
    return shape[-1] if isinstance(part, nn.Linear) else shape[1]
