"""The models of the EfficientNet paper on ImageNet, as a backdrop for one's own full ImageNet trainings.

Never for proxy accuracies: a short training on small images has nothing to do with these numbers. imagenet_results.csv
holds what arXiv 1905.11946 prints; its two versions print different accuracies for B0–B6 (column version; the later one
is drawn), and the printed MACs of B4 and B5 are 4 % below any recount, the others within 2 %.
"""

from importlib.resources import files

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scaling_search.report.figure import COLOURS, FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place


def imagenet_frontier(own: pd.DataFrame | None = None) -> Plot:
    """The paper's models, and one's own where given.

    Args:
        own: columns model, macs and top1 (a fraction), trained on ImageNet-1k at full length.
    """
    table = data(own)
    return Plot(
        name="imagenet-frontier",
        caption="ImageNet top-1 against multiply-adds: EfficientNet-B0 to B7 (line) and the networks it was compared "
        "with, as printed in arXiv 1905.11946 (later version). Diamonds, if any: own trainings.",
        data=table,
        figure=draw(table),
    )


def data(own: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row a model with known MACs: model, source (efficientnet, rival or own), macs, top1 (a fraction)."""
    with files("scaling_search.report").joinpath("imagenet_results.csv").open(encoding="utf-8") as file:
        paper = pd.read_csv(file)
    paper = paper[paper["version"].isin(["all", "arxiv-later"])].dropna(subset=["macs"])
    source = np.where(paper["model"].str.startswith("EfficientNet"), "efficientnet", "rival")
    table = paper.assign(source=source, top1=paper["top1"] / 100)[["model", "source", "macs", "top1"]]
    extra = [] if own is None else [own.assign(source="own")[["model", "source", "macs", "top1"]]]
    return pd.concat([table, *extra], ignore_index=True)


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(7.6, 5.2) as (figure, axes):
        for source, colour, marker in (
            ("rival", MUTED, "o"), ("efficientnet", COLOURS["depth"], "o"), ("own", COLOURS["width"], "D")
        ):  # fmt: skip
            shown = table[table["source"] == source].sort_values("macs")
            style = "-" if source == "efficientnet" else "none"
            axes.plot(shown["macs"], 100 * shown["top1"], color=colour, marker=marker, linestyle=style, markersize=5)
        family = axes.lines[1]
        axes.set_xscale("log")
        axes.set_xticks([3e8, 1e9, 3e9, 1e10, 3e10], ["0.3", "1", "3", "10", "30"])
        axes.minorticks_off()
        axes.set(xlabel="multiply-adds (billions)", ylabel="ImageNet top-1 (%)")
        axes.grid(axis="y", color=FAINT, linewidth=0.6)
        axes.margins(0.08)
        labels = [
            Label(row.macs, 100 * row.top1, row.model.removeprefix("EfficientNet-"), _colour(row.source))
            for row in rows(table)
        ]
        place(axes, labels, np.column_stack([table["macs"], 100 * table["top1"]]), [family])
        return figure


def _colour(source: str) -> str:
    return {"efficientnet": COLOURS["depth"], "own": COLOURS["width"]}.get(source, INK)
