"""Where the pick moved: with fresh seeds, longer trainings and other growths, as arrows in the share triangle."""

from itertools import pairwise
from math import hypot

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from scaling_search.report.figure import INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place
from scaling_search.report.triangle import CORNERS, to_plane
from scaling_search.search.verification import Verification

_NAMES = ("all to depth", "all to width", "all to resolution")
_STILL = 0.01  # of the triangle's side; a shorter arrow is none


def transfer(found: Verification) -> Plot:
    """The figure of a verification."""
    table = data(found)
    return Plot(
        name="transfer",
        caption="The division with the least expected loss: of the run, of fresh seeds at the same length, after "
        "longer trainings, and with networks of other growths where these were trained. Rings: what was trained again.",
        data=table,
        figure=draw(table),
    )


def data(found: Verification) -> pd.DataFrame:
    """One row a place: kind (network or pick), name, shares, x, y, epochs, growth, top1."""
    networks = [
        {"kind": "network", "name": " = ".join(one.names), **one.shares.model_dump(), "top1": one.top1,
         "epochs": found.epochs[1]}
        for one in found.networks
    ]  # fmt: skip
    picks = [
        {"kind": "pick", "name": one.of, **one.shares.model_dump(), "epochs": one.epochs, "growth": one.growth}
        for one in found.transfer.picks
    ]
    table = pd.DataFrame([*networks, *picks]).reindex(
        columns=["kind", "name", "depth", "width", "resolution", "epochs", "growth", "top1"]
    )
    xy = to_plane(table[["depth", "width", "resolution"]].to_numpy(float))
    return table.assign(x=xy[:, 0], y=xy[:, 1])


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(6.2, 4.9) as (figure, axes):
        networks, picks = table[table["kind"] == "network"], table[table["kind"] == "pick"]
        sides = draw_frame(axes)
        axes.scatter(networks["x"], networks["y"], s=40, facecolors="white", edgecolors=MUTED, zorder=3)
        places = list(zip(picks["x"].tolist(), picks["y"].tolist(), strict=True))
        for start, end in pairwise(places):
            if hypot(end[0] - start[0], end[1] - start[1]) > _STILL:
                axes.annotate(
                    "", end, xytext=start, zorder=4,
                    arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4, "shrinkA": 4, "shrinkB": 4},
                )  # fmt: skip
        axes.scatter(picks["x"], picks["y"], s=46, color=INK, zorder=5)
        labels = [Label(row.x, row.y, _label(row), INK) for row in rows(_merged(picks))]
        place(axes, labels, table[["x", "y"]].to_numpy(float), [sides])
        return figure


def draw_frame(axes: Axes) -> Line2D:
    """The triangle, whose sides are returned, and its corners' names."""
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set(xlim=(-0.2, 1.2), ylim=(-0.09, 0.96))
    (sides,) = axes.plot(*np.vstack([CORNERS, CORNERS[:1]]).T, color=MUTED, linewidth=1, zorder=1)
    for (x, y), name in zip(CORNERS, _NAMES, strict=True):
        below = y == 0
        axes.text(x, y - 0.03 if below else y + 0.03, name, ha="center", va="top" if below else "bottom", weight="bold")
    return sides


def _merged(picks: pd.DataFrame) -> pd.DataFrame:
    """Picks at one place have one label."""
    keys = picks[["x", "y"]].round(2).apply(tuple, axis=1)
    return (
        picks.groupby(keys, sort=False)
        .agg({"x": "first", "y": "first", "name": list, "epochs": list})
        .reset_index(drop=True)
    )


def _label(row: object) -> str:
    names, epochs = getattr(row, "name", ()), getattr(row, "epochs", ())
    return "\n".join(f"{name} ({number} epochs)" for name, number in zip(names, epochs, strict=True))
