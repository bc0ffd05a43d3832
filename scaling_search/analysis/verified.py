"""Did it hold? A run's expectations beside what fresh seeds and longer trainings showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.means import PairedMeans, paired_means

Kind = Literal["held", "changed", "not told apart"]


@dataclass(frozen=True, kw_only=True)
class Lost:
    """What the pick loses to the best other network (negative: is ahead), as a fraction; NaN where unknown."""

    to: str
    lost: float
    low: float
    high: float

    def kind(self, epsilon: float) -> Kind:
        """The verdict: see `search.verification.Verification`."""
        if self.lost <= epsilon:
            return "held"
        return "changed" if self.low > 0 else "not told apart"


def lost_by(pick: str, final: pd.DataFrame) -> Lost:
    """The pick against the best other network, seed by seed.

    Args:
        final: one row a trial, columns candidate, seed and top1; the pick and at least one other.
    """
    means = paired_means(final)
    own = means.candidates.index(pick)
    best = max((index for index in range(len(means.means)) if index != own), key=lambda index: means.means[index])
    lost = float(means.means[best] - means.means[own])
    half = _half(means, own, best)
    return Lost(to=means.candidates[best], lost=lost, low=lost - half, high=lost + half)


def order_held(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[int, int]:
    """Pairs that have the same order in both, and all pairs of what both have."""
    both = [name for name in first if name in second]
    same = [(first[a] - first[b]) * (second[a] - second[b]) > 0 for a, b in combinations(both, 2)]
    return sum(same), len(same)


def nearest_extent(macs_ratio: float, growth: float, extents: Sequence[float]) -> float:
    """Which of the extents (see `strategies.Point`) a network of such a cost was built for."""
    reached = float(np.log(macs_ratio) / np.log(growth))
    return min(extents, key=lambda extent: abs(extent - reached))


def _half(means: PairedMeans, first: int, second: int) -> float:
    if means.error_sd is None:
        return float("nan")
    from scipy.stats import t  # a second of imports, not before the first trial

    spread = means.error_sd * sqrt(1 / means.seeds[first] + 1 / means.seeds[second])
    return float(t.ppf(0.975, means.dof)) * spread
