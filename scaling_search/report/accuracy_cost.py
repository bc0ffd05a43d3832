"""Accuracy against realised MACs: every candidate, its error, and the frontier."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_search.analysis import Analysis, frontier
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, call, canvas, colour_of, marker_of, rows
from scaling_search.report.labels import Label, place


def accuracy_cost(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    return Plot(
        name="accuracy-cost",
        caption="Mean top-1 over seeds (bar: standard error) against the realised multiply-adds of what was trained. "
        "The line is the frontier: no other candidate is both cheaper and better.",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a candidate: candidate, named, macs, macs_ratio, params, activations, seeds, top1, top1_se, on_frontier …

    params and activations are there where the run's table has them; nearest_to_pick is the last column.
    """
    columns = ["candidate", "named", "macs", "macs_ratio", "params", "activations", "seeds", "top1", "top1_se"]
    whole = analysis.table.reset_index()
    table = whole[[name for name in columns if name in whole]].assign(named=lambda rows: rows["named"].map(";".join))
    return table.assign(
        on_frontier=table.index.isin(frontier(table).index),
        nearest_to_pick=table["candidate"] == analysis.pick.candidate,
    )


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas() as (figure, axes):
        x, y = table["macs"] / 1e6, 100 * table["top1"]
        axes.errorbar(x, y, 100 * table["top1_se"].fillna(0), fmt="none", ecolor="#b8b8b8", elinewidth=1.2, zorder=1)
        line = _draw_frontier(axes, table)
        for marker, part in table.groupby(table["named"].map(marker_of)):
            axes.scatter(
                x[part.index], y[part.index], c=[colour_of(named) for named in part["named"]], marker=str(marker), s=44,
                edgecolors="white", zorder=3,
            )  # fmt: skip
        nearest = table["nearest_to_pick"]
        axes.scatter(x[nearest], y[nearest], s=110, facecolors="none", edgecolors=INK, linewidths=1.4, zorder=4)
        axes.set(xlabel="multiply-adds of the trained network (millions)", ylabel="validation top-1 (%)")
        axes.margins(0.12)
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        error = 100 * table["top1_se"].fillna(0)
        taken = np.vstack([np.column_stack([x, y + part * error]) for part in np.linspace(-1, 1, 9)])
        place(axes, _labels(table), taken, [line])
        return figure


def _draw_frontier(axes: Axes, table: pd.DataFrame) -> Line2D:
    """A staircase: between two of its points, the cheaper one is the best that can be had."""
    best = table[table["on_frontier"]].sort_values("macs")
    x, y = np.repeat(best["macs"] / 1e6, 2)[1:], np.repeat(100 * best["top1"], 2)[:-1]
    return axes.plot(x, y, color=MUTED, linewidth=1.2, zorder=2)[0]


def _labels(table: pd.DataFrame) -> list[Label]:
    return [
        Label(row.macs / 1e6, 100 * row.top1, call(row.named, picked), colour_of(row.named, picked))
        for row in rows(table)
        if (picked := row.nearest_to_pick) or row.named
    ]
