"""The response surface: expected accuracy at equal cost for every division of the added compute.

Notation: s = (s1, s2, s3) are the effective shares of depth, width and resolution, which sum to 1, so that there is
no intercept (Scheffé 1958, mixture models); c = ln(realised MACs / target).

    linear      y = Σ b_i s_i + k c                          3 (+1) parameters
    quadratic   y = Σ b_i s_i + Σ b_ij s_i s_j + k c         6 (+1) parameters
    means       y = one mean for each candidate, no surface

The richest model that leaves enough degrees of freedom to judge its own error is used; the rule looks at the number of
candidates, not at their accuracy, since a model chosen by how well it fits reports too little doubt. One exception: a
plane puts its maximum into a corner whatever the truth, so it must foretell left-out candidates or the means are used.
Each candidate enters with the mean of its seeds (`means.py`), weighted by their number. The error is that of the
candidates around the surface: seed noise and what rounding does to a network, both of which a pick has to survive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.means import PairedMeans
from scaling_search.analysis.trials import SHARES

Kind = Literal["quadratic", "linear", "means"]
SPARE = {"quadratic": 3, "linear": 2}  # degrees of freedom that must remain; below them the error itself is a guess
_COST_MATTERS = 0.02  # candidates whose costs all agree within 2 % say nothing about the effect of cost


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A linear model of accuracy, y = rows · beta, with the covariance of beta (None: the noise is unknown).

    `residual_sd` is the error of one candidate's mean; `predictive_r2` the fraction of the variance between
    candidates that is foretold for a candidate left out (1 is all, 0 no better than the mean of the others).
    """

    kind: Kind
    candidates: tuple[str, ...]
    beta: np.ndarray  # [p]
    covariance: np.ndarray | None  # [p, p]
    dof: int
    cost_slope: float | None = None  # accuracy for one unit of ln cost
    residual_sd: float | None = None
    predictive_r2: float | None = None

    @property
    def reading(self) -> str:
        """What its values are called: only a surface reads all candidates at the same cost."""
        return "mean" if self.kind == "means" else "at equal cost"

    def rows(self, shares: np.ndarray) -> np.ndarray:
        """Design rows [n, p] of shares [n, 3] at the target cost. Only of a surface, since means have no between."""
        assert self.kind != "means"
        return _design(shares, self.kind, None if self.cost_slope is None else np.zeros(len(shares)))

    def candidate_rows(self, candidates: pd.DataFrame) -> np.ndarray:
        """Design rows of this surface's own candidates, in their order, at the target cost."""
        if self.kind == "means":
            return np.eye(len(self.candidates))
        return self.rows(candidates.loc[list(self.candidates), SHARES].to_numpy(float))


def fit(candidates: pd.DataFrame, means: PairedMeans, seeds: pd.Series, target_ratio: float) -> Surface:
    """The surface through the means of the candidates that finished.

    Args:
        candidates: indexed by candidate, with SHARES and macs_ratio.
        means: accuracy of each finished candidate.
        seeds: number of finished seeds of each, the weights.
        target_ratio: realised MACs against the base at which all are compared.
    """
    names = list(means.means.index)
    shares = candidates.loc[names, SHARES].to_numpy(float)
    cost = np.log(candidates.loc[names, "macs_ratio"].to_numpy(float) / target_ratio)
    covariate = cost if np.ptp(cost) > _COST_MATTERS else None
    kinds: tuple[Kind, ...] = ("quadratic", "linear")
    for kind in kinds:
        design = _design(shares, kind, covariate)
        spare = len(names) - design.shape[1]
        if spare < SPARE[kind] or np.linalg.matrix_rank(design, tol=1e-6) < design.shape[1]:
            continue
        surface = _least_squares(kind, names, design, means.means.to_numpy(), seeds[names].to_numpy(float), covariate)
        if kind == "quadratic" or (surface.predictive_r2 or 0) > 0:
            return surface
    covariance = None if means.error_sd is None else means.covariance * means.error_sd**2
    return Surface(
        kind="means",
        candidates=tuple(names),
        beta=means.means.to_numpy(),
        covariance=covariance,
        dof=means.dof,
    )


def _design(shares: np.ndarray, kind: Kind, cost: np.ndarray | None) -> np.ndarray:
    columns = [shares]
    if kind == "quadratic":
        columns.append(np.stack([shares[:, i] * shares[:, j] for i, j in combinations(range(3), 2)], axis=1))
    if cost is not None:
        columns.append(cost[:, None])
    return np.hstack(columns)


def _least_squares(
    kind: Kind, names: Sequence[str], design: np.ndarray, y: np.ndarray, seeds: np.ndarray, cost: np.ndarray | None
) -> Surface:
    root = np.sqrt(seeds / seeds.mean())
    weighted, target = design * root[:, None], y * root
    inverse = np.linalg.inv(weighted.T @ weighted)
    beta = np.linalg.lstsq(weighted, target, rcond=None)[0]
    residuals, dof = target - weighted @ beta, len(y) - design.shape[1]
    variance = float(residuals @ residuals) / dof
    leverage = np.einsum("ij,jk,ik->i", weighted, inverse, weighted)
    return Surface(
        kind=kind,
        candidates=tuple(names),
        beta=beta,
        covariance=inverse * variance,
        dof=dof,
        cost_slope=None if cost is None else float(beta[-1]),
        residual_sd=float(np.sqrt(variance)),
        predictive_r2=_predictive_r2(residuals, leverage, target, root),
    )


def _predictive_r2(residuals: np.ndarray, leverage: np.ndarray, target: np.ndarray, root: np.ndarray) -> float | None:
    """1 − PRESS / PRESS of the weighted mean: each candidate foretold from the others, without fitting again."""
    if (leverage > 1 - 1e-9).any():
        return None  # a candidate that alone carries a parameter cannot be foretold
    around_mean = target - root * (root @ target) / (root @ root)
    press_mean = (around_mean / (1 - root**2 / (root @ root))) ** 2
    return float(1 - ((residuals / (1 - leverage)) ** 2).sum() / max(press_mean.sum(), np.finfo(float).tiny))
