"""All candidates of a search for a baseline: accuracy against cost, with the lines of equal reward."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_search.analysis.seeds import Final, Ranked
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place

_LEVELS = 6


def rewards(found: Ranked, factor: Callable[[float], float], *, target: float, epochs: int) -> Plot:
    """The figure of a search.

    Args:
        factor: what accuracy is multiplied by at a cost, over that of the space's own network.
        target: the cost that is wanted, in the same.
        epochs: of the trainings.
    """
    table = data(found)
    return Plot(
        name="rewards",
        caption=f"Accuracy of the small stand-ins after {epochs} epochs against the cost of the networks at full size, "
        "over that of the space's own. Along a dashed line the reward is the same; higher lines are better. The dark "
        "line is the frontier, the dotted one the cost that was asked for.",
        data=table,
        figure=draw(table, factor, target=target),
    )


def finals(found: Final) -> Plot:
    """The figure of the last round: means and standard errors of fresh seeds."""
    table = data(found)
    table["names"] = [" = ".join(names) for names in found.table["named"]]
    return Plot(
        name="finals",
        caption=f"The best few and known networks after {found.epochs} epochs with fresh seeds: mean accuracy and its "
        "standard error. The known ones were scaled until they cost what the pick costs.",
        data=table,
        figure=_draw_finals(table),
    )


def data(found: Ranked | Final) -> pd.DataFrame:
    """One row a candidate, best reward first: its costs as trained and at full size, seeds, top1, top1_se, reward,
    on_frontier."""
    costs = ["full_macs", "full_macs_ratio", "full_params", "macs", "params"]
    columns = ["candidate", *costs, "seeds", "top1", "top1_se", "reward", "on_frontier"]
    return found.table.reset_index()[columns]


def draw(table: pd.DataFrame, factor: Callable[[float], float], *, target: float) -> Figure:
    """The drawing of what `data` returns."""
    with canvas() as (figure, axes):
        x, y = table["full_macs_ratio"].to_numpy(float), 100 * table["top1"].to_numpy(float)
        costs = np.geomspace(x.min() / 1.15, x.max() * 1.15, 200)
        low, high = table["reward"].min(), table["reward"].max()
        for level in np.linspace(low, high, _LEVELS):
            axes.plot(costs, [100 * level / factor(cost) for cost in costs], "--", color=FAINT, linewidth=0.9, zorder=1)
        wanted = axes.axvline(target, color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
        best = table[table["on_frontier"]].sort_values("full_macs_ratio")
        axes.plot(best["full_macs_ratio"], 100 * best["top1"], color=MUTED, linewidth=1.2, zorder=2)
        axes.scatter(x, y, s=26, color=MUTED, edgecolors="white", linewidths=0.6, zorder=3)
        axes.scatter(x[:1], y[:1], s=70, color=INK, edgecolors="white", zorder=4)
        axes.set_xscale("log")
        axes.set(xlabel="multiply-adds at full size, over the space's own network", ylabel="validation top-1 (%)")
        axes.set_ylim(y.min() - 2, y.max() + 2)
        axes.set_xticks(_ticks(costs), [f"{tick:g}" for tick in _ticks(costs)], minor=False)
        axes.minorticks_off()
        best_name = Label(float(x[0]), float(y[0]), f"best reward: {table['candidate'].iloc[0]}", INK)
        place(axes, [best_name], np.column_stack([x, y]), [wanted])
        return figure


def _ticks(costs: Sequence[float] | np.ndarray) -> list[float]:
    """Readable costs inside the range."""
    return [tick for tick in (0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 5.0, 10.0) if costs[0] <= tick <= costs[-1]]


def _draw_finals(table: pd.DataFrame) -> Figure:
    with canvas(7.2, 1.2 + 0.42 * len(table)) as (figure, axes):
        heights = np.arange(len(table))
        axes.errorbar(
            100 * table["top1"], heights, xerr=100 * table["top1_se"].fillna(0), fmt="o", color=INK, ecolor=MUTED,
            elinewidth=1.4, markersize=6,
        )  # fmt: skip
        axes.set_yticks(heights, [f"{row.names}  {row.full_macs_ratio:.2f}×" for row in rows(table)])
        axes.tick_params(axis="y", length=0)
        axes.set(xlabel="validation top-1 (%)", ylim=(len(table) - 0.4, -0.6))
        axes.grid(axis="x", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        return figure
