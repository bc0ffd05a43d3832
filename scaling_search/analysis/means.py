"""Mean over seeds of each candidate, without what a seed gives to all candidates alike, and how its seeds scatter.

Model (randomised blocks): y[candidate, seed] = mean[candidate] + effect[seed] + error[candidate, seed].
With every candidate trained on the same seeds the means are the plain ones; where seeds are missing (a run that was
interrupted, a trial that failed) a candidate is not rewarded for having met the lucky seeds only.

The errors need not be equally large. One candidate that learns in one seed and not in another must not make everyone
look uncertain, so the seeds' effects are weighted by each candidate's own scatter, and the scatter is kept apart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_ROUNDS = 4  # of reweighting; the weights hardly change after the second


@dataclass(frozen=True, kw_only=True)
class PairedMeans:
    """For n candidates in the order of `candidates`: means [n], number of seeds [n], and the scatter between seeds.

    `squares` [n] are sums of squared errors that follow σ² χ² with `freedom` [n] degrees of freedom (0: one seed).
    """

    candidates: tuple[str, ...]
    means: np.ndarray
    seeds: np.ndarray
    squares: np.ndarray
    freedom: np.ndarray
    seed_sd: float  # spread of the seeds' common effects

    @property
    def dof(self) -> float:
        """Degrees of freedom of the noise, over all candidates."""
        return float(self.freedom.sum())

    @property
    def error_sd(self) -> float | None:
        """Noise of one trial, pooled; None: no candidate has a second seed, so nothing tells noise from difference."""
        return float(np.sqrt(self.squares.sum() / self.dof)) if self.dof > 0 else None


def paired_means(final: pd.DataFrame, value: str = "top1") -> PairedMeans:
    """Means of the finished trials, one row each (columns candidate, seed and value)."""
    rows, candidates = pd.factorize(final["candidate"], sort=True)
    columns, seeds = pd.factorize(final["seed"], sort=True)
    table = np.full((len(candidates), len(seeds)), np.nan)
    table[rows, columns] = final[value].to_numpy(float)
    return from_matrix(table, candidates=tuple(map(str, candidates)))


def from_matrix(values: np.ndarray, *, candidates: tuple[str, ...] | None = None) -> PairedMeans:
    """The same for values [n candidates, k seeds], NaN where a trial is missing; no row is all NaN."""
    there = ~np.isnan(values)
    seeds = there.sum(axis=1)
    filled = np.where(there, values, 0.0)
    weights = np.ones(len(values))
    centre = filled.sum(axis=1) / seeds
    effects = _medians(np.where(there, values - centre[:, None], np.nan))
    rank = 0
    for _ in range(_ROUNDS if values.shape[1] > 1 else 0):
        squares = _squares(filled, there, effects)
        weights = 1 / (squares / np.maximum(seeds - 1, 1) + _typical(squares, seeds))
        effects, rank = _effects(filled, there, weights)
    squares = _squares(filled, there, effects)
    spare = np.maximum(seeds - 1, 0)
    dof = max(int(seeds.sum()) - len(values) - rank, 0)
    return PairedMeans(
        candidates=candidates or tuple(f"c{index:02d}" for index in range(len(values))),
        means=((filled - there * effects).sum(axis=1)) / seeds,
        seeds=seeds,
        squares=squares,
        freedom=spare * (dof / max(spare.sum(), 1)),
        seed_sd=float(effects.std(ddof=1)) if len(effects) > 1 else 0.0,
    )


def describe(final: pd.DataFrame, value: str) -> pd.DataFrame:
    """Plain mean and its standard error over seeds, as columns value and value_se; the error of one seed is NaN."""
    grouped = final.groupby("candidate")[value]
    return pd.DataFrame({value: grouped.mean(), f"{value}_se": grouped.sem()})


def _medians(errors: np.ndarray) -> np.ndarray:
    """[k] the median error of each seed, a first guess that one bad candidate does not move."""
    return np.asarray(np.nan_to_num(np.nanmedian(errors, axis=0)))


def _typical(squares: np.ndarray, seeds: np.ndarray) -> float:
    """A variance that half of the repeated candidates stay below; tiny where none is repeated."""
    repeated = seeds > 1
    typical = np.median(squares[repeated] / (seeds[repeated] - 1)) if repeated.any() else 0.0
    return float(typical) + 1e-12


def _squares(filled: np.ndarray, there: np.ndarray, effects: np.ndarray) -> np.ndarray:
    """[n] sum of squared errors of each candidate around its own mean."""
    adjusted = filled - there * effects
    mean = adjusted.sum(axis=1, keepdims=True) / there.sum(axis=1, keepdims=True)
    return np.asarray((there * (adjusted - mean) ** 2).sum(axis=1))


def _effects(filled: np.ndarray, there: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, int]:
    """Weighted least squares of the seeds' effects [k], the candidates' means eliminated, and the rank of it.

    Seeds that share no candidate cannot be compared: the least-norm solution gives them no effect.
    """
    share = there / there.sum(axis=1, keepdims=True)  # [n, k]
    normal = np.diag((weights[:, None] * there).sum(axis=0)) - (weights[:, None] * there).T @ share
    centred = filled - there * (filled.sum(axis=1) / there.sum(axis=1))[:, None]
    solution = np.linalg.lstsq(normal, (weights[:, None] * centred).sum(axis=0), rcond=1e-9)
    return np.asarray(solution[0]), int(solution[2])
