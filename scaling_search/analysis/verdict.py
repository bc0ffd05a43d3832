"""The verdict: clear, tied or not learned, in one plain sentence, and what would settle it.

clear        every candidate that may still be the best divides the compute much like the pick (at most APART of it
             otherwise); neighbours on a smooth surface can never be told apart and need not be
tied         a candidate that divides it otherwise may still be the best
not learned  the median candidate is nearer to guessing than LEARNED of the way from chance to 1, or above SATURATED:
             too short, or too easy, for any ranking to mean something
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.means import PairedMeans
from scaling_search.analysis.pick import Landscape, compute_apart
from scaling_search.analysis.settle import advice, seeds_needed
from scaling_search.analysis.surface import Surface
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import divide, label, percent, points

APART = 0.25
LEARNED = 0.10
SATURATED = 0.97
_LISTED = 5


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`ties` are all candidates that may be the best; `seeds_needed` a candidate to settle a tie, where any would."""

    kind: Literal["clear", "tied", "not learned"]
    sentence: str
    ties: tuple[str, ...]
    settle: str | None = None
    seeds_needed: int | None = None


def judge(
    table: pd.DataFrame, landscape: Landscape, surface: Surface, means: PairedMeans, *, classes: int | None
) -> Verdict:
    """Weighs the table of finished candidates (see `Analysis.table`) and its landscape."""
    ties = tuple(table.index[table["tied"]])
    unlearned = _not_learned(float(table["top1"].median()), classes)
    if unlearned:
        sentence, settle = unlearned
        return Verdict(kind="not learned", sentence=sentence, ties=ties, settle=settle)
    rivals = _rivals(table, landscape)
    if surface.covariance is not None and rivals.empty:
        return Verdict(kind="clear", sentence=_clear_sentence(table, landscape, surface), ties=ties)
    needed = seeds_needed(table, rivals, surface, means)
    return Verdict(
        kind="tied",
        sentence=_tied_sentence(table, landscape, noise_known=surface.covariance is not None),
        ties=ties,
        settle=advice(table, rivals, surface, needed),
        seeds_needed=needed,
    )


def _not_learned(median: float, classes: int | None) -> tuple[str, str] | None:
    """The sentence and what would help, when no ranking means anything."""
    chance = 1 / classes if classes else 0.0
    if (median - chance) < LEARNED * (1 - chance):
        return (
            f"Not learned: the median candidate reaches {percent(median)} where guessing gives {percent(chance)}, "
            "so the ranking says nothing about scaling.",
            "Train longer (more epochs, or a larger --budget), or start from an easier task or a larger base.",
        )
    if median > SATURATED:
        return (
            f"Not learned: the median candidate already reaches {percent(median)}, too near the ceiling to show which "
            "dimension helps.",
            "Use a harder data set, a smaller base network or a smaller base resolution.",
        )
    return None


def _rivals(table: pd.DataFrame, landscape: Landscape) -> pd.DataFrame:
    """The ties that divide the compute otherwise than the pick, best first."""
    apart = compute_apart(table[SHARES].to_numpy(float), np.array(landscape.pick.shares.as_tuple()))
    return table[table["tied"].to_numpy(bool) & (apart > APART)].sort_values("top1_equal_cost", ascending=False)


def _clear_sentence(table: pd.DataFrame, landscape: Landscape, surface: Surface) -> str:
    how = "" if surface.kind == "means" else " at equal cost"
    beaten = table[~table["tied"] & (table["named"] != "")].sort_values("top1_equal_cost", ascending=False)
    sentence = f"Clear: {divide(landscape.pick.shares)} of the added compute is the best of the divisions searched"
    if not beaten.empty:
        best = beaten.iloc[0]
        gain = points(best["gap"], best["gap_se"])
        rival = label(str(best.name), best["named"])
        sentence += f", {gain} points above {rival}{how}"
    near = table.index[table["tied"] & (table.index != landscape.pick.candidate)]
    if len(near):
        sentence += f"; only divisions much like it may be as good: {_listed(table.loc[near])}"
    return sentence + "."


def _tied_sentence(table: pd.DataFrame, landscape: Landscape, *, noise_known: bool) -> str:
    best = divide(landscape.pick.shares)
    if len(table) == 1:
        return f"Tied: {best} is the only division with a finished trial, so nothing is compared yet."
    if not noise_known:
        return (
            f"Tied: {best} did best, but one seed of so few candidates cannot tell a difference from noise, "
            f"so all {len(table)} remain possible."
        )
    ties = table[table["tied"]]
    sentence = (
        f"Tied: {best} is the best guess, but {len(ties)} of {len(table)} candidates may be the best: {_listed(ties)}"
    )
    if ties["named"].str.contains("paper").any():
        sentence += "; nothing here speaks against the paper's division"
    return sentence + "."


def _listed(rows: pd.DataFrame) -> str:
    """Names of at most _LISTED candidates, the references first, then the best."""
    ordered = rows.assign(unnamed=rows["named"] == "").sort_values(["unnamed", "gap"])
    names = [label(str(candidate), named) for candidate, named in ordered["named"].items()]
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")
