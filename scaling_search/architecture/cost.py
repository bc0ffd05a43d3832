"""What a network costs: one frozen value for one network, the same numbers as arrays for many."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.memory import HasMemory


@dataclass(frozen=True, kw_only=True)
class Cost(HasMemory):
    """The cost of one network for one image.

    Attributes:
        params: learned numbers.
        macs: multiply-adds of convolutions, linear layers and matrix products, without bias («FLOPs» in this field).
        activations: elements of the outputs of convolutions, which predict run time better than macs
            (arXiv 2003.13678, sec. 4).
        kept: elements that the forward pass keeps for the backward pass.
        backward: largest number of elements alive at once while going back: the kept ones not yet used and the
            gradients of the layer at work.
        live: largest number of elements alive at once without gradients.

    Two costs are equal when params, macs and activations are: the rest is a model, not a count.
    """

    params: int
    macs: int
    activations: int
    kept: int = field(default=0, compare=False)
    backward: int = field(default=0, compare=False)
    live: int = field(default=0, compare=False)

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Costs(HasMemory):
    """The costs of N networks: the fields of `Cost` as integer arrays [N], and the resolution as built, in pixels.

    The arrays hold int64, or Python integers where int64 could overflow; the values are the same either way.
    """

    params: NDArray[Any]
    macs: NDArray[Any]
    activations: NDArray[Any]
    kept: NDArray[Any]
    backward: NDArray[Any]
    live: NDArray[Any]
    pixels: NDArray[Any]

    def __len__(self) -> int:
        return len(self.macs)

    def __getitem__(self, index: int) -> Cost:
        return Cost(**{name: int(getattr(self, name)[index]) for name in Cost.__dataclass_fields__})

    @classmethod
    def concatenated(cls, pieces: list[Costs]) -> Costs:
        return cls(**{name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in cls.__annotations__})
