"""What the scatter between seeds says of the noise, as a small grid to average over.

    σ_c²  noise of one trial of candidate c, σ² ν / χ²_ν, so that squares_c / (freedom_c σ²) ~ F(freedom_c, ν)
    ν     how alike the candidates' noises are: 4 (each its own), 12, 1000 (all the same)
    τ     what is lasting in one network

(Smyth 2004, Stat. Appl. Genet. Mol. Biol. 3(1) 3, does this for genes.) Given σ and ν the noise of a candidate is
estimated by (ν σ² + squares_c) / (ν + freedom_c). The unscaled network's seeds tell of σ as a candidate's do, with a ν
of its own: it is smaller than they are, and in recorded runs its noise was 0.3 to 2.7 times theirs.
"""

from dataclasses import dataclass

import numpy as np

from scaling_search.analysis.means import PairedMeans

ALIKE, ALIKE_PRIOR = np.array([4.0, 12.0, 1000.0]), np.array([0.2, 0.3, 0.5])
BASE_ALIKE = 4.0
LASTING = 0.01 * np.array([0.1, 0.4, 0.8, 1.5])
LASTING_SD = 0.004
TYPICAL, SPREAD = 0.015, 1.0  # log-normal prior of σ: a point and a half, anything from a half to four
_QUANTILES = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
_MASS = np.array([0.15, 0.225, 0.25, 0.225, 0.15])  # of the posterior nearest to each
_LADDER = np.exp(np.linspace(np.log(2e-4), np.log(0.4), 96))


@dataclass(frozen=True, kw_only=True)
class NoiseGrid:
    """q levels of noise for n candidates, with log_weight [q] before the surface is seen.

    variance [q, n] is that of a candidate's mean, trial [q, n] that of one more trial, lasting [q, n] that of p_c.
    """

    log_weight: np.ndarray
    variance: np.ndarray
    trial: np.ndarray
    lasting: np.ndarray


def noise_grid(means: PairedMeans) -> NoiseGrid:
    """The grid for these candidates; with one seed each the prior alone says how noisy a trial is."""
    sigma, alike = _levels(means)
    trial = (alike * sigma[:, None] ** 2 + means.squares) / (alike + means.freedom)  # [σ, n]
    lasting = np.tile(LASTING**2, len(sigma))[:, None] * np.ones(len(means.means))
    trial = np.repeat(trial, len(LASTING), axis=0)
    prior = -0.5 * (LASTING / LASTING_SD) ** 2 + np.log(LASTING)
    return NoiseGrid(
        log_weight=np.tile(prior, len(sigma)) + np.repeat(np.log(_MASS), len(LASTING)),
        variance=trial / means.seeds + lasting,
        trial=trial,
        lasting=lasting,
    )


def _told(squares: np.ndarray, freedom: np.ndarray, alike: float) -> np.ndarray:
    """Log-likelihood of each σ of the ladder by these sums of squares [c] and their degrees of freedom [c]."""
    if not len(freedom):
        return np.zeros(len(_LADDER))
    from scipy.stats import f  # a second of imports, not before the first trial

    squares = np.maximum(squares, freedom * _LADDER[0] ** 2)  # seeds that agree to the last digit
    ratio = squares / (freedom * _LADDER[:, None] ** 2)  # [ladder, candidates]
    return np.asarray((f.logpdf(ratio, freedom, alike) - 2 * np.log(_LADDER)[:, None]).sum(axis=1))


def _levels(means: PairedMeans) -> tuple[np.ndarray, float]:
    """σ at five quantiles of its posterior, and the most probable ν."""
    log = np.tile(-0.5 * (np.log(_LADDER / TYPICAL) / SPREAD) ** 2, (len(ALIKE), 1)) + np.log(ALIKE_PRIOR)[:, None]
    repeated = means.freedom > 0
    for row, alike in enumerate(ALIKE):
        log[row] += _told(means.squares[repeated], means.freedom[repeated], alike)
    if means.base[1] > 0:
        squares, freedom = np.array([means.base]).T
        log += _told(squares, freedom, BASE_ALIKE)
    weight = np.exp(log - log.max())
    row = int(weight.sum(axis=1).argmax())
    cumulated = np.cumsum(weight[row]) / weight[row].sum()
    return np.exp(np.interp(_QUANTILES, cumulated, np.log(_LADDER))), float(ALIKE[row])
