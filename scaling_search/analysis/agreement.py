"""Does a shorter training rank the candidates as the whole one does?"""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Kendall's τ between the candidates' means at half of the epochs and at the end: 1 the same order, 0 unrelated.

    `p_value` is that of no relation; the learning rate at half way is not annealed yet, so τ understates what
    a run of half the length would have been worth.
    """

    epoch: int
    epochs: int
    tau: float
    p_value: float


def halfway_agreement(readings: pd.DataFrame, value: str = "top1") -> Agreement | None:
    """Compares the two readings; None with fewer than three candidates or two epochs, or when all are equal."""
    epochs = int(readings["epoch"].max())
    half = (epochs + 1) // 2
    means = readings.pivot_table(index="candidate", columns="epoch", values=value, aggfunc="mean")
    if half == epochs or half not in means or len(means[[half, epochs]].dropna()) < 3:
        return None
    from scipy.stats import kendalltau  # a second of imports, not before the first trial

    early, late = means[[half, epochs]].dropna().to_numpy().T
    result = kendalltau(early, late)
    if pd.isna(result.statistic):
        return None
    return Agreement(epoch=half, epochs=epochs, tau=float(result.statistic), p_value=float(result.pvalue))
