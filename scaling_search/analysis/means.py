"""Mean over seeds of each candidate, with the part of the noise that a seed gives to all candidates taken out.

Model (randomised blocks): y[candidate, seed] = mean[candidate] + effect[seed] + error, effects summing to zero.
With every candidate trained on the same seeds the means are the plain ones; where seeds are missing (a run that was
interrupted, a trial that failed) a candidate is not rewarded for having met the lucky seeds only.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PairedMeans:
    """`means` is indexed by candidate; `covariance` [n, n] is that of the means for error variance 1."""

    means: pd.Series
    covariance: np.ndarray
    error_sd: float | None  # None: no candidate has a second seed, so nothing tells noise from difference
    seed_sd: float  # spread of the seeds' common effects
    dof: int


def paired_means(final: pd.DataFrame, value: str = "top1") -> PairedMeans:
    """Least-squares means of the finished trials (columns candidate, seed and value)."""
    candidates, seeds = pd.get_dummies(final["candidate"], dtype=float), pd.get_dummies(final["seed"], dtype=float)
    blocks = seeds.iloc[:, 1:].to_numpy() - seeds.iloc[:, :1].to_numpy()  # effects sum to zero
    design = np.hstack([candidates.to_numpy(), blocks])
    if np.linalg.matrix_rank(design) < design.shape[1]:  # seeds that share no candidate cannot be compared
        design = candidates.to_numpy()
    observed = final[value].to_numpy(float)
    solution = np.linalg.lstsq(design, observed, rcond=None)[0]
    n, dof = candidates.shape[1], len(final) - design.shape[1]
    effects = solution[n:]
    return PairedMeans(
        means=pd.Series(solution[:n], index=candidates.columns),
        covariance=np.linalg.inv(design.T @ design)[:n, :n],
        error_sd=float(np.sqrt(((observed - design @ solution) ** 2).sum() / dof)) if dof > 0 else None,
        seed_sd=float(np.append(effects, -effects.sum()).std(ddof=1)) if len(effects) else 0.0,
        dof=dof,
    )


def describe(final: pd.DataFrame, value: str) -> pd.DataFrame:
    """Plain mean and its standard error over seeds, as columns value and value_se; the error of one seed is NaN."""
    grouped = final.groupby("candidate")[value]
    return pd.DataFrame({value: grouped.mean(), f"{value}_se": grouped.sem()})
