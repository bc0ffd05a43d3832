"""The share triangle for the page: tints for expected loss, a dashed edge for what may be as good, dots."""

from math import cos, pi, sin, sqrt

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from scaling_search.analysis.decision import OUTSIDE
from scaling_search.analysis.wording import loss
from scaling_search.report.figure import call, rows
from scaling_search.report.triangle import has_edge, spans_a_plane
from scaling_search.report.web.contours import bands
from scaling_search.report.web.svg import Name, circle, drawing, element, line, mark, names, polyline, text

_SIDE, _LEFT, _TOP = 280.0, 40.0, 24.0
_HEIGHT = _TOP + _SIDE * sqrt(3) / 2 + 30
_STRONGEST = 0.62  # tint of the largest loss
_NEAR_CORNER = 0.9


def draw(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """The drawing of what `report.triangle.data` returns; titles say each candidate's numbers."""
    surface, trained = table[table["kind"] == "surface"], table[table["kind"] == "candidate"]
    pick = table[table["pick"]].iloc[0]
    tints = _tints(surface) if spans_a_plane(surface) else ""
    star = _at(float(pick["x"]), float(pick["y"]))
    dots = "".join(_dot(row, titles[row.candidate]) for row in rows(trained))
    spots = [_at(row.x, row.y) for row in rows(trained)]
    named = [
        Name(*_at(row.x, row.y), call(row.named))
        for row in rows(trained)
        if row.named and max(row.share_depth, row.share_width, row.share_resolution) < _NEAR_CORNER
    ]
    tips = [(star[0] + x, star[1] + y) for x, y in ((-9, 0), (9, 0), (0, -9), (0, 9))]
    words = names([Name(*star, "pick"), *named], [*spots, *tips, *_corners()], inside=(0, 0, 360, _HEIGHT))
    return drawing(
        _HEIGHT,
        tints + _frame() + _region(table, surface) + element("path", d=_star(*star), class_="star") + dots + words,
        label="Triangle of all divisions of the added compute between depth, width and resolution, with what each is "
        "expected to lose; its numbers are in the tables below.",
        class_="triangle",
    )


def _at(x: float, y: float) -> tuple[float, float]:
    """A point of the plane of `report.triangle` in the drawing, where y goes down."""
    return _LEFT + _SIDE * x, _TOP + _SIDE * (sqrt(3) / 2 - y)


def _tints(surface: pd.DataFrame) -> str:
    """The stronger, the more is lost; with a key, in the free corner at the left."""
    lost = 100 * surface["expected_loss"].to_numpy(float)
    levels = [
        float(level) for level in MaxNLocator(nbins=12, steps=[1, 2, 2.5, 5, 10]).tick_values(0, max(lost.max(), 0.1))
    ]
    levels = [level for level in levels if level >= 0]
    areas, key = "", text(2, 12, "points lost", class_="tick")
    for number, path in enumerate(bands(surface, np.clip(lost, levels[0], levels[-1]), levels, at=_at)):
        tint = f"{_STRONGEST * number / max(len(levels) - 2, 1):.2f}"
        areas += element("path", d=path, class_="band", fill_opacity=tint) if path else ""
        y = 20 + 15 * number
        key += element("rect", x=3, y=y, width=13, height=11, class_="band edged", fill_opacity=tint)
        key += text(21, y + 9.5, f"{levels[number]:g}–{levels[number + 1]:g}", class_="tick")
    return areas + key


def _region(table: pd.DataFrame, surface: pd.DataFrame) -> str:
    """The edge of what may be as good as the pick, and what it is called, in the free corner at the right."""
    if not has_edge(table):
        return ""
    likely = np.clip(surface["probability_as_good"].to_numpy(float), 0, 1)
    (path,) = bands(surface, likely, [OUTSIDE, 1.01], at=_at)
    key = line(244, 9, 264, 9, class_="edge") + text(268, 13, "may be as", class_="tick")
    return element("path", d=path, class_="edge") + key + text(268, 26, "good as the pick", class_="tick")


def _frame() -> str:
    grid = ""
    for fraction in (0.25, 0.5, 0.75):
        rest = 1 - fraction
        for first, second in (
            ((rest, 0), (rest / 2, rest * sqrt(3) / 2)),
            ((fraction, 0), (fraction + rest / 2, rest * sqrt(3) / 2)),
            ((fraction / 2, fraction * sqrt(3) / 2), (1 - fraction / 2, fraction * sqrt(3) / 2)),
        ):
            grid += line(*_at(*first), *_at(*second), class_="grid")
    outline = polyline([_at(0, 0), _at(1, 0), _at(0.5, sqrt(3) / 2), _at(0, 0)], class_="axis")
    (left, bottom), (right, _), (middle, top) = _at(0, 0), _at(1, 0), _at(0.5, sqrt(3) / 2)
    return (
        grid
        + outline
        + text(left - 34, bottom + 23, "all to depth", class_="corner")
        + text(right + 34, bottom + 23, "all to width", text_anchor="end", class_="corner")
        + text(middle, top - 9, "all to resolution", text_anchor="middle", class_="corner")
    )


def _corners() -> list[tuple[float, float]]:
    """Points on the names of the corners, which other names keep clear of."""
    (left, bottom), (right, _), (middle, top) = _at(0, 0), _at(1, 0), _at(0.5, sqrt(3) / 2)
    along = range(0, 72, 8)
    beside = [(x, bottom + 19.0) for part in along for x in (left - 32 + part, right + 32 - part)]
    return beside + [(middle - 44 + 1.3 * part, top - 12) for part in along]


def _dot(row: "pd.Series", title: str) -> str:
    x, y = _at(row.x, row.y)
    dot = circle(x, y, 10, class_="hit") + circle(x, y, 4, class_="dot inside" if row.inside else "dot")
    return mark(str(row.candidate), title, dot)


def _star(x: float, y: float, radius: float = 13) -> str:
    """A star with room for a dot in it."""
    tips = [
        (x + size * sin(pi * corner / 5), y - size * cos(pi * corner / 5))
        for corner in range(10)
        for size in (radius if corner % 2 == 0 else 0.55 * radius,)
    ]
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in tips) + "Z"


def caption(table: pd.DataFrame, epsilon: float) -> str:
    """What the drawing shows, in words."""
    within = loss(epsilon)
    if has_edge(table):
        region = f"The dashed edge holds what may be as good as the pick within {within} points; full dots lie in it."
    elif table["inside"].all():
        region = f"All divisions may be as good as the pick within {within} points."
    else:
        region = f"Full dots may be as good as the pick within {within} points."
    return (
        "Each dot is a trained candidate, placed by what it really got of the compute: the nearer to a corner, the "
        "more of it went there. The stronger the tint, the more points of accuracy a division is expected to lose. "
        f"{region}"
    )
