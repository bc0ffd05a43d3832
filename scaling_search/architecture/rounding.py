"""Rounding policies: how each family's authors turn d·L̂ and w·Ĉ into whole layers and channels.

Everything works on arrays [N] of multipliers, so that one network and a hundred thousand round alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.errors import InvalidInput, nearest_hint

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_NOISE = 1e-9  # d·L̂ of 2.0000000000000004 is 2 layers, not 3


class Rounding(Strict):
    """How multiplied layers and channels become whole numbers.

    Attributes:
        depth: layers of a stage are rounded up, as EfficientNet does, or to the nearest; never below 1.
        width: channels become the nearest multiple of the divisor; with the 90 % rule the next one up where the nearest
            would be more than 10 % below what was asked for. Never below one multiple.
        divisor: what channels are multiples of.
        fixed_depths: stages that keep their layers.
        fixed_widths: parts that keep their channels.
        head_grows_only: the head never gets fewer channels than the baseline's.
    """

    depth: Literal["ceil", "nearest"] = "ceil"
    width: Literal["ninety_percent", "nearest"] = "ninety_percent"
    divisor: int = Field(default=8, ge=1)
    # not strict: behind as_rounding a file's list is no JSON any more, and no tuple yet
    fixed_depths: tuple[Literal["first", "last"], ...] = Field(default=(), strict=False)
    fixed_widths: tuple[Literal["stem", "head"], ...] = Field(default=(), strict=False)
    head_grows_only: bool = False

    def layers(self, base: int, multiplier: Floats) -> Ints:
        """d·L̂ as whole layers, at least 1."""
        wanted = base * multiplier
        whole = np.ceil(wanted - _NOISE) if self.depth == "ceil" else np.rint(wanted)
        return np.maximum(whole, 1).astype(np.int64)

    def channels(self, base: int, multiplier: Floats, *, step: int) -> Ints:
        """w·Ĉ as a multiple of step: the divisor, or more where the block's groups ask for it."""
        wanted = base * multiplier
        if self.width == "nearest":
            steps = np.rint(wanted / step)
        else:
            steps = np.floor(wanted / step + 0.5)
            steps += steps * step < 0.9 * wanted
        whole = np.maximum(steps, 1) * step
        # a width that the baseline has is kept by the multiplier 1, even where it is no multiple of the divisor
        return np.where(multiplier == 1, base, whole).astype(np.int64)

    def to_nearest(self) -> Rounding:
        """The same policy, but to the nearest layer and channel: what keeps realised cost closest to nominal cost."""
        return self.model_copy(update={"depth": "nearest", "width": "nearest"})

    def for_base_width(self, width: float) -> Rounding:
        """The same policy for a baseline made `width` times as wide: the steps shrink with it (8 → 4 at a half).

        Without this, rounding swamps the differences between small networks.
        """
        if not width > 0:  # NaN too
            raise InvalidInput(f"the width must be positive, not {width}")
        divisor = self.divisor
        while divisor % 2 == 0 and divisor > self.divisor * width * 1.01:
            divisor //= 2
        return self.model_copy(update={"divisor": divisor})


POLICIES: Mapping[str, Rounding] = {
    # stem, stages and head by the 90 % rule, layers up: the published code (arXiv 1905.11946)
    "efficientnet": Rounding(),
    # what keeps realised cost closest to nominal cost
    "nearest": Rounding(depth="nearest", width="nearest"),
    # EfficientNet-Lite: stem and head stay, so do the layers of the first and last stage
    "lite": Rounding(fixed_depths=("first", "last"), fixed_widths=("stem", "head")),
    # arXiv 2010.14819: layers to the nearest, stem 32 and head 1280 stay
    "tinynet": Rounding(depth="nearest", fixed_widths=("stem", "head")),
    # arXiv 1801.04381, sec. 4.1: the head is never made thinner
    "mobilenet_v2": Rounding(head_grows_only=True),
    # wide residual networks widen every stage alike; the step keeps a bottleneck's inner width a multiple of 8
    "resnet": Rounding(depth="nearest", width="nearest"),
    # arXiv 2003.13678: multiples of 8 and of the group width
    "regnet": Rounding(depth="nearest", width="nearest"),
    # what grows is the growth rate, a small number
    "densenet": Rounding(depth="nearest", divisor=4, width="nearest"),
    "convnext": Rounding(depth="nearest", width="nearest"),
}
"""The named policies, which a searchspace's `rounding:` chooses from."""


def policy(name: str) -> Rounding:
    """The policy of that name.

    Raises:
        InvalidInput: there is none; the message says which name is nearest.
    """
    if name not in POLICIES:
        raise InvalidInput(f"unknown rounding {name}{nearest_hint(name, POLICIES)}")
    return POLICIES[name]


def as_rounding(value: Any) -> Any:
    """A policy's name stands for its values, wherever a `Rounding` is read from a file."""
    return policy(value) if isinstance(value, str) else value
