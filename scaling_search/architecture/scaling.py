"""Multipliers made whole: the layers, channels and pixels that an architecture gets, for one candidate or for N."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np

from scaling_search.architecture.cost import Cost
from scaling_search.architecture.ends import Head, Stem
from scaling_search.architecture.rounding import Floats, Ints, Rounding
from scaling_search.architecture.stage import Stage
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput

_LARGEST_MULTIPLIER = 1e9


class Layout(Protocol):
    """What scaling needs to know of an `Architecture`, which is the one class that has it."""

    @property
    def resolution(self) -> int: ...
    @property
    def minimum_resolution(self) -> int: ...
    @property
    def stem(self) -> Stem | None: ...
    @property
    def stages(self) -> Sequence[Stage]: ...
    @property
    def head(self) -> Head: ...
    @property
    def depths(self) -> tuple[int, ...]: ...
    @property
    def widths(self) -> tuple[int, ...]: ...
    @property
    def rounding(self) -> Rounding: ...
    def cost(self) -> Cost: ...
    def with_shape(
        self, *, depths: Sequence[int] = (), widths: Sequence[int] = (), resolution: int | None = None
    ) -> Self: ...


WidthRule = Literal["scales", "grows only", "stays"]


class Shapes(NamedTuple):
    """N scaled networks as whole numbers: depths [N, stages], widths [N, parts], pixels [N]."""

    depths: Ints
    widths: Ints
    pixels: Ints


class Part(NamedTuple):
    """One entry of `Architecture.widths`: its channels, the step they come in, and what width does to them."""

    name: str
    channels: int
    step: int
    rule: WidthRule = "scales"


def parts(architecture: Layout) -> list[Part]:
    """What width multiplies, in the order of `Architecture.widths`."""
    rounding, stem, head = architecture.rounding, architecture.stem, architecture.head
    step = rounding.divisor
    start: WidthRule = "stays" if "stem" in rounding.fixed_widths else "scales"
    ends: WidthRule = "stays" if "head" in rounding.fixed_widths else "scales"
    found = [Part("stem", stem.channels, stem.multiple(step), start)] if stem else []
    for position, stage in enumerate(architecture.stages, start=1):
        found.append(Part(f"stage {position}", stage.channels, stage.multiple(step)))
    if head.channels:
        grows = ends == "scales" and rounding.head_grows_only
        found.append(Part("head", head.channels, step, "grows only" if grows else ends))
    return found + [Part("hidden layer", width, step, ends) for width in head.hidden]


def scaled_shapes(architecture: Layout, depth: Floats, width: Floats, resolution: Floats) -> Shapes:
    """Multipliers [N] as whole layers, channels and pixels, by the rounding policy.

    Raises:
        InvalidInput: a multiplier is not a positive number, or is absurdly large.
    """
    depth, width, resolution = (
        _checked(name, axis) for name, axis in (("depth", depth), ("width", width), ("resolution", resolution))
    )
    return Shapes(
        whole_layers(architecture, depth),
        whole_channels(architecture, width),
        whole_pixels(architecture, resolution),
    )


def _checked(name: str, axis: Floats) -> Floats:
    axis = np.asarray(axis, dtype=np.float64)
    wrong = ~((axis > 0) & (axis <= _LARGEST_MULTIPLIER))  # also catches NaN
    if wrong.any():
        raise InvalidInput(
            f"the {name} multiplier must be a positive number of at most {_LARGEST_MULTIPLIER:g}, not {axis[wrong][0]}"
        )
    return axis


def whole_layers(architecture: Layout, depth: Floats) -> Ints:
    """Multipliers [N] as layers of each stage, [N, stages]."""
    return architecture.rounding.depths(architecture.depths, depth)


def whole_channels(architecture: Layout, width: Floats) -> Ints:
    """Multipliers [N] as channels of each part, [N, parts]."""
    found = parts(architecture)
    base, step = (np.array([getattr(part, name) for part in found]) for name in ("channels", "step"))
    multiplier = np.tile(width[:, None], len(found))
    for column, part in enumerate(found):
        if part.rule != "scales":
            multiplier[:, column] = np.maximum(width, 1.0) if part.rule == "grows only" else 1.0
    return architecture.rounding.channels(base, multiplier, step=step)


def whole_pixels(architecture: Layout, resolution: Floats) -> Ints:
    """Multipliers [N] as pixels."""
    pixels = np.maximum(np.rint(architecture.resolution * resolution), architecture.minimum_resolution)
    return pixels.astype(np.int64)


def effective(architecture: Layout, base: Layout) -> Multipliers:
    """What was built, as multipliers of base: d·w²·r² is about the ratio of their macs.

    Each axis is measured alone, base with only that axis as built: depth by its macs, width and resolution by the
    square root of them.
    """
    reference = base.cost().macs
    alone = (
        base.with_shape(depths=architecture.depths),
        base.with_shape(widths=architecture.widths),
        base.with_shape(resolution=architecture.resolution),
    )
    depth, width, resolution = (network.cost().macs / reference for network in alone)
    return Multipliers(depth=depth, width=width**0.5, resolution=resolution**0.5)


def shortfalls(architecture: Layout, multipliers: Multipliers) -> list[str]:
    """One sentence for each dimension of which something cannot become as small as the multipliers ask."""
    found = [
        _depth_shortfall(architecture, multipliers.depth),
        _width_shortfall(architecture, multipliers.width),
        _resolution_shortfall(architecture, multipliers.resolution),
    ]
    return [sentence for sentence in found if sentence]


def _depth_shortfall(architecture: Layout, depth: float) -> str:
    built = whole_layers(architecture, np.array([depth]))[0].tolist()
    if depth < 1 and tuple(built) == architecture.depths:
        return f"depth ×{depth:.3g} changes nothing: every stage keeps its layers"
    stuck = sum(now == 1 and layers * depth <= 0.5 for now, layers in zip(built, architecture.depths, strict=True))
    return f"depth ×{depth:.3g}: {stuck} of {len(built)} stages cannot have less than 1 layer" if stuck else ""


def _width_shortfall(architecture: Layout, width: float) -> str:
    built = whole_channels(architecture, np.array([width]))[0].tolist()
    stuck = [
        part.name
        for part, channels in zip(parts(architecture), built, strict=True)
        if part.rule != "scales" or channels - part.channels * width > part.step / 2
    ]
    return f"width ×{width:.3g}: {', '.join(stuck)} cannot get so thin" if width < 1 and stuck else ""


def _resolution_shortfall(architecture: Layout, resolution: float) -> str:
    if round(architecture.resolution * resolution) >= architecture.minimum_resolution:
        return ""
    return (
        f"resolution ×{resolution:.3g}: the strides need {architecture.minimum_resolution} px, "
        f"not {architecture.resolution * resolution:.3g}"
    )
