"""A network as data: a stem, a table of stages and a head, which can be scaled and costed without building anything."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Any, NamedTuple, Self, cast

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from scaling_search.architecture.blocks import AnyStage
from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.counting import Feature, Ledger, walk
from scaling_search.architecture.ends import IMAGE_CHANNELS, Head, Stem
from scaling_search.architecture.layers import Activation, Count, Layers
from scaling_search.architecture.pieces import pieces
from scaling_search.architecture.rounding import POLICIES, Floats, Rounding, as_rounding
from scaling_search.architecture.scaling import Shapes, effective, scaled_shapes, shortfalls
from scaling_search.coefficients import Multipliers
from scaling_search.configuration import Strict, parse

_CHUNK = 4096  # so many networks at once keep every array in the processor's cache
_INT64_ROOM = 2**61


class BatchNorm(Strict):
    """Numbers of the batch norms; eps is added to the variance, momentum is the weight of a new batch."""

    eps: float = Field(default=1e-5, gt=0)
    momentum: float = Field(default=0.1, gt=0, le=1)


class Section(NamedTuple):
    """One named part of a network and its layers."""

    name: str
    layers: Layers


class Architecture(Strict):
    """A convolutional network that can be scaled in depth, width and resolution.

    Attributes:
        resolution: side of the square input, in pixels.
        classes: outputs of the classifier.
        stem, stages, head: the layers; see `Stem`, `Stage` and `Head`.
        activation: used wherever a part names no other.
        rounding: the name of a policy, or its values.
        batch_norm: its numbers.
        dropout: rate before the classifier.
        drop_connect: rate of stochastic depth at the last residual block, falling linearly to 0 at the first.

    Raises:
        ValueError: (from validation) a part cannot be built; the message names it.
    """

    name: str = "custom"
    resolution: int
    classes: int = Field(default=1000, ge=1)
    stem: Stem | None = None
    stages: tuple[AnyStage, ...]
    head: Head = Head()
    activation: Activation = "relu"
    rounding: Annotated[Rounding, BeforeValidator(as_rounding)] = POLICIES["nearest"]
    batch_norm: BatchNorm = BatchNorm()
    dropout: float = Field(default=0.0, ge=0, lt=1)
    drop_connect: float = Field(default=0.0, ge=0, lt=1)

    @model_validator(mode="after")
    def _buildable(self) -> Self:
        if not self.stages:
            raise ValueError("a network needs at least one stage")
        if self.stem and self.stem.kind == "deep" and self.stem.channels % 2:
            raise ValueError(f"a deep stem begins with half of its channels, and {self.stem.channels} is odd")
        cin = self.stem.channels if self.stem else IMAGE_CHANNELS
        for position, stage in enumerate(self.stages, start=1):
            try:
                stage.check(cin)
            except ValueError as error:
                raise ValueError(f"stage {position} ({stage.block}) {error}") from error
            cin = int(stage.out_channels(cin, stage.channels, stage.layers))
        self._check_resolution()
        return self

    def _check_resolution(self) -> None:
        needed = self.stem.total_stride if self.stem else 1
        if self.resolution < needed:
            raise ValueError(f"{self.resolution} px is too small for the stem, which strides by {needed}")
        for position, stage in enumerate(self.stages, start=1):
            needed *= stage.stride
            if self.resolution < needed:
                raise ValueError(
                    f"{self.resolution} px is too small: the strides up to stage {position} ({stage.block}) "
                    f"need at least {needed} px (the whole network {self.minimum_resolution})"
                )

    @property
    def minimum_resolution(self) -> int:
        """The smallest input, in pixels, for which every stride still has something to halve."""
        strides = [self.stem.total_stride if self.stem else 1, *(stage.stride for stage in self.stages)]
        return prod(strides)

    @property
    def depths(self) -> tuple[int, ...]:
        """Layers of each stage."""
        return tuple(stage.layers for stage in self.stages)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stem, of each stage, of the head and of its hidden layers, where there are such."""
        stem = (self.stem.channels,) if self.stem else ()
        head = (self.head.channels,) if self.head.channels else ()
        return (*stem, *(stage.channels for stage in self.stages), *head, *self.head.hidden)

    @property
    def signature(self) -> str:
        """What was built, in one word a dimension: equal signatures of one baseline are equal networks."""
        depths, widths = ("-".join(map(str, numbers)) for numbers in (self.depths, self.widths))
        return f"d{depths} w{widths} r{self.resolution}"

    # --- description and cost

    def sections(self, depths: Sequence[Count] = (), widths: Sequence[Count] = ()) -> list[Section]:
        """The layers of stem, stages and head; with other depths and widths (numbers or arrays [N]) where given."""
        left, layers = list(widths or self.widths), iter(depths or self.depths)
        sections, cin = [], cast(Count, IMAGE_CHANNELS)
        for piece in pieces(self):
            own = tuple(left.pop(0) for _ in range(piece.columns))
            times = next(layers) if piece.repeats else 1
            sections.append(Section(piece.name, piece.describe(cin, own, times)))
            cin = piece.leaves(cin, own, times)
        return sections

    def cost(self) -> Cost:
        """What one image costs, exactly."""
        return _cost(_counted(self.sections(), self.resolution))

    def section_costs(self) -> dict[str, Cost]:
        """The cost of each section by name; params, macs and activations sum to those of `cost`."""
        feature, costs = Feature.of(IMAGE_CHANNELS, self.resolution), {}
        for section in self.sections():
            ledger = Ledger()
            feature = walk(section.layers, feature, ledger)
            costs[section.name] = _cost(ledger)
        return costs

    # --- scaling

    def scaled(self, multipliers: Multipliers) -> Self:
        """The network that these multipliers make: layers, channels and pixels by the rounding policy.

        A dimension that cannot shrink further stays at its least; `shortfalls` says which.
        """
        axes = (multipliers.depth, multipliers.width, multipliers.resolution)
        shapes = scaled_shapes(self, *(np.array([axis]) for axis in axes))
        depths, widths = (tuple(int(value) for value in table[0]) for table in (shapes.depths, shapes.widths))
        return self.with_shape(depths=depths, widths=widths, resolution=int(shapes.pixels[0]))

    def proxied(self, multipliers: Multipliers) -> Self:
        """The network made small, once, for proxies to be scaled from: steps of channels and groups shrink along."""
        finer = self.rounding.for_base_width(multipliers.width)
        stages = tuple(stage.for_base_width(multipliers.width) for stage in self.stages)
        return self.model_copy(update={"rounding": finer, "stages": stages}).scaled(multipliers)

    def with_shape(
        self, *, depths: Sequence[int] = (), widths: Sequence[int] = (), resolution: int | None = None
    ) -> Self:
        """The same network with these layers, channels (in the order of `widths`) and pixels."""
        left = list(widths or self.widths)
        stem = self.stem.model_copy(update={"channels": left.pop(0)}) if self.stem else None
        stages = tuple(
            stage.model_copy(update={"layers": layers, "channels": left.pop(0)})
            for stage, layers in zip(self.stages, depths or self.depths, strict=True)
        )
        channels = left.pop(0) if self.head.channels else 0
        head = self.head.model_copy(update={"channels": channels, "hidden": tuple(left)})
        update = {"stem": stem, "stages": stages, "head": head, "resolution": resolution or self.resolution}
        return self.model_copy(update=update)

    @property
    def costs_are_vectorised(self) -> bool:
        """Yes: the arithmetic of one network is done on arrays."""
        return True

    def costs(self, depth: Floats, width: Floats, resolution: Floats) -> Costs:
        """The costs of N scaled networks, from arrays [N] of multipliers; equal to scaled(…).cost() to the unit."""
        shapes = scaled_shapes(self, depth, width, resolution)
        starts = range(0, max(len(shapes.pixels), 1), _CHUNK)
        return Costs.concatenated(
            [self._costs(Shapes(*(table[start : start + _CHUNK] for table in shapes))) for start in starts]
        )

    def _costs(self, shapes: Shapes) -> Costs:
        depths, widths, pixels = shapes
        if len(pixels) and not self._fits_int64(shapes):
            depths, widths, pixels = (table.astype(object) for table in shapes)
        depth_columns, width_columns = (tuple(np.ascontiguousarray(table.T)) for table in (depths, widths))
        ledger = _counted(self.sections(depth_columns, width_columns), pixels)
        columns = {name: np.broadcast_to(np.asarray(getattr(ledger, name)), pixels.shape) for name in _FIELDS}
        return Costs(**columns, pixels=shapes.pixels)

    def _fits_int64(self, shapes: Shapes) -> bool:
        """Whether even the largest depth, width and resolution together stay far from 2⁶³ (costs grow with each)."""
        largest = [[int(value) for value in table.max(axis=0)] for table in (shapes.depths, shapes.widths)]
        cost = _cost(_counted(self.sections(*largest), int(shapes.pixels.max())))
        return max(cost.macs, cost.params, cost.backward) < _INT64_ROOM

    def effective(self, base: Self) -> Multipliers:
        """What was built, as multipliers of base: each axis's own realised macs, the others left alone."""
        return effective(self, base)

    def shortfalls(self, multipliers: Multipliers) -> list[str]:
        """One sentence for each dimension that `scaled` cannot make as small as these multipliers ask."""
        return shortfalls(self, multipliers)

    # --- the same network, changed or as plain data

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
        """The same network with these values instead.

        Raises:
            InvalidInput: a value is out of range (a resolution too small for the strides, a rate outside 0 … 1).
        """
        given = {
            "resolution": resolution,
            "classes": classes,
            "dropout": dropout,
            "drop_connect": drop_connect,
            "rounding": rounding,
            "name": name,
        }
        changed = self.model_copy(update={key: value for key, value in given.items() if value is not None})
        return parse(type(self), changed.to_dict(), origin=changed.name)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that a YAML file can hold; `from_dict` is the inverse."""
        content = self.model_dump(mode="json", exclude_defaults=True)
        names = [name for name, policy in POLICIES.items() if policy == self.rounding]
        stages = [stage.model_dump(mode="json", exclude_defaults=True) for stage in self.stages]
        rounding = names[0] if names else self.rounding.model_dump(mode="json", exclude_defaults=True)
        return {**content, "stages": stages, "rounding": rounding}


_FIELDS = tuple(Cost.__dataclass_fields__)


def _cost(ledger: Ledger) -> Cost:
    return Cost(**{name: int(getattr(ledger, name)) for name in _FIELDS})


def _counted(sections: list[Section], pixels: Count) -> Ledger:
    feature, ledger = Feature.of(IMAGE_CHANNELS, pixels), Ledger()
    for section in sections:
        feature = walk(section.layers, feature, ledger)
    return ledger


def from_dict(content: dict[str, Any]) -> Architecture:
    """The architecture that `Architecture.to_dict`, or a searchspace's `baseline:`, describes.

    Raises:
        InvalidInput: a key or a value is wrong, or a stage cannot be built; the message names it.
    """
    return parse(Architecture, content, origin=str(content.get("name", "baseline")))
