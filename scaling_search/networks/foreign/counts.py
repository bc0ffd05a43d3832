"""Whole layers and channels of networks that were not written for a rounding policy."""

from collections.abc import Sequence
from math import gcd, lcm

import numpy as np

from scaling_search.architecture.rounding import Rounding


def rounded_layers(rounding: Rounding, counts: Sequence[int], depth: float) -> list[int]:
    """d·L̂ by the policy, for the layers of each stage."""
    return [int(layers) for layers in rounding.depths(counts, np.array([depth], dtype=float))[0]]


def finer(rounding: Rounding) -> Rounding:
    """The policy with steps half as wide, for DenseNet's growth: 32 · 1.1 is 36, where steps of 8 would keep 32."""
    return rounding.model_copy(update={"divisor": max(1, rounding.divisor // 2)})


def rounded_channels(rounding: Rounding, count: int, width: float, unit: int = 1) -> int:
    """w·Ĉ by the policy, in steps that divide the given count, so that w = 1 keeps it; a multiple of unit."""
    step = lcm(gcd(count, rounding.divisor), unit)
    return int(rounding.channels(count, np.asarray(width, dtype=float), step=step))
