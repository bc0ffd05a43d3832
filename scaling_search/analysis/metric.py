"""Which reading is judged, accuracy or cross-entropy, and what one is worth in the other.

Both are shown; the one that is judged is the one in which candidates differ more from each other than seeds do (F: the
variance between candidates over that of their means by noise alone). A cross-entropy hears every image instead of
counting the right ones, so it is taken unless the F of accuracy is CLEARER times as large, also where repeats are too
few to tell (docs/analysis.md has the recorded tables that settled it). A cross-entropy is judged in points of accuracy,
by the slope between the two over the run's own readings: every length of the model and ε mean the same for both.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.means import paired_means
from scaling_search.errors import InvalidInput

Name = Literal["val_loss", "top1"]
CLEARER = 1.25
_LEAST_FREEDOM = 4  # of the noise; below it an F says nothing
_LEAST_CORRELATION = 0.5  # between the two over trials; below it a slope between them says nothing
_FEW = 4
TYPICAL_SLOPE = 0.35  # accuracy for one nat, on recorded photographs, where a run's readings are too few to say


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What is judged. `slope` is accuracy for one nat less of cross-entropy; `f_…` None where noise is unknown."""

    name: Name
    slope: float
    f_top1: float | None
    f_val_loss: float | None


def choose_metric(final: pd.DataFrame, readings: pd.DataFrame, *, wanted: Literal["auto"] | Name = "auto") -> Metric:
    """The metric for the finished trials `final`, with the slope over them or, if these are few, over `readings`.

    Raises:
        InvalidInput: cross-entropy is asked for and a trial has none.
    """
    whole = bool(np.isfinite(final["val_loss"].to_numpy(float)).all())
    if wanted == "val_loss" and not whole:
        raise InvalidInput("--metric val_loss needs a cross-entropy of every finished trial, and one has none")
    slope = _slope(final) or _slope(readings)
    f_top1, f_val_loss = _f_ratio(final, "top1"), _f_ratio(final, "val_loss") if whole else None
    clearer = bool(f_top1 and f_val_loss and f_top1 > CLEARER * f_val_loss)
    name: Name = wanted if wanted != "auto" else ("val_loss" if whole and slope and not clearer else "top1")
    return Metric(name=name, slope=slope or TYPICAL_SLOPE, f_top1=f_top1, f_val_loss=f_val_loss)


def scored(final: pd.DataFrame, metric: Metric, name: Name | None = None) -> pd.DataFrame:
    """candidate, seed and score: the reading as accuracy, more being better, with the mean of the run's accuracies."""
    if (name or metric.name) == "top1":
        score = final["top1"]
    else:
        score = final["top1"].mean() - metric.slope * (final["val_loss"] - final["val_loss"].mean())
    return final[["candidate", "seed"]].assign(score=score)


def _slope(rows: pd.DataFrame) -> float | None:
    """Spread of accuracy over that of cross-entropy (reduced major axis: neither is the cause of the other)."""
    both = rows[["top1", "val_loss"]].to_numpy(float)
    both = both[np.isfinite(both).all(axis=1)]
    if len(both) < _FEW or (both.std(axis=0) == 0).any() or np.corrcoef(both.T)[0, 1] > -_LEAST_CORRELATION:
        return None
    return float(both[:, 0].std() / both[:, 1].std())


def _f_ratio(final: pd.DataFrame, value: str) -> float | None:
    means = paired_means(final, value)
    if means.error_sd is None or means.dof < _LEAST_FREEDOM or len(means.means) < _FEW:
        return None
    between = np.var(means.means, ddof=1) * means.seeds.mean()
    return float(between / max(means.error_sd**2, 1e-12))
