"""Many scaled networks at once: what they are, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scaling_search.architecture.cost import Cost
from scaling_search.architecture.network import Network
from scaling_search.architecture.sums import sums
from scaling_search.coefficients import Multipliers


class BuiltNetwork(NamedTuple):
    """A network, its cost, and what its dimensions came to, where that was counted."""

    network: Network
    cost: Cost
    effective: Multipliers | None = None


def built_of(base: Network, multipliers: Sequence[Multipliers]) -> list[BuiltNetwork]:
    """What each of these makes of base; the same as `scaled`, `cost` and `effective` one by one.

    What dimensions came to is counted where many are counted at once: one by one most are not asked.
    """
    different = {one: base.scaled(one) for one in dict.fromkeys(multipliers)}
    networks = [different[one] for one in multipliers]
    macs = sums(base, "macs")
    if macs is None or len(networks) < 2:
        return [BuiltNetwork(network, network.cost()) for network in networks]
    axes = np.array([[one.depth, one.width, one.resolution] for one in multipliers]).T  # [3, N]
    costs = base.costs(*axes)
    alone = np.ones((3, 3, len(networks)))
    alone[range(3), range(3)] = axes
    growth = np.stack([macs(*one) for one in alone]) / base.cost().macs  # [3, N]
    return [
        BuiltNetwork(network, costs[index], Multipliers(depth=depth, width=width**0.5, resolution=resolution**0.5))
        for index, (network, (depth, width, resolution)) in enumerate(zip(networks, growth.T.tolist(), strict=True))
    ]
