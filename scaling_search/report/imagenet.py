"""The models of the EfficientNet paper on ImageNet, as a backdrop for one's own full ImageNet trainings.

Never for proxy accuracies: a short training on small images has nothing to do with these numbers. imagenet_results.csv
holds what arXiv 1905.11946 prints; its two versions print different accuracies for B0–B6 (column version; the later one
is drawn), and the printed MACs of B4 and B5 are 4 % below any recount, the others within 2 %.
"""

from importlib.resources import files
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_search.report.figure import COLOURS, FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place

_TITLES = {"macs": "multiply-adds (billions)", "params": "parameters (millions)"}
_TICKS = {
    "macs": ([3e8, 1e9, 3e9, 1e10, 3e10], ["0.3", "1", "3", "10", "30"]),
    "params": ([5e6, 1e7, 2e7, 5e7, 1e8, 2e8, 5e8], ["5", "10", "20", "50", "100", "200", "500"]),
}
_MARKS = {"rival": (MUTED, "o"), "efficientnet": (COLOURS["depth"], "s"), "own": (COLOURS["width"], "D")}
CostColumn = Literal["macs", "params"]


def imagenet_frontier(own: pd.DataFrame | None = None, *, x: CostColumn = "macs") -> Plot:
    """The paper's models, and one's own where given (arXiv 1905.11946, Figure 1 for parameters and 5 for MACs).

    Args:
        own: columns model, x and top1 (a fraction), trained on ImageNet-1k at full length.
        x: the cost; GPipe has no printed MACs.
    """
    table = data(own, x=x)
    return Plot(
        name="imagenet-frontier" if x == "macs" else f"imagenet-frontier-{x}",
        caption=f"ImageNet top-1 against {'multiply-adds' if x == 'macs' else 'parameters'}: EfficientNet-B0 to B7 "
        "(squares, line) and the networks it was compared with (dots), as printed in arXiv 1905.11946 (later version)."
        + ("" if own is None else " Diamonds: own trainings."),
        data=table,
        figure=draw(table, x=x),
    )


def data(own: pd.DataFrame | None = None, *, x: CostColumn = "macs") -> pd.DataFrame:
    """One row a model whose cost is known: model, source (efficientnet, rival or own), the cost, top1 (a fraction)."""
    with files("scaling_search.report").joinpath("imagenet_results.csv").open(encoding="utf-8") as file:
        paper = pd.read_csv(file)
    paper = paper[paper["version"].isin(["all", "arxiv-later"])].dropna(subset=[x])
    source = np.where(paper["model"].str.startswith("EfficientNet"), "efficientnet", "rival")
    table = paper.assign(source=source, top1=paper["top1"] / 100)[["model", "source", x, "top1"]]
    extra = [] if own is None else [own.assign(source="own")[["model", "source", x, "top1"]]]
    return pd.concat([table, *extra], ignore_index=True)


def draw(table: pd.DataFrame, *, x: CostColumn = "macs") -> Figure:
    """The drawing of what `data` returns."""
    with canvas(7.6, 5.2) as (figure, axes):
        for source, (colour, marker) in _MARKS.items():
            shown = table[table["source"] == source].sort_values(x)
            style = "-" if source == "efficientnet" else "none"
            axes.plot(shown[x], 100 * shown["top1"], color=colour, marker=marker, linestyle=style, markersize=5)
        family = axes.lines[1]
        axes.set_xscale("log")
        axes.set_xticks(*_TICKS[x])
        axes.minorticks_off()
        axes.set(xlabel=_TITLES[x], ylabel="ImageNet top-1 (%)")
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.margins(0.08)
        labels = [
            Label(getattr(row, x), 100 * row.top1, row.model.removeprefix("EfficientNet-"), _colour(row.source))
            for row in rows(table)
        ]
        place(axes, labels, np.column_stack([table[x], 100 * table["top1"]]), [family])
        return figure


def _colour(source: str) -> str:
    return INK if source == "rival" else _MARKS[source][0]
