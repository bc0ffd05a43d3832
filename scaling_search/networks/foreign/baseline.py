"""A network from elsewhere, opened and looked at once; makes scaled versions of itself, in one of three ways."""

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import check
from scaling_search.networks.foreign.adapters import native_source
from scaling_search.networks.foreign.depth import Deepened, as_it_is, deepened, scaled_depths
from scaling_search.networks.foreign.infer import Widening
from scaling_search.networks.foreign.roles import Role
from scaling_search.networks.foreign.skips import dropout_of, full_rate, spread
from scaling_search.networks.foreign.sources import NO_WISHES, NetworkSource, Wishes, open_source
from scaling_search.networks.foreign.trace import Calls, operations
from scaling_search.networks.foreign.view import View
from scaling_search.networks.foreign.weights import Make, with_weights

_PROBES = {"neither": {"depth": 1, "width": 1}, "depth": {"depth": 2, "width": 1}, "width": {"depth": 1, "width": 2}}
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
        view: what it was made from: the source, or what the source's own library built at this size.
        make: builds that with weights.
        way: how it was scaled.
    """

    network: Deepened
    calls: Calls
    view: View
    make: Make
    way: str

    @cached_property
    def blocks(self) -> list[tuple[str, ...]]:
        """The names of the modules of each block, in the order in which they run."""
        names = {part: name for name, part in self.network.module.named_modules()}
        return [tuple(names[part] for part in one.modules) for stage in self.network.stages for one in stage]

    def role(self, name: str) -> Role | None:
        """The role of one of its layers."""
        origin = self.network.origins.get(self.network.module.get_submodule(name))
        return None if origin is None else self.view.roles.by_name.get(origin.name)

    def with_weights(self) -> nn.Module:
        """The network on the CPU, in training mode, with fresh weights drawn by the source's own initialisation."""
        return with_weights(self.network, self.make).train()

    def residual(self, resolution: int) -> list[str]:
        """The blocks that add something to what they read."""
        ran = operations(self.network.module, resolution, [names[0] for names in self.blocks])
        return [name for name, found in ran.items() if not {"add", "add_"}.isdisjoint(found)]


@dataclass(frozen=True)
class Baseline:
    """A source and its unscaled network.

    Attributes:
        wishes: rates that differ from the source's own.
        view: of the unscaled network at its own resolution.
    """

    source: NetworkSource
    wishes: Wishes
    view: View

    @property
    def resolution(self) -> int:
        """Side of the input that the source is made for, in pixels."""
        return self.view.resolution

    @property
    def classes(self) -> int:
        return self.view.classes

    def way(self, request: Request) -> str:
        """How this network is scaled: by builder protocol, by its own library ("native"), or structurally."""
        if self.source.scales_itself:
            return "builder protocol"
        return "structural" if self.sized(request) is None else "native"

    # --- scaling

    def scaled(self, request: Request) -> Scaled:
        """The network at another size, checked.

        Raises:
            InvalidInput: it cannot be scaled so; the message says why and what to do.
        """
        source = self.sized(request)
        return self.structurally(request) if source is None else self._built(source, request)

    def structurally(self, request: Request) -> Scaled:
        """The network at another size by the structural scaler, whatever else could be done.

        Raises:
            InvalidInput: it cannot be scaled so.
        """
        if request.depth != 1 and not self.view.stages:
            raise InvalidInput(f"{self.source.name} has no block that could be repeated; {check.WAY_OUT}")
        if request.width != 1 and self._silent_numbers:
            raise self.refusal(request, ValueError("hard-coded channels"))
        if request.depth > 1 and self._copies_fault:
            raise self.refusal(request, ValueError(self._copies_fault))
        wishes = replace(self.wishes, classes=request.classes)
        return self._structural(self.view, lambda: self.source.make(wishes), request, "structural")

    def sized(self, request: Request) -> NetworkSource | None:
        """What builds the scaled network, where the builder protocol or the source's own library does."""
        if self.source.scales_itself:
            return self.source.at(request.depth, request.width)
        return native_source(self.source, self.view.module, request.rounding, request.depth, request.width)

    def _built(self, source: NetworkSource, request: Request) -> Scaled:
        """From a source that has the right size already; only classes and resolution may be left to adapt."""
        if self._builder_fault:
            raise self.refusal(request, ValueError(self._builder_fault))
        wishes = replace(self.wishes, classes=request.classes)
        module = source.make_meta(wishes)
        try:
            view = View.of(module, request.resolution)
        except Exception:  # a linear layer made for the source's own resolution: its input is read off again
            view = View.of(module, self.resolution)
        kept = replace(request, depth=1, width=1)
        return self._structural(view, lambda: source.make(wishes), kept, self.way(request))

    def _structural(self, view: View, make: Make, request: Request, way: str) -> Scaled:
        """The network of a view at another size, without a look at what it may hard-code."""
        same = request.depth == request.width == 1 and request.classes == view.classes
        if same and request.resolution == view.resolution:
            network = as_it_is(view.module, view.stages)
            return Scaled(network=network, calls=view.calls, view=view, make=make, way=way)
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
            raise self.refusal(request, error) from error
        return Scaled(network=network, calls=calls, view=view, make=make, way=way)

    def refusal(self, request: Request, error: Exception) -> InvalidInput:
        """Why this network cannot be scaled so, and the way out."""
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

    @cached_property
    def _builder_fault(self) -> str:
        """Which multiplier a builder ignores; empty if none."""
        if not self.source.scales_itself:
            return ""
        sizes = {name: _parameter_count(self.source.at(**at)) for name, at in _PROBES.items()}
        ignored = [name for name, count in sizes.items() if count <= sizes["neither"] and name != "neither"]
        return f"its builder makes the same network whatever the {' and the '.join(ignored)}" if ignored else ""

    # --- facts

    @cached_property
    def minimum_resolution(self) -> int:
        """The smallest legal input, in pixels, found by trying."""
        low, high = 0, self.resolution  # fails, works
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._works(middle) else (middle, high)
        return high

    def _works(self, resolution: int) -> bool:
        try:
            check.check_module(self.source.name, self.view.module, resolution)
        except InvalidInput:
            return self._works_adapted(resolution)
        return True

    def _works_adapted(self, resolution: int) -> bool:
        """With linear layers sized for this resolution."""
        request = Request(depth=1, width=1, resolution=resolution, classes=self.classes, rounding=Rounding())
        try:
            self._structural(self.view, lambda: self.view.module, request, "structural")
        except InvalidInput:
            return False
        return True

    @property
    def dropout(self) -> float:
        """The rate before the classifier."""
        return dropout_of(self.view.module, self.view.block_names)

    @property
    def drop_connect(self) -> float:
        """The rate that stochastic depth rises to."""
        return full_rate(self.view.blocks)[0]


def _parameter_count(source: NetworkSource) -> int:
    return sum(parameter.numel() for parameter in source.make_meta(NO_WISHES).parameters())


@lru_cache(maxsize=16)
def open_baseline(name: str, wishes: Wishes = NO_WISHES) -> Baseline:
    """Opens and looks at the network of that name, without weights; again only for other wishes.

    Raises:
        InvalidInput: there is none, or it is none that can be scaled (see `check.check_module`).
    """
    source = open_source(name)
    source = source.at(1, 1) if source.scales_itself else source
    module = source.make_meta(wishes).eval()
    resolution = _own_resolution(name, source, module)
    return Baseline(source=source, wishes=wishes, view=View.of(module, resolution))


def _own_resolution(name: str, source: NetworkSource, module: nn.Module) -> int:
    """The input that a network is made for: as its source says, or the first usual one that it takes."""
    stated = source.resolution or getattr(module, "resolution", None)
    if isinstance(stated, int):
        check.check_module(name, module, stated)
        return stated
    failures: list[InvalidInput] = []
    for resolution in _USUAL_RESOLUTIONS:
        try:
            check.check_module(name, module, resolution)
        except InvalidInput as error:
            failures.append(error)
        else:
            return resolution
    raise failures[0]
