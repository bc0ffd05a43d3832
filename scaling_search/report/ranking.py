"""All candidates in order, with the interval of each: who is tied with the pick and who is ruled out."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.stats import t

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import label
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows


def ranking(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    return Plot(
        name="ranking",
        caption=f"Estimated top-1 ({analysis.surface.reading}) with its own 95 % interval (circle and bar), and what "
        "was measured at realised cost (small cross). Dark: may be the best. Grey: behind, with all comparisons "
        "corrected together, so single intervals may overlap. The line is the pick.",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a candidate, best first: candidate, label, top1, top1_equal_cost, low, high, tied, probability, pick."""
    table = analysis.table.sort_values("top1_equal_cost", ascending=False, kind="stable").reset_index()
    half = t.ppf(0.975, max(analysis.surface.dof, 1)) * table["top1_equal_cost_se"]
    return pd.DataFrame(
        {
            "candidate": table["candidate"],
            "label": [label(row.candidate, row.named) for row in rows(table)],
            "top1": table["top1"],
            "top1_equal_cost": table["top1_equal_cost"],
            "low": table["top1_equal_cost"] - half,
            "high": table["top1_equal_cost"] + half,
            "tied": table["tied"],
            "probability": table["probability"],
            "pick": analysis.pick.top1,
        }
    )


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(7.2, 1.1 + 0.23 * len(table)) as (figure, axes):
        heights = np.arange(len(table))
        colours = [INK if tied else MUTED for tied in table["tied"]]
        low, high = 100 * table["low"].fillna(table["top1"]), 100 * table["high"].fillna(table["top1"])
        axes.hlines(heights, low, high, colors=colours, linewidth=1.4)
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
