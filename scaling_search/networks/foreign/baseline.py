"""A network from elsewhere, opened and looked at once; makes scaled versions of itself, in one of three ways."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from torch import nn

from scaling_search.architecture import Cost
from scaling_search.architecture.rounding import Rounding
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import check
from scaling_search.networks.foreign.adapters import native_scale
from scaling_search.networks.foreign.counts import rounded_channels
from scaling_search.networks.foreign.depth import Deepened, deepened, scaled_depths
from scaling_search.networks.foreign.infer import Widening
from scaling_search.networks.foreign.roles import Roles, find_roles
from scaling_search.networks.foreign.skips import drop_modules, full_rate, spread, zero_last_scales
from scaling_search.networks.foreign.sources import Source, Wishes, open_source
from scaling_search.networks.foreign.structure import Stage, find_stages
from scaling_search.networks.foreign.trace import Calls, operations, shapes_only, trace
from scaling_search.networks.foreign.weights import Make, with_weights
from scaling_search.networks.measure import measured_cost

_USUAL_RESOLUTIONS = (224, 32, 64, 28, 96, 128, 160, 192, 256, 299)


@dataclass(frozen=True, kw_only=True)
class Request:
    """One scaled network: multipliers of the source's depth and width, input in pixels, outputs, rounding."""

    depth: float
    width: float
    resolution: int
    classes: int
    rounding: Rounding


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """A scaled network on the meta device.

    Attributes:
        network: its module and blocks.
        calls: its forward pass at the resolution asked for.
        make: builds what the weights come from (see `with_weights`).
        way: how it was scaled.
    """

    network: Deepened
    calls: Calls
    make: Make
    way: str

    def with_weights(self) -> nn.Module:
        """The network on the CPU, in training mode, with fresh weights drawn by the source's own initialisation."""
        return with_weights(self.network, self.make).train()


@dataclass(frozen=True, kw_only=True)
class View:
    """What a forward pass shows of one module on the meta device."""

    module: nn.Module
    calls: Calls
    stages: Sequence[Stage] = field(repr=False)

    @classmethod
    def of(cls, module: nn.Module, resolution: int) -> "View":
        calls = trace(module.eval(), resolution)
        return cls(module=module, calls=calls, stages=find_stages(module, calls))

    @cached_property
    def roles(self) -> Roles:
        return find_roles(self.module, self.calls, self.stages)

    @property
    def blocks(self) -> list[list[nn.Module]]:
        """The modules of each block, in the order in which they run."""
        names = [block.names for stage in self.stages for block in stage.blocks]
        return [[self.module.get_submodule(name) for name in block] for block in names]


@dataclass(frozen=True)
class Baseline:
    """A source and its unscaled network.

    Attributes:
        wishes: rates that differ from the source's own.
        view: of the unscaled network at its own resolution.
    """

    source: Source
    wishes: Wishes
    resolution: int
    view: View

    @property
    def classes(self) -> int:
        return self.view.calls[""].outputs[0][1]

    def way(self, rounding: Rounding) -> str:
        """How this network is scaled: by builder protocol, by its own library, or structurally."""
        if self.source.scales_itself:
            return "builder protocol"
        return "structural" if self._native(rounding) is None else "native"

    def _native(self, rounding: Rounding):  # type: ignore[no-untyped-def]
        return native_scale(self.source, self.view.module, rounding)

    # --- scaling

    def scaled(self, request: Request) -> Scaled:
        """The network at another size, checked.

        Raises:
            InvalidInput: it cannot be scaled so; the message says why and what to do.
        """
        if request.depth != 1 and not self.view.stages and not self.source.scales_itself:
            raise InvalidInput(f"{self.source.name} has no block that could be repeated; {check.WAY_OUT}")
        wishes = Wishes(classes=request.classes, dropout=self.wishes.dropout, drop_connect=self.wishes.drop_connect)
        native = self._by_itself(request, wishes)
        if native is not None:
            return native
        self._check_numbers(request)
        self._check_copies(request)
        return self._structural(self.view, lambda: self.source.make(wishes), request, "structural")

    def _by_itself(self, request: Request, wishes: Wishes) -> Scaled | None:
        """By the builder protocol or the source's own library, where one of them can."""
        if self.source.scales_itself:
            way, scale = "builder protocol", lambda d, w, wishes: self.source.make(wishes, depth=d, width=w)
        else:
            way, scale = "native", self._native(request.rounding)
        if scale is None or (request.depth == request.width == 1 and way == "native"):
            return None
        try:
            module = _on_meta(lambda: scale(request.depth, request.width, wishes))
        except NotImplementedError:
            return None
        make = lambda: scale(request.depth, request.width, wishes)  # noqa: E731
        try:
            view = View.of(module, request.resolution)
        except Exception:  # a linear layer that was sized for another resolution: its input is read off again
            view = View.of(module, self.resolution)
        same = Request(depth=1, width=1, resolution=request.resolution, classes=request.classes, rounding=request.rounding)
        return self._structural(view, make, same, way)

    def _structural(self, view: View, make: Make, request: Request, way: str) -> Scaled:
        depths = scaled_depths(view.stages, request.depth, request.rounding)
        network = deepened(view.module, view.stages, view.calls, depths)
        full, beyond = full_rate(view.blocks)
        if full and request.depth != 1:
            spread([[*one.modules] for stage in network.stages for one in stage], full, beyond)
        widening = Widening(
            network, view.calls, view.roles, width=request.width, rounding=request.rounding, classes=request.classes
        )
        try:
            calls = widening.run(request.resolution)
            check.check_scaled(network, calls, request.classes)
        except Exception as error:
            raise self._refusal(request, error) from error
        return Scaled(network=network, calls=calls, make=make, way=way)

    def _refusal(self, request: Request, error: Exception) -> InvalidInput:
        found = check.hard_coded(self.view.module, self.view.calls)
        reason = f"its forward hard-codes channels in {', '.join(found[:3])}" if found else " ".join(str(error).split())
        return InvalidInput(
            f"{self.source.name} cannot be scaled to depth × {request.depth:g}, width × {request.width:g} at "
            f"{request.resolution} px: {reason}; {check.WAY_OUT}"
        )

    # --- checks of the source, made once

    @cached_property
    def _silent_numbers(self) -> list[str]:
        return check.hard_coded(self.view.module, self.view.calls, silent=True)

    def _check_numbers(self, request: Request) -> None:
        if request.width != 1 and self._silent_numbers:
            raise self._refusal(request, ValueError("hard-coded channels"))

    @cached_property
    def _copies_fault(self) -> str:
        """What is wrong with one more block in every stage; empty if nothing."""
        view = self.view
        network = deepened(view.module, view.stages, view.calls, [len(stage.blocks) + 1 for stage in view.stages])
        keep = Widening(network, view.calls, view.roles, width=1, rounding=Rounding(), classes=self.classes)
        try:
            check.check_scaled(network, keep.run(self.resolution), self.classes)
            check.check_copies(network, view.stages, self.resolution)
        except Exception as error:
            return " ".join(str(error).split())
        return ""

    def _check_copies(self, request: Request) -> None:
        if request.depth > 1 and self._copies_fault:
            raise self._refusal(request, ValueError(self._copies_fault))

    # --- facts

    @cached_property
    def residual(self) -> frozenset[str]:
        """The blocks that add something to what they read."""
        names = [block.names[0] for stage in self.view.stages for block in stage.blocks]
        ran = operations(self.view.module, self.resolution, names)
        return frozenset(name for name, found in ran.items() if not {"add", "add_"}.isdisjoint(found))

    @cached_property
    def minimum_resolution(self) -> int:
        """The smallest legal input, in pixels, found by trying."""
        low, high = 0, self.resolution  # fails, works
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._works(middle) else (middle, high)
        return high

    def _works(self, resolution: int) -> bool:
        request = Request(depth=1, width=1, resolution=resolution, classes=self.classes, rounding=Rounding())
        try:
            self._structural(self.view, lambda: self.view.module, request, "structural")
        except InvalidInput:
            return False
        return True

    @property
    def dropout(self) -> float:
        """The rate before the classifier."""
        return dropout_of(self.view.module)

    @property
    def drop_connect(self) -> float:
        return full_rate(self.view.blocks)[0]
