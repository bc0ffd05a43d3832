"""Was anything learned that a ranking could be built on? Chance, ceiling, and readings that fall into two clusters."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_search.analysis.wording import percent

LEARNED = 0.10  # of the way from guessing to 1 that the median candidate must have gone
SATURATED = 0.97
APART = 0.10  # of accuracy between the seeds of one candidate …
CLEARLY = 5.0  # … and this many times the usual noise: then they are two clusters
_LOWER_QUARTILE = {2: 0.45, 3: 1.06, 4: 1.46, 5: 1.75}  # of the range of so many normal numbers of spread 1
TOO_MANY = 0.25  # of the repeated candidates


@dataclass(frozen=True, kw_only=True)
class Unlearned:
    """Why no ranking means anything, and what would help."""

    sentence: str
    remedy: str


def find_unlearned(table: pd.DataFrame, split: list[str], *, classes: int | None) -> Unlearned | None:
    """The first reason that holds, or None; table has top1 and seeds of each candidate, split those that are split."""
    median, chance = float(table["top1"].median()), 1 / classes if classes else 0.0
    if not has_learned(median, chance):
        return Unlearned(
            sentence=f"Not learned: the median candidate reaches {percent(median)} where guessing gives "
            f"{percent(chance)}, so the ranking says nothing about scaling.",
            remedy="Train longer (more epochs, or a larger --budget), or start from an easier task or a larger base.",
        )
    if median > SATURATED:
        return Unlearned(
            sentence=f"Not learned: the median candidate already reaches {percent(median)}, too near the ceiling to "
            "show which dimension helps.",
            remedy="Use a harder data set, a smaller base network or a smaller base resolution.",
        )
    repeated = int((table["seeds"] > 1).sum())
    if len(split) > 1 and len(split) >= TOO_MANY * repeated:
        return Unlearned(
            sentence=f"Not learned: {len(split)} of {repeated} candidates learn with one seed and not with another, so "
            "a mean says more about luck than about scaling.",
            remedy="Train longer, or at a lower peak rate, until all seeds of a candidate end alike.",
        )
    return None


def has_learned(top1: float, chance: float) -> bool:
    """Whether an accuracy is far enough from guessing, LEARNED of the way to 1, to say anything of a network."""
    return top1 - chance >= LEARNED * (1 - chance)


def split_candidates(final: pd.DataFrame) -> list[str]:
    """Candidates whose seeds end far apart, by APART of accuracy and CLEARLY times the noise of the steadier ones."""
    spread = final.groupby("candidate")["top1"].agg(["count", "min", "max"])
    spread = spread[spread["count"] > 1]
    if spread.empty:
        return []
    distance = spread["max"] - spread["min"]
    noise = float(np.quantile(distance, 0.25)) / _LOWER_QUARTILE[min(int(spread["count"].median()), 5)]
    return [str(name) for name in distance.index[(distance > APART) & (distance > CLEARLY * noise)]]
