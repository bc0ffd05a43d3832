"""All divisions at the same cost: what each gains over the unscaled network (Table 3 of arXiv 1905.11946)."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_search.analysis.comparison import AXES, Compared
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows


def compared(found: Compared) -> Plot:
    """The figure of a comparison."""
    table = data(found)
    return Plot(
        name="compared",
        caption=f"What each division gains over the unscaled network at about {found.growth:.3g} times its MACs (the "
        "number at its foot is what it really has), with the 95 % interval of the difference, seed by seed. "
        "Light bars: one dimension alone. Dark bars: compound.",
        data=table,
        figure=draw(table),
    )


def data(found: Compared) -> pd.DataFrame:
    """One row a division, best first: candidate, division, alone, macs_ratio, seeds, top1, gain and its 95 %."""
    table = found.compared.reset_index()
    table["alone"] = [bool(set(row.named) & set(AXES)) for row in rows(table)]
    columns = [
        "candidate",
        "division",
        "alone",
        "macs_ratio",
        "seeds",
        "top1",
        "top1_se",
        "gain",
        "gain_low",
        "gain_high",
    ]
    return table[columns].sort_values("gain", ascending=False, kind="stable").reset_index(drop=True)


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(7.2, 1.2 + 0.42 * len(table)) as (figure, axes):
        heights = np.arange(len(table))
        colours = [FAINT if alone else MUTED for alone in table["alone"]]
        gains = 100 * table[["gain", "gain_low", "gain_high"]].to_numpy(float)
        axes.barh(heights, gains[:, 0], height=0.66, color=colours, edgecolor=INK, linewidth=0.8)
        axes.hlines(heights, gains[:, 1], gains[:, 2], color=INK, linewidth=1.4)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(heights, [f"{row.division}  {row.macs_ratio:.2f}×" for row in rows(table)])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="top-1 over the unscaled network (points)", ylim=(len(table) - 0.4, -0.6))
        axes.grid(axis="x", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        return figure
