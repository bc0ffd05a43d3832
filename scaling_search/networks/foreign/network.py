"""A network from timm, torchvision or a person's own code, with the interface of an `Architecture`."""

import warnings
from math import sqrt
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import nn

from scaling_search.architecture import Cost, Costs
from scaling_search.architecture.rounding import Rounding
from scaling_search.coefficients import Multipliers
from scaling_search.configuration import Strict, parse
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign import live
from scaling_search.networks.foreign.alone import alone
from scaling_search.networks.foreign.baseline import Baseline, Request, Scaled, open_baseline
from scaling_search.networks.foreign.costing import Counted, counted
from scaling_search.networks.foreign.skips import dropout_of, full_rate, set_dropout, spread, zero_last_scales
from scaling_search.networks.foreign.sources import Wishes


class ForeignNetwork(Strict):
    """One size of a network from elsewhere; plain values only, the network itself is opened by its source's name.

    Attributes:
        source: timm:NAME, torchvision:NAME, package.module:callable, path/file.py:callable, or what `live.register`
            gave.
        depth, width: multipliers of the source's own size.
        resolution: side of the square input, in pixels.
        classes: outputs of the classifier.
        dropout: rate before the classifier.
        drop_connect: rate that stochastic depth rises to; both are the source's own unless asked for otherwise.
        rounding: how layers and channels become whole numbers, where the source's library has no rule of its own.
    """

    source: str
    name: str
    depth: float = Field(default=1.0, gt=0)
    width: float = Field(default=1.0, gt=0)
    resolution: int = Field(ge=1)
    classes: int = Field(ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    drop_connect: float = Field(default=0.0, ge=0, lt=1)
    rounding: Rounding = Rounding()

    # --- what was built

    @property
    @alone
    def way(self) -> str:
        """How it is scaled: "builder protocol", "native" (the source's own library) or "structural"."""
        return open_baseline(self.source).way(self.request)

    @property
    def depths(self) -> tuple[int, ...]:
        """Blocks of each stage, as built."""
        return self._counted.depths

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stem, of each stage and of the head, as built."""
        return self._counted.widths

    @property
    def signature(self) -> str:
        depths, widths = ("-".join(map(str, numbers)) for numbers in (self.depths, self.widths))
        return f"d{depths} w{widths} r{self.resolution}"

    @property
    @alone
    def minimum_resolution(self) -> int:
        """The smallest legal input, in pixels, found by trying."""
        return open_baseline(self.source).minimum_resolution

    def maximum_resolution(self, memory: int, *, batch_size: int) -> int:
        """The largest input, in pixels, whose training step fits into so many bytes.

        Raises:
            InvalidInput: not even the smallest legal one does.
        """

        def fits(resolution: int) -> bool:
            cost = self.replaced(resolution=resolution).cost()
            return int(cost.memory(batch_size=batch_size).total) <= memory

        low = self.minimum_resolution
        if not fits(low):
            raise InvalidInput(f"{self.name} needs more than {memory:,} bytes to train even at {low} px")
        high = max(2 * low, self.resolution)
        while fits(high):
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if fits(middle) else (low, middle)
        return low

    # --- scaling

    def scaled(self, multipliers: Multipliers) -> Self:
        """The network that these multipliers make; further multipliers multiply, so rounding never adds up."""
        pixels = round(self.resolution * multipliers.resolution)
        if pixels < open_baseline(self.source).resolution:  # else it need not be tried
            pixels = max(pixels, self.minimum_resolution)
        return self._with(depth=self.depth * multipliers.depth, width=self.width * multipliers.width, resolution=pixels)

    def proxied(self, multipliers: Multipliers) -> Self:
        """The network made small, once, for proxies to be scaled from, with finer steps of channels."""
        return self._with(rounding=self.rounding.for_base_width(multipliers.width)).scaled(multipliers)

    def replaced(
        self,
        *,
        resolution: int | None = None,
        classes: int | None = None,
        dropout: float | None = None,
        drop_connect: float | None = None,
        rounding: Rounding | None = None,
        name: str | None = None,
    ) -> Self:
        """The same network with these values instead."""
        changes = {key: value for key, value in locals().items() if key != "self" and value is not None}
        return self._with(**changes)

    def _with(self, **changes: Any) -> Self:
        return type(self)(**{**dict(self), **changes})

    # --- cost

    def cost(self) -> Cost:
        """What one image costs, counted on the network itself."""
        return self._counted.cost

    @property
    def costs_are_vectorised(self) -> bool:
        """No: `costs` builds and counts one network after the other."""
        return False

    def costs(self, depth: NDArray[np.float64], width: NDArray[np.float64], resolution: NDArray[np.float64]) -> Costs:
        """The costs of N scaled networks, from arrays [N] of multipliers; equal to scaled(…).cost() one by one."""
        triples = zip(*(np.asarray(axis, dtype=float).tolist() for axis in (depth, width, resolution)), strict=True)
        networks = [self.scaled(Multipliers(depth=d, width=w, resolution=r)) for d, w, r in triples]
        rows = [network.cost().as_dict() for network in networks]
        columns = {key: np.array([row[key] for row in rows], dtype=object) for key in Cost.__dataclass_fields__}
        return Costs(**columns, pixels=np.array([network.resolution for network in networks], dtype=np.int64))

    def effective(self, base: Self) -> Multipliers:
        """What was built, as multipliers of base: each axis's own realised macs, the others left alone."""
        whole = base.cost().macs

        def growth(**axis: Any) -> float:
            return base._with(rounding=self.rounding, **axis).cost().macs / whole

        return Multipliers(
            depth=growth(depth=self.depth),
            width=sqrt(growth(width=self.width)),
            resolution=sqrt(growth(resolution=self.resolution)),
        )

    # --- building and keeping

    @alone
    def build_module(self, *, zero_init_residual: bool = False) -> nn.Module:
        """The torch module, on the CPU, with fresh weights drawn by the source's own initialisation.

        Raises:
            InvalidInput: it cannot be scaled so.
        """
        scaled = self._baseline.scaled(self.request)
        module = scaled.with_weights()
        self._set_rates(module, scaled)
        if zero_init_residual:
            blocks = scaled.residual(self.resolution)
            zero_last_scales(module, blocks, scaled.calls, resolution=self.resolution)
        return module

    def _set_rates(self, module: nn.Module, scaled: Scaled) -> None:
        """Dropout and stochastic depth where the source has no option for them; a warning where it has no place."""
        inside = [name for names in scaled.blocks for name in names]
        blocks = [[module.get_submodule(name) for name in names] for names in scaled.blocks]
        if dropout_of(module, inside) != self.dropout and not set_dropout(module, self.dropout, inside):
            warnings.warn(f"{self.source} has no dropout, so its rate {self.dropout} is left out", stacklevel=3)
        full, beyond = full_rate(blocks)
        if full != self.drop_connect and not spread(blocks, self.drop_connect, beyond):
            warnings.warn(
                f"{self.source} has no stochastic depth, so its rate {self.drop_connect} is left out", stacklevel=3
            )

    @alone
    def stage_beginnings(self) -> list[str]:
        """The name of the first module of each stage."""
        found = self._baseline.scaled(self.request).network
        names = {part: name for name, part in found.module.named_modules()}
        return [names[stage[0].modules[0]] for stage in found.stages]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that a YAML file can hold; `from_dict` is the inverse."""
        return self.model_dump(mode="json")

    def __getstate__(self) -> dict[Any, Any]:
        """A live source goes along by value: another process knows no name of this one."""
        return {**super().__getstate__(), "live": live.payload(self.source)}

    def __setstate__(self, state: dict[Any, Any]) -> None:
        state = dict(state)
        payload = state.pop("live", None)
        if payload is not None:
            live.adopt(payload)
        super().__setstate__(state)

    @property
    def _wishes(self) -> Wishes:
        own = open_baseline(self.source)
        return Wishes(
            dropout=None if self.dropout == own.dropout else self.dropout,
            drop_connect=None if self.drop_connect == own.drop_connect else self.drop_connect,
        )

    @property
    def _baseline(self) -> Baseline:
        return open_baseline(self.source, self._wishes)

    @property
    def request(self) -> Request:
        """The size that is asked of the source."""
        return Request(
            depth=self.depth,
            width=self.width,
            resolution=self.resolution,
            classes=self.classes,
            rounding=self.rounding,
        )

    @property
    @alone
    def _counted(self) -> Counted:
        # rates change no cost: one opened baseline serves all
        return counted(open_baseline(self.source), self.request)


@alone
def open_foreign(name: str) -> ForeignNetwork:
    """The network of that name at its own size. A person's own module or file is imported, which runs its code.

    Raises:
        InvalidInput: there is none (with the nearest names), or it is none that can be scaled.
    """
    source = _located(name)
    baseline = open_baseline(source)
    return ForeignNetwork(
        source=source,
        name=name,
        resolution=baseline.resolution,
        classes=baseline.classes,
        dropout=baseline.dropout,
        drop_connect=baseline.drop_connect,
    )


def _located(name: str) -> str:
    """A file's callable by the file's absolute path: it is opened again by other processes, in other folders."""
    place, _, attribute = name.rpartition(":")
    is_file = place.endswith(".py") and Path(place).is_file()
    return f"{Path(place).absolute()}:{attribute}" if is_file else name


def is_foreign(name: str) -> bool:
    """Whether a baseline's name is one for `open_foreign`: it has a colon."""
    return ":" in name


def from_dict(content: dict[str, Any]) -> ForeignNetwork:
    """A network from what `to_dict` gave, or from a source's name and what differs from its own values.

    Raises:
        InvalidInput: a key is unknown or a value wrong; or the source cannot be opened.
    """
    own = open_foreign(str(content.get("source", ""))).to_dict()
    given = {**own, **content, "source": own["source"]}
    return parse(ForeignNetwork, given, origin=f"network {content.get('source')}")
