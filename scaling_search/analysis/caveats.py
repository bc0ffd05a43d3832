"""What a reader must know before believing the answer: one sentence each."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from scaling_search.analysis.agreement import Agreement
from scaling_search.analysis.decision import Decision, compute_apart
from scaling_search.analysis.metric import Metric
from scaling_search.analysis.surface import Surface
from scaling_search.analysis.trials import SHARES, Trials, reasons
from scaling_search.analysis.wording import count, divide, label, listed, loss, points
from scaling_search.coefficients import Shares

OFF_TARGET = 0.05  # of the realised cost; beyond it a comparison at equal cost leans on the assumed effect of cost
MOVED = 0.25  # of the added compute, by rounding
_FAR = 0.25  # of the compute between the pick and everything that was trained
_UNRELATED = 0.3  # Kendall's τ below which half a training did not rank as the whole one
_LISTED = 8
_COARSE = 1.0  # binomial errors that the spread of the candidates should be larger than


def find_caveats(
    trials: Trials, table: pd.DataFrame, decision: Decision, *, agreement: Agreement | None, split: list[str]
) -> Iterator[str]:
    """The warnings of a run, the gravest first; table is that of the compared candidates."""
    yield from _missing(trials, table)
    yield from _noise(trials, table, split)
    yield from _unequal(trials, table)
    yield from _built_otherwise(table)
    if decision.pick.distance > _FAR:
        yield (
            f"Nothing was trained near the pick: {decision.pick.candidate}, the nearest candidate, divides "
            f"{100 * decision.pick.distance:.0f} % of the compute otherwise."
        )
    if agreement and agreement.tau < _UNRELATED:
        yield (
            f"The ranking after {agreement.epoch} of {agreement.epochs} epochs agrees little with the final one "
            f"(Kendall's τ {agreement.tau:.2f}), so a longer training may rank differently again."
        )


def disagreement(metric: Metric, decision: Decision, other: Surface) -> Iterator[str]:
    """When the reading that is not judged, with this surface, chooses otherwise and thinks this pick worse than ε."""
    places = decision.places.loc[decision.places["candidate"] == "", SHARES].to_numpy(float)
    mean, draws = other.mean_at(places), other.draws_at(places)
    there = places[mean.argmax()]
    pick = int(compute_apart(places, np.array(decision.pick.shares.as_tuple())).argmin())
    lost, least = ((draws.max(axis=0) - draws[place]).mean() for place in (pick, mean.argmax()))
    if compute_apart(places[pick], there) > _FAR and lost > max(decision.epsilon, 2 * least):
        depth, width, resolution = (float(share) for share in there)
        names = ("accuracy", "cross-entropy") if metric.name == "val_loss" else ("cross-entropy", "accuracy")
        yield (
            f"{names[0].capitalize()} would choose {divide(Shares(depth=depth, width=width, resolution=resolution))}, "
            f"and expects this pick, which is judged by {names[1]}, to lose {loss(lost)} points."
        )


def _missing(trials: Trials, table: pd.DataFrame) -> Iterator[str]:
    if len(trials.failed):
        yield f"{count(len(trials.failed), 'trial')} failed: {reasons(trials.failed)}."
    if len(trials.stopped):
        yield (
            f"The scheduler stopped {count(len(trials.stopped), 'trial')} early; only those that finished are "
            "compared, which favours what learns fast at first."
        )
    if trials.unfinished:
        yield f"{count(trials.unfinished, 'trial')} had begun and not finished; they are left out."
    absent = len(trials.candidates) - len(table) - len(trials.anchors)
    if absent:
        yield f"{absent} of {len(trials.candidates)} candidates have no finished trial and are left out."


def _noise(trials: Trials, table: pd.DataFrame, split: list[str]) -> Iterator[str]:
    if (table["seeds"] < 2).all():
        again = len(trials.unscaled) > 1
        known = "taken from the unscaled network's seeds, and partly assumed" if again else "assumed, and not measured"
        yield f"No candidate has a second seed: how noisy a training is was {known}."
    if split:
        yield (
            f"{listed(split[:_LISTED])} end{'s' if len(split) == 1 else ''} far apart from seed to seed: such a mean "
            "is trusted less, and the others are not made to look noisier by it."
        )
    if trials.validation and len(table) > 1:
        mean = float(table["top1"].mean())
        error = float(np.sqrt(max(mean * (1 - mean), 0) / trials.validation))
        if table["top1"].std() < _COARSE * error:
            yield (
                f"The candidates differ by {points(table['top1'].std())} points (standard deviation), and "
                f"{trials.validation:,} validation images resolve {points(error)}: more images would help."
            )


def _unequal(trials: Trials, table: pd.DataFrame) -> Iterator[str]:
    if table["seeds"].nunique() > 1:
        low, high = table["seeds"].min(), table["seeds"].max()
        yield f"Candidates have {low} to {high} seeds; those with fewer are known less well."
    off = table.index[(table["macs_ratio"] / trials.target_ratio - 1).abs() > OFF_TARGET]
    if len(off):
        yield (
            f"{count(len(off), 'candidate')} of {len(table)} cost over {100 * OFF_TARGET:.0f} % more or less than the "
            f"target {trials.target_ratio:.2f}×: {', '.join(off[:_LISTED])}{', …' if len(off) > _LISTED else ''}. "
            "Cost is a term of the surface."
        )


def _built_otherwise(table: pd.DataFrame) -> Iterator[str]:
    """A small base has few layers and odd feature maps: some divisions of its compute cannot be built."""
    asked = table[[f"nominal_{name}" for name in SHARES]].to_numpy(float)
    far = table[compute_apart(table[SHARES].to_numpy(float), asked) > MOVED]
    if len(far):
        names = [label(str(candidate), named) for candidate, named in far["named"].items()]
        shown = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
        yield (
            f"Rounding moved over {100 * MOVED:.0f} % of the compute of {count(len(far), 'candidate')} to "
            f"another dimension: {shown}. They are judged as what was built."
        )
