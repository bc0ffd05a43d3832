"""Accuracy over the share triangle: corners are pure depth, width and resolution."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from scaling_search.analysis import Analysis
from scaling_search.analysis.trials import SHARES
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # depth left, width right, resolution on top
_NAMES = ("all to depth", "all to width", "all to resolution")
_COLOURS = "cividis"  # made for colour-vision deficiency, lighter is better
_NEAR_CORNER = 0.9


def share_triangle(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    fitted = analysis.surface.kind != "means"
    surface = "Colour is the fitted surface at equal cost; the dashed line encloses the 95 % region. " if fitted else ""
    return Plot(
        name="share-triangle",
        caption="Each dot is a trained candidate at its effective shares of the added compute. "
        f"{surface}The star is the pick; ringed dots may be the best.",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a place: kind (candidate or surface), candidate, named, shares, x, y, top1, inside, margin, pick.

    margin is how far a place is from being ruled out, in standard errors: the 95 % region is where it is not negative.
    """
    places = analysis.landscape.places
    xy = to_plane(places[SHARES].to_numpy(float))
    return pd.DataFrame(
        {
            "kind": np.where(places["candidate"] == "", "surface", "candidate"),
            "candidate": places["candidate"],
            "named": places["candidate"].map(analysis.table["named"]).fillna(""),
            **{name: places[name] for name in SHARES},
            "x": xy[:, 0],
            "y": xy[:, 1],
            "top1": places["top1"],
            "inside": places["inside"],
            "margin": places["critical"] - places["statistic"],
            "pick": places.index == places["top1"].idxmax(),
        }
    )


def to_plane(shares: np.ndarray) -> np.ndarray:
    """Shares [n, 3] as points [n, 2] of an equilateral triangle of side 1 (barycentric coordinates)."""
    return np.asarray(shares @ CORNERS)


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(6.6, 4.9) as (figure, axes):
        trained, pick = table[table["kind"] == "candidate"], table[table["pick"]].iloc[0]
        shown = table["top1"] * 100
        scale = Normalize(shown.min(), max(shown.max(), shown.min() + 0.1))
        _draw_frame(axes)
        if (table["kind"] == "surface").any():
            _draw_surface(axes, table, scale)
        dots = axes.scatter(
            trained["x"], trained["y"], c=100 * trained["top1"], cmap=_COLOURS, norm=scale, s=52,
            edgecolors=[INK if inside else "white" for inside in trained["inside"]], linewidths=1.2, zorder=4,
        )  # fmt: skip
        axes.scatter(pick["x"], pick["y"], marker="*", s=260, color="white", edgecolors=INK, linewidths=1.2, zorder=5)
        what = "expected top-1 at equal cost (%)" if (table["kind"] == "surface").any() else "mean top-1 (%)"
        figure.colorbar(dots, ax=axes, label=what, shrink=0.7, pad=0.02)
        obstacles = pd.concat([trained, table[table["pick"]]])[["x", "y"]].to_numpy(float)
        place(axes, [*_labels(trained), Label(pick["x"], pick["y"], "pick", INK)], obstacles)
        return figure


def _draw_frame(axes: Axes) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set(xlim=(-0.14, 1.14), ylim=(-0.07, 0.93))
    for fraction in (0.25, 0.5, 0.75):
        for axis in range(3):
            ends = np.full((2, 3), 1 - fraction)
            ends[:, axis] = fraction
            ends[0, axis - 1] = ends[1, axis - 2] = 0
            axes.plot(*to_plane(ends).T, color=FAINT, linewidth=0.6, zorder=2)
    axes.plot(*np.vstack([CORNERS, CORNERS[:1]]).T, color=MUTED, linewidth=1, zorder=3)
    for (x, y), name in zip(CORNERS, _NAMES, strict=True):
        below = y == 0
        axes.text(
            x, y - 0.03 if below else y + 0.03, name, ha="center", va="top" if below else "bottom", fontweight="bold"
        )


def _draw_surface(axes: Axes, table: pd.DataFrame, scale: Normalize) -> None:
    places = table.drop_duplicates(["x", "y"])
    mesh = Triangulation(places["x"], places["y"])
    levels = np.linspace(scale.vmin or 0, scale.vmax or 1, 13)
    axes.tricontourf(mesh, 100 * places["top1"], levels=levels, cmap=_COLOURS, norm=scale, zorder=1, alpha=0.9)
    if places["inside"].nunique() > 1:
        axes.tricontour(mesh, places["margin"], levels=[0], colors=INK, linestyles="--", linewidths=1.2)


def _labels(trained: pd.DataFrame) -> list[Label]:
    """Names of the trained points; those at a corner are named by the corner already."""
    named = trained[(trained["named"] != "") & (trained[SHARES].max(axis=1) < _NEAR_CORNER)]
    return [Label(row.x, row.y, row.named.replace(";", " = "), INK) for row in rows(named)]
