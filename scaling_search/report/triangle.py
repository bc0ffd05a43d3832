"""Expected loss over the share triangle: corners are pure depth, width and resolution."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.tri import Triangulation

from scaling_search.analysis import Analysis
from scaling_search.analysis.decision import OUTSIDE
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import loss
from scaling_search.report.figure import FAINT, INK, MUTED, Plot, canvas, rows
from scaling_search.report.labels import Label, place

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # depth left, width right, resolution on top
_NAMES = ("all to depth", "all to width", "all to resolution")
_COLOURS = "cividis_r"  # made for colour-vision deficiency, lighter is better
_NEAR_CORNER = 0.9
_ALONG = np.linspace(-0.13, 0.13, 10)  # the name of a corner, which other names keep clear of
_STAR = 0.03  # from the middle of the pick's star to its rim


def share_triangle(analysis: Analysis) -> Plot:
    """The figure of a run."""
    table = data(analysis)
    within = loss(analysis.decision.epsilon)
    if has_edge(table):
        region = (
            f"The dashed line encloses what may be as good as the pick (the star) within {within} points; dots with a "
            "black rim lie in it."
        )
    elif table["inside"].all():
        region = f"All of them may be as good as the pick (the star) within {within} points."
    else:
        region = f"Dots with a black rim may be as good as the pick (the star) within {within} points."
    return Plot(
        name="share-triangle",
        caption="Each dot is a trained candidate at its effective shares of the compute. Colour is what a "
        f"division is expected to lose against the best one at equal cost. {region}",
        data=table,
        figure=draw(table),
    )


def data(analysis: Analysis) -> pd.DataFrame:
    """One row a place: kind (candidate or surface), candidate, named, shares, x, y, expected_loss, inside, …, pick.

    probability_as_good is that of losing at most ε against the pick: the region is where it is at least OUTSIDE.
    """
    places, pick = analysis.decision.places, np.array(analysis.pick.shares.as_tuple())
    xy = to_plane(places[SHARES].to_numpy(float))
    trained = places["candidate"] != ""
    return pd.DataFrame(
        {
            "kind": np.where(trained, "candidate", "surface"),
            "candidate": places["candidate"],
            "named": places["candidate"].map(analysis.table["named"].map(";".join)).fillna(""),
            **{name: places[name] for name in SHARES},
            "x": xy[:, 0],
            "y": xy[:, 1],
            "expected_loss": places["expected_loss"],
            "probability_as_good": places["probability_as_good"],
            "inside": places["inside"],
            "pick": ~trained & (places[SHARES] == pick).all(axis=1),
        }
    )


def has_edge(table: pd.DataFrame) -> bool:
    """Whether a line can be drawn around what may be as good: some of the surface is, some is not, on a plane."""
    surface = table[table["kind"] == "surface"]
    return bool(surface["inside"].nunique() > 1 and spans_a_plane(surface))


def spans_a_plane(places: pd.DataFrame) -> bool:
    """Whether points (columns x, y) do not all lie on one line: else there is nothing between them."""
    return int(np.linalg.matrix_rank(places[["x", "y"]] - places[["x", "y"]].iloc[0], tol=1e-6)) == 2


def to_plane(shares: np.ndarray) -> np.ndarray:
    """Shares [n, 3] as points [n, 2] of an equilateral triangle of side 1 (barycentric coordinates)."""
    return np.asarray(shares @ CORNERS)


def draw(table: pd.DataFrame) -> Figure:
    """The drawing of what `data` returns."""
    with canvas(6.6, 4.9) as (figure, axes):
        trained, pick = table[table["kind"] == "candidate"], table[table["pick"]].iloc[0]
        scale = Normalize(0, max(100 * table["expected_loss"].max(), 0.1))
        _draw_frame(axes)
        _draw_surface(axes, table, scale)
        dots = axes.scatter(
            trained["x"], trained["y"], c=100 * trained["expected_loss"], cmap=_COLOURS, norm=scale, s=52,
            edgecolors=[INK if inside else "white" for inside in trained["inside"]], linewidths=1.2, zorder=4,
        )  # fmt: skip
        axes.scatter(pick["x"], pick["y"], marker="*", s=480, color="white", edgecolors=INK, linewidths=1.2, zorder=3.5)
        figure.colorbar(dots, ax=axes, label="expected loss of top-1 (points)", shrink=0.7, pad=0.02)
        tips = _STAR * np.array([(-1, 0), (1, 0), (0, -1), (0, 1)]) + pick[["x", "y"]].to_numpy(float)
        beside = [(x + along, y - 0.07 if y == 0 else y + 0.06) for x, y in CORNERS for along in _ALONG]
        obstacles = np.vstack([trained[["x", "y"]].to_numpy(float), tips, beside])
        place(axes, [*_labels(trained), Label(pick["x"], pick["y"], "pick", INK)], obstacles)
        return figure


def _draw_frame(axes: Axes) -> None:
    axes.set_axis_off()
    axes.set_aspect("equal")
    axes.set(xlim=(-0.14, 1.14), ylim=(-0.09, 0.93))
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
            x, y - 0.05 if below else y + 0.03, name, ha="center", va="top" if below else "bottom", fontweight="bold"
        )


def _draw_surface(axes: Axes, table: pd.DataFrame, scale: Normalize) -> None:
    places = table[table["kind"] == "surface"]
    if not spans_a_plane(places):
        return
    mesh = Triangulation(places["x"], places["y"])
    levels = np.linspace(scale.vmin or 0, scale.vmax or 1, 13)
    axes.tricontourf(mesh, 100 * places["expected_loss"], levels=levels, cmap=_COLOURS, norm=scale, zorder=1, alpha=0.9)
    if has_edge(table):
        axes.tricontour(
            mesh, places["probability_as_good"], levels=[OUTSIDE], colors=INK, linestyles="--", linewidths=1.2
        )


def _labels(trained: pd.DataFrame) -> list[Label]:
    """Names of the trained points; those at a corner are named by the corner already."""
    named = trained[(trained["named"] != "") & (trained[SHARES].max(axis=1) < _NEAR_CORNER)]
    return [Label(row.x, row.y, row.named.replace(";", " = "), INK) for row in rows(named)]
