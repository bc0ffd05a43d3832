"""The decision: the division that is expected to lose least, and what may be as good.

    expected loss of s   E[max f − f(s)], over the places between what was trained; the pick has the least
    within ε             the probability that s loses at most ε against the best
    region               what with a probability of at least OUTSIDE gives at most ε less than the pick

The region contains everything that is within ε of the best with that probability, and a little more: where much is
unknown hardly any single place is likely to be within ε of the best one, and still none can be ruled out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.analysis import basis
from scaling_search.analysis.surface import Surface
from scaling_search.analysis.trials import SHARES
from scaling_search.coefficients import REFERENCES, Coefficients, Shares

OUTSIDE = 0.1


@dataclass(frozen=True, kw_only=True)
class Pick:
    """The division with the least expected loss, in accuracy; `candidate` is the nearest one that was trained.

    `top1` is the accuracy expected of it at the target cost: a posterior mean, so what chance adds to a winner is taken
    off. `distance` to the candidate is the fraction of the added compute that the two divide differently.
    """

    shares: Shares
    expected_loss: float
    top1: float
    top1_se: float
    candidate: str
    distance: float

    @property
    def coefficients(self) -> Coefficients:
        """α, β, γ of these shares with α·β²·γ² = 2."""
        return self.shares.coefficients()


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Every place that was judged, the candidates among them, and the pick.

    `places` has SHARES, candidate ("" between candidates), score (expected, in accuracy), expected_loss,
    probability_within_epsilon (of the best), probability_as_good (as the pick, within ε) and inside (of the region),
    those of `basis.places` that lie between what was trained first. `candidates` is indexed by candidate and has
    score_se and probability_best (of being the best candidate) besides. `references` has by name those that lie between
    what was trained, where they were asked for.
    """

    epsilon: float
    places: pd.DataFrame
    candidates: pd.DataFrame
    references: pd.DataFrame
    pick: Pick

    @property
    def region(self) -> pd.DataFrame:
        """The places that may be as good as the pick."""
        return self.places[self.places["inside"]]

    @property
    def fraction(self) -> float:
        """The region's part of the divisions searched."""
        lattice = self.places[self.places["candidate"] == ""]
        return float(lattice["inside"].mean())

    def at(self, shares: Shares) -> pd.Series:
        """The judged place nearest to shares."""
        apart = compute_apart(self.places[SHARES].to_numpy(float), np.array(shares.as_tuple()))
        return self.places.iloc[int(apart.argmin())]


def compute_apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Fraction of the added compute that two divisions [..., 3] spend on different axes: 0 equal, 1 disjoint."""
    return np.asarray(np.abs(first - second).sum(axis=-1) / 2)


def decide(judged: Surface, accuracy: Surface, candidates: pd.DataFrame, *, epsilon: float) -> Decision:
    """Reads the surface everywhere and picks.

    Args:
        judged: the surface of the metric that is judged.
        accuracy: that of top-1, for what the pick is expected to reach; may be the same.
        candidates: indexed by candidate, with SHARES.
        epsilon: loss of accuracy that does not matter.
    """
    trained = candidates[SHARES].to_numpy(float)
    everywhere = _searched(trained)
    places, own = judged.draws_at(everywhere), judged.draws_at(trained)
    mean = judged.mean_at(everywhere)
    best = int(mean.argmax())
    highest, at_pick = places.max(axis=0), places[best]
    least = _lost(places, best)

    def judge(shares: np.ndarray, draws: np.ndarray, mean: np.ndarray, names: Any) -> pd.DataFrame:
        as_good = (at_pick - draws <= epsilon).mean(axis=1)
        return pd.DataFrame(shares, columns=SHARES).assign(
            candidate=names, score=mean, expected_loss=np.maximum(least + top - mean, 0), inside=as_good >= OUTSIDE,
            probability_within_epsilon=(highest - draws <= epsilon).mean(axis=1), probability_as_good=as_good,
        )  # fmt: skip

    top = float(mean[best])  # differences of means are exact, where those of draws have the error of 400 draws
    rows = judge(trained, own, judged.mean_at(trained), candidates.index)
    named = np.array([shares.as_tuple() for shares in REFERENCES.values()])
    references = judge(named, judged.draws_at(named), judged.mean_at(named), list(REFERENCES))
    inside = basis.searched(trained, named)
    winners = np.bincount(own.argmax(axis=0), minlength=len(own)) / own.shape[1]
    return Decision(
        epsilon=epsilon,
        places=pd.concat([judge(everywhere, places, mean, ""), rows], ignore_index=True),
        references=references.rename(columns={"candidate": "name"}).set_index("name")[inside],
        candidates=rows.set_index("candidate").assign(score_se=own.std(axis=1), probability_best=winners),
        pick=_pick(everywhere[best], least, accuracy, rows),
    )


def least_loss(judged: Surface, trained: np.ndarray) -> float:
    """What `decide` expects of its pick, in accuracy, and nothing else; trained [n, 3] are the candidates' shares."""
    everywhere = _searched(trained)
    return _lost(judged.draws_at(everywhere), int(judged.mean_at(everywhere).argmax()))


def _searched(trained: np.ndarray) -> np.ndarray:
    return np.asarray(basis.places()[basis.searched(trained, basis.places())])


def _lost(draws: np.ndarray, place: int) -> float:
    return float((draws.max(axis=0) - draws[place]).mean())


def _pick(place: np.ndarray, loss: float, accuracy: Surface, trained: pd.DataFrame) -> Pick:
    top1 = accuracy.draws_at(place[None])[0]
    apart = compute_apart(trained[SHARES].to_numpy(float), place)
    nearest = int(apart.argmin())
    depth, width, resolution = (float(share) for share in place)
    return Pick(
        shares=Shares(depth=depth, width=width, resolution=resolution),
        expected_loss=loss,
        top1=float(top1.mean()),
        top1_se=float(top1.std()),
        candidate=str(trained["candidate"].iloc[nearest]),
        distance=float(apart[nearest]),
    )
