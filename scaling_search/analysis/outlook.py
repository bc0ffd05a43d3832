"""Looking ahead: how much less one would expect to lose after some more trainings.

The surface's posterior is taken as one normal distribution (the mixture's mean and covariance) over the nodes of the
triangle and over what the trained networks would show with endless seeds. A reading then moves the means by a known
amount of variance, whatever it shows, and the rest is E[max f] − E[max of the moved means] (the value of information;
for one reading the knowledge gradient, Frazier, Powell and Dayanik 2009).

A normal distribution has more to lose than the mixture that it stands for, of which an answer draws: mostly 5 to 40 %
more. Of searches that ask by it the larger figure is the right one (results/verdicts), so they stop by it.
"""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from scaling_search.analysis import basis
from scaling_search.analysis.surface import Surface

_WORLDS, _FUTURES = 256, 48
_SEED = 9


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """mean [r] and covariance [r, r]: the nodes, shares [places, 3], then the n trained networks.

    trial_variance [n] is that of one more trial of each of these, new_variance that of one trial of a network that has
    not been built yet: its seed and what will be lasting in it.
    """

    nodes: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray
    trial_variance: np.ndarray
    new_variance: float
    lasting_variance: float

    @property
    def places(self) -> int:
        return len(self.nodes)

    def among(self, kept: np.ndarray) -> "Outlook":
        """The same over these nodes alone: bool [places]."""
        if kept.all():
            return self
        rows = np.concatenate([np.flatnonzero(kept), self.places + np.arange(len(self.trial_variance))])
        return replace(
            self, nodes=self.nodes[kept], mean=self.mean[rows], covariance=self.covariance[np.ix_(rows, rows)]
        )

    def loss(self) -> float:
        """Expected loss of the best node now."""
        here = slice(self.places)
        return float(_best(self.mean[here], self.covariance[here, here]) - self.mean[here].max())

    def after(self, rows: np.ndarray, variance: np.ndarray, *, epsilon: float) -> tuple[float, float]:
        """Expected loss after reading these rows with these error variances, and how probably it is at most epsilon."""
        moved = self._moved(rows, variance)
        mean, now = self.mean[: self.places], self.covariance[: self.places, : self.places]
        loss = self.loss() + mean.max() - _best(mean, moved)
        means = mean[:, None] + _root(moved) @ _standard(self.places, _FUTURES, 1)  # [places, futures]
        spread = _root(now - moved) @ _standard(self.places, _FUTURES, 2)
        best = (means[:, :, None] + spread[:, None, :]).max(axis=0).mean(axis=1)  # [futures]
        return float(max(loss, 0)), float((best - means.max(axis=0) <= epsilon).mean())

    def gain(self, variance: float | None = None) -> np.ndarray:
        """By how much one reading at each node lowers the expected loss: the knowledge gradient [places]."""
        noise = self.new_variance if variance is None else variance
        return self._worth(np.arange(self.places), np.full(self.places, noise))

    def seed_gain(self) -> np.ndarray:
        """The same for another seed of each trained network [n]."""
        return self._worth(self.places + np.arange(len(self.trial_variance)), self.trial_variance)

    def pending(self, rows: np.ndarray, variance: np.ndarray) -> "Outlook":
        """The same when these rows are being read already: their variance is gone, what they will show is not known."""
        return replace(self, covariance=self.covariance - self._gain(rows, variance) @ self.covariance[rows])

    def _worth(self, rows: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """[rows] E[max of the nodes' means after one more reading of a row] − their max now."""
        here = slice(self.places)
        spread = np.maximum(self.covariance[rows, rows], 0) + noise
        shift = self.covariance[here, rows] / np.sqrt(spread)  # column x: the means' move
        points, weights = _hermite()
        value = sum(w * (self.mean[here, None] + z * shift).max(axis=0) for z, w in zip(points, weights, strict=True))
        return np.asarray(value - self.mean[here].max())

    def _gain(self, rows: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """Σ[:, rows] (Σ[rows, rows] + variance)⁻¹, [r, rows]."""
        covariance = self.covariance[np.ix_(rows, rows)] + np.diag(variance)
        return np.asarray(np.linalg.solve(covariance, self.covariance[rows]).T)

    def _moved(self, rows: np.ndarray, variance: np.ndarray) -> np.ndarray:
        """[places, places] covariance of what the readings will do to the means."""
        return np.asarray((self._gain(rows, variance) @ self.covariance[rows])[: self.places, : self.places])


def outlook(surface: Surface, *, nodes: np.ndarray | None = None) -> Outlook:
    """What the surface lets one foresee, over these nodes [places, 3]; by default over the whole triangle."""
    places = basis.nodes() if nodes is None else nodes
    mean, covariance = surface.gaussian_at(places)
    trial, lasting = surface.trial_sd**2, surface.lasting_sd**2
    return Outlook(
        nodes=places, mean=mean, covariance=covariance, trial_variance=trial,
        new_variance=float(np.median(trial)) + lasting, lasting_variance=lasting,
    )  # fmt: skip


def _best(mean: np.ndarray, covariance: np.ndarray) -> float:
    """E[max] of a normal vector; each draw is used with either sign, so that their mean is exact."""
    moves = _root(covariance) @ _standard(len(mean), _WORLDS, 0)
    return float((mean[:, None] + np.hstack([moves, -moves])).max(axis=0).mean())


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


@cache
def _hermite() -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.hermite_e.hermegauss(9)
    return points, weights / weights.sum()


@cache
def _standard(rows: int, draws: int, stream: int) -> np.ndarray:
    return np.random.default_rng((_SEED, stream)).standard_normal((rows, draws))
