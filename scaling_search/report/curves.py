"""Learning curves: mean over seeds by images seen, the references and the pick's neighbour in front."""

import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from scaling_search.analysis import Analysis
from scaling_search.report.figure import DASHES, FAINT, Plot, call, canvas, colour_of
from scaling_search.report.labels import label_ends

_CROWD = 200  # lines that are no shapes any more but one picture inside the picture


def learning_curves(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    return Plot(
        name="learning-curves",
        caption="Mean validation top-1 over the finished seeds, epoch by epoch. Grey: candidates without a name. "
        "Lines that cross late are a reason to train longer before believing a ranking.",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a candidate and epoch: candidate, named, nearest_to_pick, epoch, images_seen, seeds, top1, val_loss."""
    readings = analysis.trials.readings
    groups = readings[readings["candidate"].isin(analysis.table.index)].groupby(["candidate", "epoch"])
    table = groups.agg(
        images_seen=("images_seen", "mean"), seeds=("seed", "nunique"), top1=("top1", "mean"),
        val_loss=("val_loss", "mean"),
    ).reset_index()  # fmt: skip
    table.insert(1, "named", table["candidate"].map(analysis.table["named"].map(";".join)))
    table.insert(2, "nearest_to_pick", table["candidate"] == analysis.pick.candidate)
    return table


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas() as (figure, axes):
        front = table["nearest_to_pick"] | (table["named"] != "")
        crowd = [
            np.column_stack([curve["images_seen"] / 1e3, 100 * curve["top1"]])
            for _, curve in table[~front].groupby("candidate")
        ]
        axes.add_collection(LineCollection(crowd, colors=FAINT, linewidths=1, zorder=1, rasterized=len(crowd) > _CROWD))
        ends = []
        for _, curve in table[front].groupby("candidate"):
            last = curve.iloc[-1]
            named, picked = str(last["named"]), bool(last["nearest_to_pick"])
            colour = colour_of(named, picked)
            axes.plot(
                curve["images_seen"] / 1e3, 100 * curve["top1"], color=colour, linewidth=2.4 if picked else 1.5,
                linestyle="-" if picked else DASHES.get(named.split(";")[0], "-"), zorder=3 if picked else 2,
            )  # fmt: skip
            ends.append((last["images_seen"] / 1e3, 100 * last["top1"], call(named, picked), colour))
        axes.autoscale_view()
        axes.set(xlabel="training images seen (thousands)", ylabel="validation top-1 (%)")
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        label_ends(axes, ends)
        return figure
