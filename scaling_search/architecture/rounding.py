"""Rounding policies: how each family's authors turn d·L̂ and w·Ĉ into whole layers and channels.

Everything works on arrays [N] of multipliers, so that one network and a hundred thousand round alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
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
        depth: layers of a stage are rounded up, as EfficientNet does, or to the nearest; never below 1. Spread: the
            network's layers are rounded to the nearest together, then shared out, so that depth comes in single layers.
        width: channels become the nearest multiple of the divisor; with the 90 % rule the next one up where the nearest
            would be more than 10 % below what was asked for. Never below one multiple.
        divisor: what channels are multiples of.
        fixed_depths: stages that keep their layers.
        fixed_widths: parts that keep their channels.
        head_grows_only: the head never gets fewer channels than the baseline's.
    """

    depth: Literal["ceil", "nearest", "spread"] = "ceil"
    width: Literal["ninety_percent", "nearest"] = "ninety_percent"
    divisor: int = Field(default=8, ge=1)
    # not strict: behind as_rounding a file's list is no JSON any more, and no tuple yet
    fixed_depths: tuple[Literal["first", "last"], ...] = Field(default=(), strict=False)
    fixed_widths: tuple[Literal["stem", "head"], ...] = Field(default=(), strict=False)
    head_grows_only: bool = False

    def depths(self, base: Sequence[int], multiplier: Floats) -> Ints:
        """d·L̂ as whole layers of each stage, at least 1: [N, stages] from the base's layers and N multipliers."""
        last = len(base) - 1
        fixed = {0 if end == "first" else last for end in self.fixed_depths}
        free = [index for index in range(len(base)) if index not in fixed]
        built = np.tile(np.asarray(base, dtype=np.int64), (len(multiplier), 1))
        layers = np.asarray(base, dtype=np.int64)[free]
        wanted = multiplier[:, None] * (layers.sum(keepdims=True) if self.depth == "spread" else layers)
        whole = np.ceil(wanted - _NOISE) if self.depth == "ceil" else np.rint(wanted)
        whole = np.maximum(whole, 1).astype(np.int64)
        built[:, free] = _spread(tuple(layers.tolist()), whole[:, 0]) if self.depth == "spread" else whole
        return built

    def channels(self, base: int | Ints, multiplier: Floats, *, step: int | Ints) -> Ints:
        """w·Ĉ as a multiple of step: the divisor, or more where the block's groups ask for it. Arrays are broadcast."""
        wanted = base * multiplier
        if self.width == "nearest":
            steps = np.rint(wanted / step)
        else:
            steps = np.floor(wanted / step + 0.5)
            steps += steps * step < 0.9 * wanted
        whole = np.maximum(steps, 1) * step
        # a width that the baseline has is kept by the multiplier 1, even where it is no multiple of the divisor
        return np.where(multiplier == 1, base, whole).astype(np.int64)

    def for_proxies(self) -> Rounding:
        """The same policy in the finest steps: single layers, and the nearest channels.

        What keeps realised cost closest to the wanted cost, and few layers from growing all at once.
        """
        return self.model_copy(update={"depth": "spread", "width": "nearest"})

    def for_base_width(self, width: float) -> Rounding:
        """The same policy for a baseline made `width` times as wide: the steps shrink with it (8 → 4 at a half).

        Without this, rounding swamps the differences between small networks.
        """
        return self.model_copy(update={"divisor": halved(self.divisor, width)})


def halved(step: int, width: float) -> int:
    """The step for a network `width` times as wide: halved as often as it is even and too large.

    Raises:
        InvalidInput: the width is not positive.
    """
    if not width > 0:  # NaN too
        raise InvalidInput(f"the width must be positive, not {width}")
    finer = step
    while finer % 2 == 0 and finer > step * width * 1.01:
        finer //= 2
    return finer


def _spread(base: tuple[int, ...], total: Ints) -> Ints:
    """So many layers in all [N] shared out among stages in proportion to the base's: [N, stages], at least 1 each.

    Webster's apportionment: stage i gets its k-th layer at the multiplier (k - 1/2) / L̂ᵢ, where rounding to the nearest
    gives it too; stages that would step together step one after the other. More layers in all never take one away.
    """
    shrunk, grown = _turns(base)
    periods, rest = np.divmod(np.maximum(total, len(base))[:, None], sum(base))
    shared: Ints = periods * np.asarray(base) + np.where(periods > 0, grown[rest[:, 0]], shrunk[rest[:, 0]])
    return shared


@lru_cache(maxsize=256)
def _turns(base: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Layers of each stage after 0, 1, 2 … of the base's layers are shared out: from nothing, and beyond the base's.

    From nothing every stage gets its first layer before any gets a second. Of stages whose turn comes at once, the one
    nearest to the middle is first, as published families are deepest there.
    """
    middle = len(base) / 2
    turns = [(k + 0.5) / layers for layers in base for k in range(layers)]
    firsts = [k > 0 for layers in base for k in range(layers)]
    stages = [stage for stage, layers in enumerate(base) for _ in range(layers)]
    aside = [abs(stage - middle) for stage in stages]

    def taken(order: NDArray[np.intp]) -> Ints:
        steps = np.eye(len(base), dtype=np.int64)[np.asarray(stages, dtype=np.int64)[order]]
        return np.concatenate([np.zeros((1, len(base)), dtype=np.int64), steps.cumsum(axis=0)])

    return taken(np.lexsort((aside, turns, firsts))), taken(np.lexsort((aside, turns)))


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
    if isinstance(value, Mapping):  # a validator that runs before pydantic's gets lists where a file has them
        return {key: tuple(entry) if isinstance(entry, list) else entry for key, entry in value.items()}
    return policy(value) if isinstance(value, str) else value
