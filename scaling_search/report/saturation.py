"""Accuracy while one dimension grows alone, and compound divisions beside it (Figures 3 and 8 of arXiv 1905.11946)."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from scaling_search.analysis.comparison import AXES, Compared
from scaling_search.report.figure import FAINT, INK, Plot, canvas, colour_of, rows
from scaling_search.report.labels import label_ends

_MARKS = {"depth": "v", "width": "s", "resolution": "^"}


def saturation(found: Compared) -> Plot:
    """The figure of a comparison."""
    table = data(found)
    return Plot(
        name="saturation",
        caption="Mean validation top-1 over seeds, with one standard error, against the MACs of the network as it was "
        "built, over those of the unscaled one. Lines: one dimension grows alone. Diamonds: compound divisions.",
        data=table,
        figure=draw(table),
    )


def data(found: Compared) -> pd.DataFrame:
    """One row a point: line (a dimension, or a compound's names), candidate, macs_ratio, top1, top1_se, seeds.

    The unscaled network begins every line.
    """
    table = found.table.reset_index()
    table["line"] = [_line(row) for row in rows(table)]
    base = table[table["line"] == "unscaled"]
    starts = [base.assign(line=axis) for axis in AXES if axis in set(table["line"])]
    every = pd.concat([*starts, table[table["line"] != "unscaled"]])
    return every[["line", "candidate", "macs_ratio", "top1", "top1_se", "seeds"]].reset_index(drop=True)


def _line(row: object) -> str:
    names = getattr(row, "named", ())
    division = str(getattr(row, "division", ""))
    return next((name for name in names if name in AXES), division)


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas() as (figure, axes):
        ends = []
        for line, points in table.groupby("line", sort=False):
            name = str(line)
            points = points.sort_values("macs_ratio")
            alone, colour = name in AXES, colour_of(name.replace(" = ", ";"))
            colour = colour if alone or name.split(" = ")[0] in ("paper", "uniform") else INK
            axes.errorbar(
                points["macs_ratio"], 100 * points["top1"], yerr=100 * points["top1_se"].fillna(0), color=colour,
                marker=_MARKS.get(name, "D"), markersize=5, linewidth=1.6 if alone else 0, elinewidth=1, capsize=2,
                zorder=2 if alone else 3,
            )  # fmt: skip
            last = points.iloc[-1]
            ends.append((float(last["macs_ratio"]), 100 * float(last["top1"]), name, colour))
        axes.set_xscale("log", base=2)
        ticks = _ticks(float(table["macs_ratio"].max()))
        axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set(xlabel="multiply-adds over those of the unscaled network", ylabel="validation top-1 (%)")
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        label_ends(axes, ends)
        return figure


def _ticks(most: float) -> list[float]:
    """1, 2, 4 … up to the largest."""
    found = [1.0]
    while found[-1] * 1.5 < most:
        found.append(2 * found[-1])
    return found
