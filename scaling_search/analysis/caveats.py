"""What a reader must know before believing the answer: one sentence each."""

from collections.abc import Iterator

import pandas as pd

from scaling_search.analysis.agreement import Agreement
from scaling_search.analysis.pick import Pick, compute_apart
from scaling_search.analysis.surface import Surface
from scaling_search.analysis.trials import SHARES, Trials
from scaling_search.analysis.verdict import APART
from scaling_search.analysis.wording import count, label

OFF_TARGET = 0.05  # of the realised cost; beyond it a comparison at equal cost leans on the surface
_UNRELATED = 0.3  # Kendall's τ below which half a training did not rank as the whole one
_REASONS = 3


def find_caveats(
    trials: Trials, table: pd.DataFrame, surface: Surface, pick: Pick, agreement: Agreement | None
) -> Iterator[str]:
    """The warnings of a run, the gravest first; table is that of the finished candidates."""
    yield from _missing(trials, table)
    yield from _unequal(trials, table, surface)
    yield from _built_otherwise(table)
    if pick.at_border:
        yield "The pick lies at the border of what was searched; the best division may lie beyond it."
    if surface.kind != "quadratic":
        yield (
            f"{len(table)} candidates are too few, or too alike, for a quadratic surface: "
            + ("a linear one was fitted." if surface.kind == "linear" else "their plain means were compared.")
        )
    if surface.predictive_r2 is not None and surface.predictive_r2 < 0:
        yield "The surface foretells a left-out candidate no better than the mean of the others does."
    if agreement and agreement.tau < _UNRELATED:
        yield (
            f"The ranking after {agreement.epoch} of {agreement.epochs} epochs agrees little with the final one "
            f"(Kendall's τ {agreement.tau:.2f}), so a longer training may rank differently again."
        )


def _missing(trials: Trials, table: pd.DataFrame) -> Iterator[str]:
    if len(trials.failed):
        reasons = trials.failed["reason"].fillna("no reason given").value_counts()
        shown = "; ".join(f"{count} × {reason}" for reason, count in reasons.head(_REASONS).items())
        yield f"{count(len(trials.failed), 'trial')} failed: {shown}{'; …' if len(reasons) > _REASONS else ''}."
    if len(trials.stopped):
        yield (
            f"The scheduler stopped {count(len(trials.stopped), 'trial')} early; only those that finished are "
            "compared, which favours what learns fast at first."
        )
    if trials.unfinished:
        yield f"{count(trials.unfinished, 'trial')} had begun and not finished; they are left out."
    absent = len(trials.candidates) - len(table)
    if absent:
        yield f"{absent} of {len(trials.candidates)} candidates have no finished trial and are left out."


def _unequal(trials: Trials, table: pd.DataFrame, surface: Surface) -> Iterator[str]:
    if table["seeds"].nunique() > 1:
        low, high = table["seeds"].min(), table["seeds"].max()
        yield f"Candidates have {low} to {high} seeds; those with fewer are known less well."
    off = table.index[(table["macs_ratio"] / trials.target_ratio - 1).abs() > OFF_TARGET]
    if len(off):
        yield (
            f"{count(len(off), 'candidate')} of {len(table)} cost over {100 * OFF_TARGET:.0f} % more or less than the "
            f"target {trials.target_ratio:.2f}×: {', '.join(off[:8])}{', …' if len(off) > 8 else ''}. "
            + ("Cost is a term of the surface." if surface.cost_slope is not None else "Nothing corrects for it.")
        )


def _built_otherwise(table: pd.DataFrame) -> Iterator[str]:
    """A small base has few layers and odd feature maps: some divisions of its compute cannot be built."""
    asked = table[[f"nominal_{name}" for name in SHARES]].to_numpy(float)
    far = table[compute_apart(table[SHARES].to_numpy(float), asked) > APART]
    if len(far):
        names = ", ".join(label(str(candidate), named) for candidate, named in far["named"].items())
        yield (
            f"Rounding moved over {100 * APART:.0f} % of the added compute of {count(len(far), 'candidate')} to "
            f"another dimension: {names}. They are judged as what was built, under the name of what was asked."
        )
