"""Mean over seeds of each candidate, without what a seed gives to all candidates alike, and how its seeds scatter.

Model (randomised blocks): y[candidate, seed] = mean[candidate] + effect[seed] + error[candidate, seed].
With every candidate trained on the same seeds the means are the plain ones; where seeds are missing (a run that was
interrupted, a trial that failed) a candidate is not rewarded for having met the lucky seeds only.

effect[seed] ~ N(0, ρ σ²), σ² the variance of an error. ρ is averaged over (`RATIOS`): many candidates on the same seeds
say it themselves, and then the effects are taken out in full; where hardly one is repeated the prior does, which comes
from recorded tables. Two seeds of a single candidate then tell of noise, and are not all put down to the seeds.

The errors need not be equally large. One candidate that learns in one seed and not in another must not make everyone
look uncertain, so the seeds' effects are weighted by each candidate's own scatter, and the scatter is kept apart.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

RATIOS = np.array([0.03, 0.3, 3.0, 300.0])  # ρ; recorded runs show none (results/verdicts)
RATIOS_PRIOR = np.array([0.6, 0.25, 0.1, 0.05])
_ROUNDS = 4  # of reweighting; the weights hardly change after the second


@dataclass(frozen=True, kw_only=True)
class PairedMeans:
    """For n candidates in the order of `candidates`: means [n], number of seeds [n], and the scatter between seeds.

    `squares` [n] are sums of squared errors that follow σ² χ² with `freedom` [n] degrees of freedom (0: one seed).
    `base` is the same of the unscaled network, (squares, freedom), where it was trained; it has no mean here.
    """

    candidates: tuple[str, ...]
    means: np.ndarray
    seeds: np.ndarray
    squares: np.ndarray
    freedom: np.ndarray
    seed_sd: float  # spread of the seeds' common effects
    base: tuple[float, float] = (0.0, 0.0)

    @property
    def dof(self) -> float:
        """Degrees of freedom of the noise, over all candidates."""
        return float(self.freedom.sum())

    @property
    def error_sd(self) -> float | None:
        """Noise of one trial, pooled; None: no candidate has a second seed, so nothing tells noise from difference."""
        return float(np.sqrt(self.squares.sum() / self.dof)) if self.dof > 0 else None

    @property
    def base_sd(self) -> float | None:
        """The same of the unscaled network; None: it has no second seed either."""
        squares, freedom = self.base
        return float(np.sqrt(squares / freedom)) if freedom > 0 else None


def paired_means(final: pd.DataFrame, value: str = "top1", *, beside: pd.DataFrame | None = None) -> PairedMeans:
    """Means of the finished trials, one row each (columns candidate, seed and value).

    Args:
        beside: the same of the unscaled network, which is no candidate: its seeds tell of noise, and nothing else.
    """
    table = final.pivot(index="candidate", columns="seed", values=value)
    base = None
    own = pd.Series(dtype=float) if beside is None else beside.set_index("seed")[value].dropna()
    if len(own):
        table = table.reindex(columns=table.columns.union(own.index))
        base = own.reindex(table.columns).to_numpy(float)
    return from_matrix(table.to_numpy(float), candidates=tuple(map(str, table.index)), beside=base)


def from_matrix(
    values: np.ndarray, *, candidates: tuple[str, ...] | None = None, beside: np.ndarray | None = None
) -> PairedMeans:
    """The same for values [n candidates, k seeds], NaN where a trial is missing; no row is all NaN.

    Args:
        beside: those of the unscaled network [k].
    """
    n = len(values)
    if beside is not None:
        values = np.vstack([values, beside])
    there = ~np.isnan(values)
    seeds = there.sum(axis=1)
    filled = np.where(there, values, 0.0)
    weights = np.ones(len(values))
    centre = filled.sum(axis=1) / seeds
    effects = _medians(np.where(there, values - centre[:, None], np.nan))
    rank = 0.0
    for _ in range(_ROUNDS if values.shape[1] > 1 else 0):
        squares = _squares(filled, there, effects)
        weights = 1 / (squares / np.maximum(seeds - 1, 1) + _typical(squares, seeds))
        effects, rank = _effects(filled, there, weights)
    squares = _squares(filled, there, effects)
    spare = np.maximum(seeds - 1, 0)
    freedom = spare * (1 - rank / max(spare.sum(), 1))
    return PairedMeans(
        candidates=candidates or tuple(f"c{index:02d}" for index in range(n)),
        means=((filled - there * effects).sum(axis=1) / seeds)[:n],
        seeds=seeds[:n],
        squares=squares[:n],
        freedom=freedom[:n],
        seed_sd=float(effects.std(ddof=1)) if len(effects) > 1 else 0.0,
        base=(float(squares[n:].sum()), float(freedom[n:].sum())),
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


def _effects(filled: np.ndarray, there: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """The seeds' effects [k], the candidates' means eliminated, and the degrees of freedom that they take.

    Least squares, shrunk for each ρ, which is weighed by its likelihood with σ maximised out. Seeds that share no
    candidate cannot be compared and get no effect.
    """
    repeated = there.sum(axis=1) > 1
    if not repeated.any():
        return np.zeros(there.shape[1]), 0.0
    there, filled = there[repeated], filled[repeated]
    weights = (weights[repeated] / np.median(weights[repeated]))[:, None]
    count = there.sum(axis=1, keepdims=True)
    centred = np.where(there, filled - filled.sum(axis=1, keepdims=True) / count, 0.0)
    normal = np.diag((weights * there).sum(axis=0)) - (weights * there).T @ (there / count)
    values, vectors = np.linalg.eigh(normal)  # [k], the smallest is 0: what all seeds share is in the means
    along = vectors.T @ (weights * centred).sum(axis=0)
    pull = RATIOS[:, None] / (1 + RATIOS[:, None] * np.maximum(values, 0))  # [ratios, k]
    total = (weights * centred**2).sum() + 1e-24
    left = np.maximum(total - pull @ along**2, 1e-9 * total)
    log = (
        np.log(RATIOS_PRIOR) + 0.5 * np.log(pull / RATIOS[:, None]).sum(axis=1) - 0.5 * (count - 1).sum() * np.log(left)
    )
    likely = np.exp(log - log.max())
    pull = likely @ pull / likely.sum()
    return vectors @ (pull * along), float((pull * values).sum())
