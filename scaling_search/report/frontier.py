"""Accuracy against a cost over runs and families: error bars, and the line of what nothing else beats."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from scaling_search.analysis import frontier
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place

CostName = Literal["macs", "params", "activations", "memory", "latency"]


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """What a cost is called, and the unit it is written in."""

    title: str
    unit: float = 1e6


_AXES: Mapping[CostName, _Axis] = {
    "macs": _Axis(title="multiply-adds (millions)"),
    "params": _Axis(title="parameters (millions)"),
    "activations": _Axis(title="activations (millions)"),
    "memory": _Axis(title="memory at inference of one image (MB)"),
    "latency": _Axis(title="time for one image (ms)", unit=1e-3),
}
# Colour, marker and dash of each family: any one of the three tells them apart.
_STYLES = (
    ("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#117733", "^", ":"), ("#B0307A", "D", "-."), ("#9C7500", "v", "-"),
    ("#7A55C7", "P", "--"), (INK, "X", ":"),
)  # fmt: skip
_LOGARITHMIC = 4.0  # from this span of costs on
_NAMED = 24  # labels; more would cover the dots


def accuracy_frontier(table: pd.DataFrame, *, x: CostName) -> Plot:
    """The figure of several runs and families.

    Args:
        table: one row a network: family (what it belongs to), data (what it was trained on), network (its name), the
            column x (for latency latency_low, latency_high and device too), seeds, top1, top1_se (NaN: unknown).
        x: the cost.
    """
    found = data(table, x=x)
    several = found["data"].nunique() > 1
    return Plot(
        name=f"frontier-{x}",
        caption="Validation top-1 (mean over seeds; bar: standard error) against what the trained network costs"
        + (f", measured on {found['device'].iloc[0]} (bar: half of the repeats)" if x == "latency" else "")
        + ". The line is the frontier: on it no other network is both cheaper and better"
        + (", of each data set by itself, since accuracies of different data cannot be compared." if several else "."),
        data=found,
        figure=draw(found, x=x),
    )


def data(table: pd.DataFrame, *, x: CostName) -> pd.DataFrame:
    """The table with on_frontier: whether nothing that was trained on the same data is both cheaper and better."""
    best = [frontier(rows, x).index for _, rows in table.groupby("data")]
    return table.assign(on_frontier=table.index.isin(np.concatenate(best)))


def draw(table: pd.DataFrame, *, x: CostName) -> Figure:
    """The drawing of what `data` returns."""
    axis = _AXES[x]
    with canvas(7.6, 5.2) as (figure, axes):
        lines = [_line(axes, rows, x) for _, rows in table.groupby("data")]
        handles = [
            _family(axes, str(name), rows, x, number)
            for number, (name, rows) in enumerate(table.groupby("family", sort=False))
        ]
        _horizontal(axes, table[x] / axis.unit)
        axes.set(xlabel=axis.title, ylabel="validation top-1 (%)")
        axes.margins(0.08)
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        if len(handles) > 1:
            axes.legend(
                handles=handles, loc="lower left", bbox_to_anchor=(0, 1.01), ncols=2, frameon=False, fontsize=9,
                borderaxespad=0,
            )  # fmt: skip
        place(axes, _labels(table, x), _taken(table, x), lines)
        return figure


def _family(axes: Axes, name: str, rows: pd.DataFrame, x: CostName, number: int) -> Line2D:
    """Dots with bars of one family; what stands for it in the key."""
    colour, marker, _ = _STYLES[number % len(_STYLES)]
    unit, where, height = _AXES[x].unit, rows[x], 100 * rows["top1"]
    across = None
    if x == "latency":
        across = np.array([where - rows["latency_low"], rows["latency_high"] - where]).clip(0) / unit
    axes.errorbar(
        where / unit, height, yerr=100 * rows["top1_se"].fillna(0), xerr=across, fmt="none", ecolor="#b8b8b8",
        elinewidth=1.1, zorder=1,
    )  # fmt: skip
    axes.scatter(where / unit, height, marker=marker, color=colour, s=36, edgecolors="white", linewidths=0.8, zorder=3)
    return Line2D([], [], color=colour, marker=marker, linestyle="none", label=name)


def _line(axes: Axes, rows: pd.DataFrame, x: CostName) -> Line2D:
    """A staircase: between two of its points, the cheaper one is the best that can be had."""
    best = rows[rows["on_frontier"]].sort_values(x)
    wide, high = np.repeat(best[x] / _AXES[x].unit, 2)[1:], np.repeat(100 * best["top1"], 2)[:-1]
    return axes.plot(wide, high, color=MUTED, linewidth=1.1, zorder=2)[0]


def _horizontal(axes: Axes, costs: pd.Series) -> None:
    """Logarithmic where costs span much; numbers in plain digits."""
    if costs.max() < _LOGARITHMIC * costs.min():
        axes.xaxis.set_major_locator(MaxNLocator(6))
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _taken(table: pd.DataFrame, x: CostName) -> np.ndarray:
    """Points [n, 2] on the dots and along their bars, which labels keep clear of."""
    where, height = table[x] / _AXES[x].unit, 100 * table["top1"]
    error = 100 * table["top1_se"].fillna(0)
    spots = [np.column_stack([where, height + part * error]) for part in np.linspace(-1, 1, 9)]
    if x == "latency":
        low, high = (table[f"latency_{end}"] / _AXES[x].unit for end in ("low", "high"))
        spots += [np.column_stack([low + part * (high - low), height]) for part in np.linspace(0, 1, 17)]
    return np.vstack(spots)


def _labels(table: pd.DataFrame, x: CostName) -> list[Label]:
    """Names of what lies on a frontier or has a name of its own, the best first."""
    wanted = table[table["on_frontier"] | (table["named"] != "")].sort_values("top1", ascending=False).head(_NAMED)
    return [
        Label(getattr(row, x) / _AXES[x].unit, 100 * row.top1, row.named or row.network, INK) for row in rows(wanted)
    ]
