"""The unscaled network beside the divisions: does added compute help at all, at this length of training?

The proxies' base itself, trained as the candidates are. Its mean is compared with theirs seed by seed; its noise is
that of a typical candidate, moved by its own scatter (as in `noise.py`), and what is lasting in one network.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_search.analysis.decision import OUTSIDE, Decision
from scaling_search.analysis.means import describe, paired_means
from scaling_search.analysis.metric import Metric, scored
from scaling_search.analysis.surface import DRAWS, Surface
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import loss, percent
from scaling_search.evidence import UNSCALED

_ALIKE = 4.0  # degrees of freedom that a typical candidate's noise counts for
_SEED = 11


@dataclass(frozen=True, kw_only=True)
class Unscaled:
    """What the base reached over `seeds`, and what it is expected to lose against the best division, as fractions.

    `low` and `high` hold 90 % of that loss; the errors of a single seed are NaN, as is a cross-entropy that is not
    there.
    """

    seeds: int
    top1: float
    top1_se: float
    val_loss: float
    expected_loss: float
    low: float
    high: float
    probability_within_epsilon: float

    def warnings(self, epsilon: float) -> list[str]:
        """One sentence where added compute may not help; epsilon is the loss that does not matter."""
        if self.probability_within_epsilon < OUTSIDE:
            return []
        return [
            f"The unscaled network reached {percent(self.top1, self.top1_se)}, with a probability of "
            f"{100 * self.probability_within_epsilon:.0f} % within {loss(epsilon)} points of the best division: "
            "trained for so long, added compute may not help at all."
        ]


def judge_unscaled(
    rows: pd.DataFrame, final: pd.DataFrame, *, metric: Metric, surface: Surface, decision: Decision
) -> Unscaled | None:
    """The base beside the best division.

    Args:
        rows: the base's finished trials; empty where it was not trained.
        final: those of the compared candidates.
        surface: of the metric that is judged, from which the decision was made.
    """
    if rows.empty:
        return None
    mean, error = _level(rows, final, metric, surface)
    lattice = decision.places[decision.places["candidate"] == ""]
    highest = surface.draws_at(lattice[SHARES].to_numpy(float)).max(axis=0)
    base = mean + error * np.random.default_rng(_SEED).standard_normal(DRAWS)
    low, high = np.quantile(highest - base, [0.05, 0.95])
    top1, top1_se = describe(rows, "top1").to_numpy(float)[0]
    return Unscaled(
        seeds=len(rows),
        top1=float(top1),
        top1_se=float(top1_se),
        val_loss=float(rows["val_loss"].mean()),
        expected_loss=float(lattice["score"].max()) + decision.pick.expected_loss - mean,
        low=float(low),
        high=float(high),
        probability_within_epsilon=float((highest - base <= decision.epsilon).mean()),
    )


def _level(rows: pd.DataFrame, final: pd.DataFrame, metric: Metric, surface: Surface) -> tuple[float, float]:
    """The base's mean in the surface's accuracy, and its standard error."""
    both = paired_means(scored(pd.concat([final, rows]), metric), "score")
    own = both.candidates.index(UNSCALED)
    above = both.means[own] - np.delete(both.means, own).mean()
    known = float(np.median(surface.trial_sd**2))
    trial = (_ALIKE * known + both.squares[own]) / (_ALIKE + both.freedom[own])
    middle = float(paired_means(scored(final, metric), "score").means.mean())
    return middle + float(above), float(np.sqrt(trial / both.seeds[own] + surface.lasting_sd**2))
