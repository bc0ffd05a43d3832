"""All candidates in order, with the interval of each: which may be as good as the pick and which are out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import label
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows

_HALF = 1.645  # standard errors on either side of a 90 % interval
MOST = 60
"""Candidates that are drawn; a picture of thousands is metres high and megabytes large."""


def ranking(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    return Plot(
        name="ranking",
        caption=shown(len(table))
        + "Expected top-1 at equal cost with its 90 % interval (circle and bar), and what was measured at "
        "realised cost (small cross). Dark: may be as good as the pick, whose expected top-1 is the line. Grey: out. "
        "The best one is a matter of differences, which are known better than each value.",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a candidate, best first: candidate, label, top1, top1_equal_cost, low, high, inside, …, pick."""
    table = analysis.table.sort_values("expected_loss", kind="stable").reset_index()
    half = _HALF * table["top1_equal_cost_se"]
    return pd.DataFrame(
        {
            "candidate": table["candidate"],
            "label": [label(row.candidate, row.named) for row in rows(table)],
            "top1": table["top1"],
            "top1_equal_cost": table["top1_equal_cost"],
            "low": table["top1_equal_cost"] - half,
            "high": table["top1_equal_cost"] + half,
            "inside": table["inside"],
            "expected_loss": table["expected_loss"],
            "probability_best": table["probability_best"],
            "pick": analysis.pick.top1,
        }
    )


def shown(count: int) -> str:
    """That not all candidates are drawn, where they are not."""
    return f"The best {MOST} of {count:,}. " if count > MOST else ""


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns, as far down as one looks."""
    table = table.head(MOST)
    with canvas(7.2, 1.1 + 0.23 * len(table)) as (figure, axes):
        heights = np.arange(len(table))
        colours = [INK if inside else MUTED for inside in table["inside"]]
        axes.hlines(heights, 100 * table["low"], 100 * table["high"], colors=colours, linewidth=1.4)
        axes.scatter(100 * table["top1_equal_cost"], heights, facecolors="white", edgecolors=colours, s=38, zorder=3)
        axes.scatter(100 * table["top1"], heights, marker="x", c=colours, s=16, linewidths=0.9, zorder=4)
        axes.axvline(100 * table["pick"].iloc[0], color=INK, linewidth=0.8, linestyle=":")
        axes.set_yticks(heights, table["label"])
        for text, colour in zip(axes.get_yticklabels(), colours, strict=True):
            text.set_color(colour)
        axes.set(xlabel="validation top-1 (%)", ylim=(len(table) - 0.4, -0.6))
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        return figure
