"""The surface: what is known of accuracy at equal cost over the share triangle, as a posterior.

For candidate c with effective shares s_c, x_c = ln(realised MACs / target) and mean y_c over m_c seeds, in accuracy:

    y_c = μ + f(s_c) + κ x_c + p_c + e_c
    f ~ GP(h b, a² (R_l + k² b bᵀ))    a bowl of height h ± k a, h a point, k = 0.8; a process of size a and length l
    κ ~ N(0.08, 0.08²)                 accuracy for one unit of ln cost
    p_c ~ N(0, τ²)                     what is lasting in one network: rounding, a shared validation set. Seeds keep it
    e_c ~ N(0, σ_c² / m_c)             seeds; σ_c² is drawn around σ², so that one bistable candidate stays its own

a is log-normal around 0.7 points for each doubling of the cost (a factor e^1.5 either way): what is spent otherwise
matters more where more is spent. The bowl is what fully trained networks showed: on four grids of width and resolution
on ImageNet a corner cost 0.5 to 1.3 points at four times the cost. R_l and b are in `basis.py`, noise in `noise.py`.

Everything unknown is averaged over, on a grid weighted by prior times marginal likelihood: nothing is optimised, so
nothing can fail, and doubt about the model is part of the doubt of the answer (Rasmussen and Williams 2006, ch. 2, 5).
The noise enters by the scatter between seeds and by that around the surface. Losses far below the upper half are
compressed first (`tail.py`).
"""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from scaling_search.analysis import basis
from scaling_search.analysis.noise import NoiseGrid
from scaling_search.analysis.tail import tail_of

AMPLITUDES = 0.01 * np.array([0.2, 0.4, 0.8, 1.5, 2.7, 4.7, 8.0])
HEIGHT, HEIGHT_SD = 0.01, 0.8  # of the bowl: in accuracy, and its spread over the size of the process
TYPICAL, TYPICAL_SD = 0.007, 1.5  # of the size, for each doubling of the cost: 0.7 points on recorded photographs
LEVEL_SD = 0.1
KAPPA, KAPPA_SD = 0.08, 0.08
DRAWS = 400
_NEGLIGIBLE = 1e-4  # weight of a cell that no draw would meet
_SEED = 20190528  # the same answer every time; the day arXiv 1905.11946 appeared


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Means of n candidates: shares [n, 3], ln_cost [n] (x_c), mean [n], and their noise.

    growth is the cost at which they are compared over the base's: the more was added, the more a division matters.
    """

    shares: np.ndarray
    ln_cost: np.ndarray
    mean: np.ndarray
    noise: NoiseGrid
    growth: float = 2.0


class Surface:
    """The posterior of μ + f at the target cost, given what was observed.

    It is a mixture over cells (size a, length l, noise). `weights` [cells] are their posterior probabilities; all else
    is read from them: `mean_at`, `draws_at` anywhere, `left_out` at the candidates themselves. Building one takes about
    10 ms for 30 candidates, whatever the number of seeds.
    """

    def __init__(self, observed: Observed) -> None:
        self.observed = observed
        self.tail = tail_of(observed.mean, float(np.median(np.sqrt(observed.noise.trial))))
        self._mean = self.tail.compress(observed.mean)
        self._centre = float(self._mean.mean())
        self._features = [basis.features(observed.shares, length) for length in basis.LENGTHS]
        self._bowl = basis.bowl(observed.shares)
        self._lay_out_cells()
        self._weigh()

    def mean_at(self, shares: np.ndarray) -> np.ndarray:
        """Posterior mean [p] at shares [p, 3]; in the tail the expanded mean of the compressed surface."""
        bowl = basis.bowl(shares)
        mean = self._centre + HEIGHT * bowl
        for length, functions in enumerate(_features_at(shares)):
            here = self.length == length
            pull = (self.weights[here] * self.amplitude[here] ** 2) @ self._alphas[here]  # [n]
            mean = mean + functions @ (self._features[length].T @ pull) + HEIGHT_SD**2 * bowl * (self._bowl @ pull)
        return self.tail.expand(mean + LEVEL_SD**2 * (self.weights @ self._alphas.sum(axis=1)))

    def draws_at(self, shares: np.ndarray) -> np.ndarray:
        """Joint draws [p, DRAWS] at shares [p, 3], losses in full; equal shares and data give equal draws.

        By Matheron's rule: a draw of the prior, moved by what the data say of its error.
        """
        cells, pull, weights, height, level, _ = self._worlds
        amplitude, bowl = self.amplitude[cells], basis.bowl(shares)[:, None]
        values = np.empty((len(shares), DRAWS))
        for length, functions in enumerate(_features_at(shares)):
            here = self.length[cells] == length
            moved = weights[length][:, here] + amplitude[here] * (self._features[length].T @ pull[:, here])
            values[:, here] = functions @ moved
        values += bowl * (HEIGHT / amplitude + HEIGHT_SD * height + HEIGHT_SD**2 * amplitude * (self._bowl @ pull))
        return self.tail.expand(values * amplitude + self._centre + level + LEVEL_SD**2 * pull.sum(axis=0))

    def cost_slopes(self) -> np.ndarray:
        """Draws [DRAWS] of κ, accuracy for one unit of ln cost, of the same worlds as `draws_at`."""
        _, pull, _, _, _, slope = self._worlds
        return np.asarray(KAPPA + slope + KAPPA_SD**2 * (self.observed.ln_cost @ pull))

    def left_out(self) -> np.ndarray:
        """Mean [n] foretold for each candidate from the others (Rasmussen and Williams 2006, eq. 5.12)."""
        spread = np.diagonal(self._inverse, axis1=1, axis2=2)
        return np.asarray(self.tail.expand(self._mean - self.weights @ (self._alphas / spread)))

    def gaussian_at(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The mixture's mean [r] and covariance [r, r], r = p + n: μ + f at shares [p, 3], then what the n candidates
        would show with endless seeds, μ + f + p_c. As the compressed surface has it."""
        phi = [np.vstack(pair) for pair in zip(_features_at(shares), self._features, strict=True)]
        bowl, n = np.concatenate([basis.bowl(shares), self._bowl]), len(self._bowl)
        lasting = self.observed.noise.lasting[self.level]  # [cells, n]
        own = np.vstack([np.zeros((len(shares), n)), np.eye(n)])  # [r, n]
        mean, covariance = np.zeros(len(bowl)), np.zeros((len(bowl), len(bowl)))
        for length, functions in enumerate(phi):
            here = self.length == length
            share, size = self.weights[here], self.amplitude[here] ** 2
            kernel = functions @ functions.T + HEIGHT_SD**2 * np.outer(bowl, bowl)  # [r, r]
            cross = size[:, None, None] * kernel[:, -n:] + LEVEL_SD**2 + lasting[here, None, :] * own
            centre = self._centre + HEIGHT * bowl
            means = centre + np.einsum("crn,cn->cr", cross, self._alphas[here])
            explained = np.tensordot(share[:, None, None] * (cross @ self._inverse[here]), cross, axes=([0, 2], [0, 2]))
            covariance += (share @ size) * kernel + share.sum() * LEVEL_SD**2 - explained
            covariance += own * (share @ lasting[here]) @ own.T + (share[:, None] * means).T @ means
            mean += share @ means
        return mean, covariance - np.outer(mean, mean)

    def average(self, values: np.ndarray) -> np.ndarray:
        """Posterior mean of a quantity with one value (or row) a cell."""
        return np.asarray(np.tensordot(self.weights, values, axes=1))

    @property
    def length_scale(self) -> np.ndarray:
        """l of each cell [cells]."""
        return np.asarray(np.array(basis.LENGTHS)[self.length])

    @property
    def trial_sd(self) -> np.ndarray:
        """Noise [n] of one more trial of each candidate."""
        return np.asarray(np.sqrt(self.average(self.observed.noise.trial[self.level])))

    @property
    def lasting_sd(self) -> float:
        """τ: what seeds do not remove."""
        return float(np.sqrt(self.average(self.observed.noise.lasting[self.level]).max()))

    def _lay_out_cells(self) -> None:
        noise = self.observed.noise
        sizes = (len(basis.LENGTHS), len(AMPLITUDES), len(noise.log_weight))
        self.length, size, self.level = (index.ravel() for index in np.indices(sizes))
        self.amplitude = AMPLITUDES[size]
        self._prior = np.log(basis.LENGTH_PRIOR)[self.length] + noise.log_weight[self.level]
        typical = TYPICAL * max(abs(np.log2(self.observed.growth)), 0.5)
        self._prior -= 0.5 * (np.log(self.amplitude / typical) / TYPICAL_SD) ** 2
        self._kernels = np.stack(
            [phi @ phi.T + HEIGHT_SD**2 * np.outer(self._bowl, self._bowl) for phi in self._features]
        )

    def _weigh(self) -> None:
        """Keeps the cells that matter, with their weights, and their covariance⁻¹ residual."""
        covariance, residual = self._covariance(), self._residual()
        half = np.log(np.diagonal(np.linalg.cholesky(covariance), axis1=1, axis2=2)).sum(axis=1)
        alphas = np.linalg.solve(covariance, residual[..., None])[..., 0]
        log = self._prior - 0.5 * (residual * alphas).sum(axis=1) - half
        weights = np.exp(log - log.max())
        kept = weights > _NEGLIGIBLE * weights.sum()
        self.weights = weights[kept] / weights[kept].sum()
        self.length, self.amplitude, self.level = self.length[kept], self.amplitude[kept], self.level[kept]
        self._alphas = alphas[kept]

    def _covariance(self) -> np.ndarray:
        """[cells, n, n] of the candidates' means."""
        observed, n = self.observed, len(self._bowl)
        result = self.amplitude[:, None, None] ** 2 * self._kernels[self.length]
        result += LEVEL_SD**2 + KAPPA_SD**2 * np.outer(observed.ln_cost, observed.ln_cost)
        result[:, np.arange(n), np.arange(n)] += observed.noise.variance[self.level]
        return np.asarray(result)

    def _residual(self) -> np.ndarray:
        """[cells, n] of the candidates' means around their prior mean."""
        flat = self._mean - self._centre - KAPPA * self.observed.ln_cost - HEIGHT * self._bowl
        return np.tile(flat, (len(self.amplitude), 1))

    @cached_property
    def _inverse(self) -> np.ndarray:
        return np.linalg.inv(self._covariance())

    @cached_property
    def _worlds(self) -> tuple[np.ndarray, np.ndarray, list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
        """Of each draw: its cell, covariance⁻¹ (residual − simulated) [n, DRAWS], and the prior draw itself."""
        n, noise = len(self._bowl), self.observed.noise
        even = (np.arange(DRAWS) + 0.5) / DRAWS  # each cell gets its part of the draws
        cells = np.minimum(np.searchsorted(np.cumsum(self.weights), even), len(self.weights) - 1)
        cells = np.random.default_rng(_SEED).permutation(cells)
        amplitude = self.amplitude[cells]
        height, level, slope = _standard(3, 0) * np.array([[1.0], [LEVEL_SD], [KAPPA_SD]])
        weights = [_standard(phi.shape[1], 2 + index) for index, phi in enumerate(self._features)]
        simulated = HEIGHT_SD * self._bowl[:, None] * height
        for length, phi in enumerate(self._features):
            here = self.length[cells] == length
            simulated[:, here] += phi @ weights[length][:, here]
        simulated = simulated * amplitude + level + slope * self.observed.ln_cost[:, None]
        simulated += np.sqrt(noise.variance[self.level[cells]]).T * _standard(n, 1)
        wanted = self._residual()[cells] - simulated.T
        return cells, np.einsum("tij,tj->it", self._inverse[cells], wanted), weights, height, level, slope


@cache
def _places_features() -> list[np.ndarray]:
    return [basis.features(basis.places(), length) for length in basis.LENGTHS]


def _features_at(shares: np.ndarray) -> list[np.ndarray]:
    if shares is basis.places():
        return _places_features()
    return [basis.features(shares, length) for length in basis.LENGTHS]


@cache
def _standard(rows: int, stream: int) -> np.ndarray:
    """Standard normal numbers [rows, DRAWS], the same for equal arguments."""
    return np.random.default_rng((_SEED, stream)).standard_normal((rows, DRAWS))
