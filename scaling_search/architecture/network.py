"""What the rest of the program needs of a network, whether it was described here or comes from another library."""

from __future__ import annotations

from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.rounding import Rounding
from scaling_search.coefficients import Multipliers


@runtime_checkable
class Network(Protocol):
    """A network that can be scaled and costed without building it."""

    @property
    def name(self) -> str: ...
    @property
    def resolution(self) -> int:
        """Side of the square input, in pixels."""

    @property
    def classes(self) -> int: ...
    @property
    def depths(self) -> tuple[int, ...]:
        """Layers of each stage, as built."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stem, the stages and the head, as built."""

    @property
    def rounding(self) -> Rounding: ...
    @property
    def dropout(self) -> float: ...
    @property
    def drop_connect(self) -> float: ...
    @property
    def minimum_resolution(self) -> int:
        """The smallest input, in pixels, for which every stride still has something to halve."""

    def scaled(self, multipliers: Multipliers) -> Self:
        """The network that these multipliers make, after rounding."""

    def proxied(self, multipliers: Multipliers) -> Self:
        """The network made small, once, for proxies to be scaled from: rounded in finer steps, now and when scaled."""

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

    def cost(self) -> Cost: ...

    @property
    def costs_are_vectorised(self) -> bool:
        """Whether asking `costs` for hundreds of networks is cheap."""

    def costs(self, depth: NDArray[np.float64], width: NDArray[np.float64], resolution: NDArray[np.float64]) -> Costs:
        """The costs of N scaled networks, from arrays [N] of multipliers; equal to scaled(…).cost() one by one."""

    def effective(self, base: Self) -> Multipliers:
        """What was built, as multipliers of base: each axis's own realised macs, the others left alone."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that a YAML file can hold; `architecture.from_dict` is the inverse."""
