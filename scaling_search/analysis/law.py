"""A saturating power law beside the surface: what accuracy would become at other costs.

    error = e + A d^−a + B w^−b + C r^−c,   all of e, A, B, C ≥ 0;  d, w, r multiply the base's depth, width, resolution

(the form of Rosenfeld et al. 2020, arXiv 1909.12673, with resolution for data). Exponents are averaged over a grid,
coefficients are least squares that are not negative, so nothing is searched for and nothing fails to converge. With
fewer than OWN candidates one exponent serves all three. The law never overrules the surface: it is shown beside it,
with how well each foretells candidates left out.
"""

from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from scaling_search.analysis import basis
from scaling_search.analysis.learning import has_learned
from scaling_search.analysis.wording import divide, loss
from scaling_search.coefficients import Coefficients, Shares

EXPONENTS = (0.15, 0.3, 0.6, 1.0, 1.6)
OWN, LEAST = 12, 6
SPAN = 1.5  # of the costs; over less of them nothing tells how accuracy grows with cost
PHIS = tuple(range(1, 8))
_FOLDS, _DRAWS, _SEED = 5, 200, 5
_SUBSETS = [list(chosen) for size in range(1, 5) for chosen in combinations(range(4), size)]


@dataclass(frozen=True, kw_only=True)
class Law:
    """`rms` is the error of foretelling candidates left out, in accuracy, and `surface_rms` that of the surface.

    `networks` are those that it was fitted to, of `costs` (least, most) over the base's. `forecast` has (φ, expected
    top-1, 5 %, 95 %) of the pick's coefficients, empty where the costs are too alike; `best` the shares that the law
    itself would take at φ = 1 and φ = 7, and `drift` what those of φ = 1 would lose at φ = 7, in accuracy: expected,
    5 %, 95 %.
    """

    networks: int
    costs: tuple[float, float]
    exponents: tuple[float, float, float]
    rms: float
    surface_rms: float
    forecast: tuple[tuple[int, float, float, float], ...]
    best: tuple[Shares, Shares]
    drift: tuple[float, float, float]

    @property
    def better(self) -> bool:
        """Whether it foretells left-out candidates better than the surface."""
        return self.rms < self.surface_rms

    @property
    def sentence(self) -> str:
        """How well it foretells, beside the surface."""
        least, most = self.costs
        return (
            f"A saturating power law, fitted to {self.networks} networks of {least:.2g} to {most:.2g} times the base's "
            f"cost, foretells a candidate that is left out to {loss(self.rms)} points, "
            f"{'better' if self.better else 'no better'} than the surface ({loss(self.surface_rms)})."
        )

    def drift_sentence(self, epsilon: float) -> str:
        """Whether the best shares stay as networks grow; where costs are too alike, that nothing is known of it."""
        if not self.forecast:
            return f"The networks' costs differ by less than {SPAN}×, so it says nothing of other costs."
        (first, last), (lost, low, high) = self.best, self.drift
        costs = f"{loss(lost)} points (90 %: {loss(low)} to {loss(high)})"
        if lost <= epsilon:
            return (
                f"By this law the best shares of φ = 1 ({divide(first)}) do at φ = {PHIS[-1]} too: they lose {costs} "
                "there."
            )
        if low <= 0:
            return (
                f"Whether the best shares drift as networks grow it cannot say: those of φ = 1 ({divide(first)}) lose "
                f"{costs} at φ = {PHIS[-1]}."
            )
        return (
            f"By this law the best shares drift, from {divide(first)} at φ = 1 to {divide(last)} at φ = {PHIS[-1]}; "
            f"those of φ = 1 lose {costs} there."
        )

    @property
    def drifts(self) -> bool:
        """Whether the shares of φ = 1 lose something at φ = 7 for sure, and costs were different enough to tell."""
        return bool(self.forecast) and self.drift[1] > 0


@dataclass(frozen=True, kw_only=True)
class NoLaw:
    """Why there is no law."""

    sentence: str


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Draws of exponents [T, 3] and of (e, A, B, C) [T, 4]."""

    exponents: np.ndarray
    coefficients: np.ndarray

    def error(self, multipliers: np.ndarray) -> np.ndarray:
        """[T, n] of multipliers [n, 3]."""
        powers = np.exp(-self.exponents[:, None, :] * np.log(multipliers)[None])  # [T, n, 3]
        return np.asarray(self.coefficients[:, :1] + (powers * self.coefficients[:, None, 1:]).sum(axis=2))


def find_law(
    multipliers: np.ndarray, top1: np.ndarray, weights: np.ndarray, *, foretold: np.ndarray, compared: np.ndarray,
    pick: Coefficients, chance: float,
) -> Law | NoLaw:  # fmt: skip
    """The law of these candidates, or why there is none: too few of them, or too near to guessing.

    Args:
        multipliers: effective depth, width and resolution over the base's [n, 3], anchors included.
        top1: their mean accuracy [n]; weights [n]: their seeds.
        foretold: what the surface says of each compared candidate from the others.
        compared: which of the n are compared [n], bool.
        pick: the coefficients whose family is forecast.
        chance: accuracy of guessing.
    """
    if len(top1) < LEAST:
        return NoLaw(sentence=f"No law: it takes {LEAST} trained networks at least, and there are {len(top1)}.")
    if not has_learned(float(np.median(top1)), chance):
        return NoLaw(sentence="No law: the median network is too near to guessing to say how accuracy grows.")
    fit = fit_law(multipliers, 1 - top1, weights)
    left_out = 1 - _left_out(multipliers, 1 - top1, weights)
    costs, best = np.exp(np.log(multipliers) @ (1, 2, 2)), (_best(fit, PHIS[0]), _best(fit, PHIS[-1]))
    return Law(
        networks=len(top1),
        costs=(float(costs.min()), float(costs.max())),
        exponents=tuple(float(value) for value in fit.exponents.mean(axis=0)),  # type: ignore[arg-type]
        rms=_rms(left_out[compared] - top1[compared]),
        surface_rms=_rms(foretold - top1[compared]),
        forecast=_forecast(fit, pick) if costs.max() >= SPAN * costs.min() else (),
        best=best,
        drift=_drift(fit, *best),
    )


def fit_law(multipliers: np.ndarray, error: np.ndarray, weights: np.ndarray) -> Fit:
    """Averages over the exponents, each weighted by how well the best coefficients fit: SSE^(−(n − 4) / 2).

    Coefficients are drawn by fitting again what the fit and its noise would have shown (parametric bootstrap), so that
    none is negative and what the candidates cannot tell apart stays free.
    """
    grid, coefficients, squares, chance = _cells(multipliers, error, weights)
    random = np.random.default_rng(_SEED)
    cells = random.choice(len(grid), size=_DRAWS, p=chance)
    spare = max(len(error) - 4, 1)
    noise = np.sqrt(np.maximum(squares[cells], 1e-12) / random.chisquare(spare, _DRAWS))
    design = _design(multipliers, weights, grid[cells])
    shown = np.einsum("tni,ti->tn", design, coefficients[cells])
    drawn, _ = _not_negative(design, shown + noise[:, None] * random.standard_normal(shown.shape))
    return Fit(exponents=grid[cells], coefficients=drawn)


def _cells(
    multipliers: np.ndarray, error: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Exponents [cells, 3], their best coefficients [cells, 4], sums of squares and posterior weights [cells]."""
    grid = np.array(list(product(EXPONENTS, repeat=3)) if len(error) >= OWN else [(a, a, a) for a in EXPONENTS])
    target = np.broadcast_to(error * np.sqrt(weights), (len(grid), len(error)))
    coefficients, squares = _not_negative(_design(multipliers, weights, grid), target)
    ratio = np.maximum(squares, 1e-12) / max(squares.min(), 1e-12)
    chance = ratio ** (-max(len(error) - 4, 1) / 2)
    return grid, coefficients, squares, chance / chance.sum()


def _design(multipliers: np.ndarray, weights: np.ndarray, exponents: np.ndarray) -> np.ndarray:
    """[cells, n, 4]: 1, d^−a, w^−b, r^−c, each row weighted."""
    powers = np.exp(-exponents[:, None, :] * np.log(multipliers)[None])
    columns = np.concatenate([np.ones((*powers.shape[:2], 1)), powers], axis=2)
    return np.asarray(columns * np.sqrt(weights)[None, :, None])


def _not_negative(design: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least squares with coefficients ≥ 0 for each design [cells, n, 4] and target [cells, n].

    With four coefficients the best of all subsets that come out positive is found by trying them all.
    """
    gram, moment = np.einsum("gni,gnj->gij", design, design), np.einsum("gni,gn->gi", design, target)
    total = (target**2).sum(axis=1)
    best, squares = np.zeros(moment.shape), total.copy()
    for chosen in _SUBSETS:
        part = gram[:, chosen][:, :, chosen] + 1e-9 * np.eye(len(chosen))
        trial = np.zeros(moment.shape)
        trial[:, chosen] = np.linalg.solve(part, moment[:, chosen][..., None])[..., 0]
        rest = total - 2 * (trial * moment).sum(axis=1) + np.einsum("gi,gij,gj->g", trial, gram, trial)
        better = (trial >= 0).all(axis=1) & (rest < squares)
        best[better], squares[better] = trial[better], rest[better]
    return best, squares


def _left_out(multipliers: np.ndarray, error: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Error [n] foretold for each candidate by the law of the other four fifths."""
    fold, foretold = np.arange(len(error)) % _FOLDS, np.empty(len(error))
    for out in range(_FOLDS):
        here = fold == out
        grid, coefficients, _, chance = _cells(multipliers[~here], error[~here], weights[~here])
        design = _design(multipliers[here], np.ones(here.sum()), grid)
        foretold[here] = chance @ np.einsum("gni,gi->gn", design, coefficients)
    return foretold


def _forecast(fit: Fit, pick: Coefficients) -> tuple[tuple[int, float, float, float], ...]:
    levels = np.array([(m.depth, m.width, m.resolution) for m in map(pick.multipliers, PHIS)])
    top1 = 1 - fit.error(levels)
    low, high = np.quantile(top1, [0.05, 0.95], axis=0)
    return tuple(
        (phi, float(mean), float(lower), float(upper))
        for phi, mean, lower, upper in zip(PHIS, top1.mean(axis=0), low, high, strict=True)
    )


def _best(fit: Fit, phi: int) -> Shares:
    """The shares with the least expected error at 2^φ of the base's cost."""
    depth, width, resolution = basis.nodes()[int(_errors(fit, basis.nodes(), phi).mean(axis=0).argmin())]
    return Shares(depth=float(depth), width=float(width), resolution=float(resolution))


def _drift(fit: Fit, first: Shares, last: Shares) -> tuple[float, float, float]:
    """What the first shares lose against the last ones at φ = 7: expected, 5 %, 95 %."""
    kept, moved = _errors(fit, np.array([first.as_tuple(), last.as_tuple()]), PHIS[-1]).T
    low, high = np.quantile(kept - moved, [0.05, 0.95])
    return float((kept - moved).mean()), float(low), float(high)


def _errors(fit: Fit, shares: np.ndarray, phi: int) -> np.ndarray:
    """Errors [T, n] of shares [n, 3] at 2^φ of the base's cost."""
    return fit.error(np.exp(phi * np.log(2) * shares * (1, 0.5, 0.5)))


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))
