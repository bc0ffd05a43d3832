"""Thousands of candidates as a hundred: those much alike are pooled, so that the cost of a surface does not grow."""

from dataclasses import replace

import numpy as np

from scaling_search.analysis import basis
from scaling_search.analysis.noise import NoiseGrid
from scaling_search.analysis.surface import Observed

MOST = 120  # candidates that are all kept; beyond it, one cell a node of the triangle: 1/24 of the compute off at most


def pooled(observed: Observed, seeds: np.ndarray) -> Observed:
    """The same evidence in at most one mean a node, weighted by seeds [n]; unchanged up to MOST candidates."""
    if len(observed.mean) <= MOST:
        return observed
    apart = np.abs(observed.shares[:, None] - basis.nodes()[None]).sum(axis=2)  # [n, nodes]
    _, cell = np.unique(apart.argmin(axis=1), return_inverse=True)
    share = np.zeros((cell.max() + 1, len(seeds)))
    share[cell, np.arange(len(seeds))] = seeds
    share /= share.sum(axis=1, keepdims=True)  # [cells, n]
    noise = observed.noise
    return replace(
        observed,
        shares=share @ observed.shares,
        ln_cost=share @ observed.ln_cost,
        mean=share @ observed.mean,
        noise=NoiseGrid(
            log_weight=noise.log_weight, variance=noise.variance @ (share**2).T, trial=noise.trial @ share.T,
            lasting=noise.lasting @ (share**2).T,
        ),
    )  # fmt: skip
