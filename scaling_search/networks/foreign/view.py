"""One look at a module: its forward pass, its stages and what decides the channels of its layers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from torch import nn

from scaling_search.networks.foreign.roles import Roles, find_roles
from scaling_search.networks.foreign.structure import FoundStage, find_stages
from scaling_search.networks.foreign.trace import Calls, trace


@dataclass(frozen=True, kw_only=True)
class View:
    """What a forward pass shows of one module on the meta device."""

    module: nn.Module
    resolution: int
    calls: Calls = field(repr=False)
    stages: Sequence[FoundStage] = field(repr=False)

    @classmethod
    def of(cls, module: nn.Module, resolution: int) -> "View":
        calls = trace(module.eval(), resolution)
        return cls(module=module, resolution=resolution, calls=calls, stages=find_stages(module, calls))

    @property
    def classes(self) -> int:
        return self.calls[""].outputs[0][1]

    @cached_property
    def roles(self) -> Roles:
        return find_roles(self.module, self.calls, self.stages)

    @property
    def block_names(self) -> list[str]:
        return [name for stage in self.stages for block in stage.blocks for name in block.names]

    @property
    def blocks(self) -> list[list[nn.Module]]:
        """The modules of each block, in the order in which they run."""
        names = [block.names for stage in self.stages for block in stage.blocks]
        return [[self.module.get_submodule(name) for name in block] for block in names]
