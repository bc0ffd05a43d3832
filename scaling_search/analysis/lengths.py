"""Two lengths of training side by side: does the order hold, and towards which dimension does the best share move?

The change of each division's score between the lengths is read as a plane over the shares: a gain for each dimension.
Near the optimum a share that is wrong by t loses CURVATURE · t² (docs/design.md, 3.9), so that a difference g between
the gains of two dimensions moves the best share by g / (2 · CURVATURE) from one to the other.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from scaling_search.analysis.trials import SHARES

CURVATURE = 0.09
_AXES = tuple(name.removeprefix("share_") for name in SHARES)
_FARTHEST = 0.5
_LEAST = 4  # divisions: a plane has three numbers


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """What changed between the two lengths.

    Attributes:
        epochs: of the shorter and the longer trainings.
        divisions: that had both.
        held, pairs: pairs of divisions whose order held, of so many.
        gains: score that a longer training gives to each dimension, against their mean, as fractions of accuracy.
        gain_se: standard error of the difference between the largest and the smallest.
        moved: share of the compute that the best division moves from the dimension that gains least to the one that
            gains most; None where that is within the error (95 %).
    """

    epochs: tuple[int, int]
    divisions: int
    held: int
    pairs: int
    gains: dict[str, float]
    gain_se: float
    moved: float | None

    @property
    def sentence(self) -> str:
        """In words."""
        short, long = self.epochs
        held = f"{self.held} of {self.pairs} pairs of divisions kept their order from {short} to {long} epochs"
        if self.moved is None:
            return f"{held}, and no dimension gains from longer training beyond noise."
        most, least = (choose(self.gains, key=self.gains.__getitem__) for choose in (max, min))
        return (
            f"Longer training moves the best share from {least} to {most} by about {self.moved:.2f} of the compute: "
            f"expect more {most} at full length; {held}."
        )


def compare_lengths(
    short: pd.DataFrame, long: pd.DataFrame, shares: pd.DataFrame, *, epochs: tuple[int, int], noise: float
) -> Lengths | None:
    """Compares trials at two lengths; None with fewer than four divisions that have both.

    Args:
        short, long: rows with candidate, seed and score (as a fraction of accuracy).
        shares: effective shares, by candidate.
        epochs: of the two lengths.
        noise: standard deviation of a score between seeds.
    """
    both = short.merge(long, on=["candidate", "seed"], suffixes=("", "_long")).dropna(subset=["score", "score_long"])
    means = both.groupby("candidate")[["score", "score_long"]].mean()
    if len(means) < _LEAST:
        return None
    from scipy.stats import t  # a second of imports, not before the first trial

    early, late = means.to_numpy(float).T
    orders = [(early[a] - early[b]) * (late[a] - late[b]) > 0 for a, b in combinations(range(len(means)), 2)]
    places = shares.loc[means.index, SHARES].to_numpy(float)  # [n, 3]; rows add up to 1, so that they hold a constant
    change = late - early
    gains, *_ = np.linalg.lstsq(places, change, rcond=None)
    residual = change - places @ gains
    free = len(means) - 3
    spread = float(np.sqrt((residual**2).sum() / free))
    surely = float(t.ppf(0.975, free)) if spread > noise else 2.0  # the spread of so few residuals is hardly known
    spread = max(spread, noise)
    apart = np.zeros(3)
    apart[gains.argmax()], apart[gains.argmin()] = 1, -1
    error = spread * float(np.sqrt(apart @ np.linalg.pinv(places.T @ places) @ apart))
    gain = float(gains.max() - gains.min())
    return Lengths(
        epochs=epochs,
        divisions=len(means),
        held=int(np.sum(orders)),
        pairs=len(orders),
        gains=dict(zip(_AXES, (gains - gains.mean()).tolist(), strict=True)),
        gain_se=error,
        moved=min(gain / (2 * CURVATURE), _FARTHEST) if gain > surely * error else None,
    )
