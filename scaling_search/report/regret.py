"""Regret over compute: what strategies lose on a recorded table, for the part of its training that they asked for."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas
from scaling_search.report.labels import label_ends

_COLOURS: Mapping[str, str] = {
    "surface": INK,
    "grid": "#0072B2",
    "lattice": "#7A55C7",
    "random": "#D55E00",
    "race": "#B0307A",
    "halving": "#117733",
    "optuna": "#9C7500",
}


def regret_over_compute(table: pd.DataFrame) -> Plot:
    """The figure of a replay.

    Args:
        table: one row a strategy, reader («posterior» or «means») and stage: strategy, reader, trainings, compute (a
            fraction), regret, regret_low, regret_high (accuracies).
    """
    return Plot(
        name="regret",
        caption="Accuracy that the pick loses to the table's best candidate, by seeds that the strategy did not see, "
        "against the part of the table's training that it asked for: mean over searches, with the middle 90 % of the "
        "repeats for surface. Dashed: the best mean is picked, where the full lines pick by the posterior.",
        data=table,
        figure=draw(table),
    )


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `regret_over_compute` takes."""
    with canvas() as (figure, axes):
        ends = []
        for (strategy, reader), curve in table.groupby(["strategy", "reader"], sort=False):
            colour, first = _COLOURS.get(str(strategy), MUTED), strategy == "surface"
            x, y = 100 * curve["compute"], 100 * curve["regret"]
            axes.plot(
                x, y, color=colour, linewidth=2.2 if first else 1.3, linestyle="-" if reader == "posterior" else "--",
                marker="o", markersize=4 if first else 3, zorder=3 if first else 2,
            )  # fmt: skip
            if first:
                low, high = 100 * curve["regret_low"], 100 * curve["regret_high"]
                axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0, zorder=1)
            ends.append((float(x.iloc[-1]), float(y.iloc[-1]), _call(str(strategy), str(reader)), colour))
        axes.set(xlabel="part of the table's training (%)", ylabel="regret (points of accuracy)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        label_ends(axes, ends)
        return figure


def _call(strategy: str, reader: str) -> str:
    return strategy if reader == "posterior" else f"{strategy}, best mean"
