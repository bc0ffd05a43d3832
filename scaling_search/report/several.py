"""Several runs in one triangle and one table. What is of different data is shown side by side and never averaged."""

from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from scaling_search.analysis import Analysis
from scaling_search.analysis.decision import OUTSIDE
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import count, listed, loss
from scaling_search.report.figure import COLOURS, Plot, canvas, rows
from scaling_search.report.labels import Label, place
from scaling_search.report.transfer import draw_frame
from scaling_search.report.triangle import to_plane

_MARKS = ("o", "s", "^", "D", "v", "P", "X")
_LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True, kw_only=True)
class OneRun:
    """A run and its answer.

    Attributes:
        name: what tables and figures call it.
        images: what tells sets of images apart: name, classes, and how many there are.
        pixels: what they are packed at.
        verified: the verdict of its verification; None where there was none.
    """

    name: str
    baseline: str
    data: str
    images: tuple[str, int, int, int]
    pixels: int
    phi: float
    analysis: Analysis
    verified: str | None


@dataclass(frozen=True, repr=False)
class SeveralRuns:
    """The answers of several runs."""

    runs: tuple[OneRun, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row a run: what it was, its verdict and pick, the region (the part of all divisions that may be as good),
        verified."""
        return pd.DataFrame([_row(run) for run in self.runs]).set_index("run")

    @property
    def notes(self) -> list[str]:
        """What makes the runs differ in more than their answer."""
        found = []
        sets = {run.images: run.data for run in self.runs}
        if len(sets) > 1:
            found.append(
                f"They are of {len(sets)} different sets of images ({listed(sorted(sets.values()))}): accuracies "
                "cannot be compared across them, picks can."
            )
        for name in ("baseline", "pixels", "growth", "epochs", "phi"):
            values = list(dict.fromkeys(f"{value:g}" if name != "baseline" else value for value in self.table[name]))
            if len(values) > 1:
                found.append(f"They differ in {name}: {listed(values)}.")
        return found

    @property
    def apart(self) -> float:
        """The largest fraction of the added compute that two of the picks divide differently."""
        shares = self.table[SHARES].to_numpy(float)
        return float(np.abs(shares[:, None] - shares[None]).sum(axis=2).max() / 2)

    def plot(self) -> Plot:
        """All picks, and what may be as good as each, in one triangle."""
        table = data(self)
        epsilon = loss(self.runs[0].analysis.decision.epsilon)
        return Plot(
            name="runs",
            caption=f"The picks of {count(len(self.runs), 'run')}, one mark each, of one colour where the images are "
            f"the same. A line encloses what may be as good as a run's pick within ε ({epsilon} points in the first); "
            "it is left out where that is everything.",
            data=table[table["kind"] == "pick"].drop(columns=["kind", "probability_as_good", "images"]),
            figure=draw(table),
        )


def data(several: SeveralRuns) -> pd.DataFrame:
    """One row a run's pick, and one a place that was judged in it: run, data, kind, shares, x, y, …"""
    tables = []
    for run in several.runs:
        places = run.analysis.decision.places
        surface = places[places["candidate"] == ""][[*SHARES, "probability_as_good"]].assign(kind="place")
        pick = pd.DataFrame([dict(zip(SHARES, run.analysis.pick.shares.as_tuple(), strict=True))]).assign(kind="pick")
        tables.append(pd.concat([pick, surface]).assign(run=run.name, data=run.data, images=str(run.images)))
    table = pd.concat(tables, ignore_index=True)
    xy = to_plane(table[SHARES].to_numpy(float))
    return table.assign(x=xy[:, 0], y=xy[:, 1])


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    sets = list(dict.fromkeys(table["images"]))
    colours = dict(zip(sets, cycle(COLOURS.values()), strict=False))
    with canvas(6.8, 5.2) as (figure, axes):
        sides = draw_frame(axes)
        picks = table[table["kind"] == "pick"]
        for number, pick in enumerate(rows(picks)):
            colour = colours[pick.images]
            places = table[(table["kind"] == "place") & (table["run"] == pick.run)]
            if places["probability_as_good"].ge(OUTSIDE).nunique() > 1:
                axes.tricontour(
                    Triangulation(places["x"], places["y"]), places["probability_as_good"], levels=[OUTSIDE],
                    colors=[colour], linestyles=[_LINES[number % len(_LINES)]], linewidths=1.2,
                )  # fmt: skip
            axes.scatter(pick.x, pick.y, marker=_MARKS[number % len(_MARKS)], s=70, color=colour, edgecolors="white",
                         zorder=4)  # fmt: skip
        labels = [Label(pick.x, pick.y, pick.run, colours[pick.images]) for pick in rows(picks)]
        place(axes, labels, picks[["x", "y"]].to_numpy(float), [sides])
        return figure


def _row(run: OneRun) -> dict[str, object]:
    analysis, pick = run.analysis, run.analysis.pick
    one = pick.coefficients
    return {
        "run": run.name, "baseline": run.baseline, "data": run.data, "pixels": run.pixels, "phi": run.phi,
        "growth": analysis.trials.growth, "epochs": analysis.trials.epochs, "trainings": len(analysis.trials.final),
        "verdict": analysis.verdict.kind,
        **dict(zip(SHARES, pick.shares.as_tuple(), strict=True)),
        "alpha": one.alpha, "beta": one.beta, "gamma": one.gamma, "expected_loss": pick.expected_loss,
        "region": analysis.decision.fraction, "top1": pick.top1, "top1_se": pick.top1_se,
        "verified": run.verified or "",
    }  # fmt: skip
