"""A search for a baseline for the page: all candidates over their cost at full size, and the last round."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from scaling_search.report.figure import rows
from scaling_search.report.web.svg import (
    WIDTH,
    Name,
    Scale,
    around,
    circle,
    drawing,
    element,
    foot,
    heights,
    line,
    mark,
    names,
    polyline,
    text,
)
from scaling_search.units import format_count

_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, WIDTH - 10, 8.0, 236.0
_LEVELS = 6
_ROW, _LETTER, _WIDEST = 22.0, 6.0, 150.0


def draw(table: pd.DataFrame, factor: Callable[[float], float], *, target: float, titles: dict[str, str]) -> str:
    """The drawing of what `report.rewards.data` returns, best reward first.

    Args:
        factor: what accuracy is multiplied by at a cost, over that of the space's own network.
        target: MACs that were asked for.
        titles: a line of each candidate.
    """
    top1, macs = 100 * table["top1"].to_numpy(float), table["full_macs"].to_numpy(float)
    own = float(macs[0] / table["full_macs_ratio"].iloc[0])
    height, wide = around(top1, _BOTTOM, _TOP), around([*macs, target], _LEFT, _RIGHT)
    best = table[table["on_frontier"]].sort_values("full_macs")
    places = [(wide(x), height(y)) for x, y in zip(macs, top1, strict=True)]
    wanted = line(wide(target), _TOP, wide(target), _BOTTOM, class_="edge")
    asked, first = Name(wide(target), _TOP + 6, "asked for"), Name(*places[0], str(table["candidate"].iloc[0]))
    return drawing(
        _BOTTOM + 36,
        heights(height, _LEFT, _RIGHT)
        + "".join(_levels(table["reward"], lambda cost: factor(cost / own), wide, height))
        + wanted
        + polyline([(wide(row.full_macs), height(100 * row.top1)) for row in rows(best)], class_="frontier")
        + foot(wide, _BOTTOM, "multiply-adds at full size", write=_count, most=4)
        + names([asked, first], places, inside=(_LEFT, 0, WIDTH, _BOTTOM))
        + "".join(
            _dot(row, x, y, titles[row.candidate], first=not number)
            for number, (row, (x, y)) in enumerate(zip(rows(table), places, strict=True))
        ),
        label="Accuracy of the candidates against their cost at full size, with lines of equal reward.",
    )


def draw_finals(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """The drawing of what `report.rewards.finals` shows: a row a network, best reward first."""
    low, high = ((table["top1"] + sign * table["top1_se"].fillna(0)) * 100 for sign in (-1, 1))
    left = min(_LETTER * table["names"].str.len().max() + 12, _WIDEST)
    scale, bottom = around([*low, *high], left, _RIGHT), _TOP + _ROW * len(table)
    grid = "".join(line(scale(tick), _TOP, scale(tick), bottom, class_="grid") for tick in scale.ticks())
    drawn = ""
    for number, (row, start, end) in enumerate(zip(rows(table), low, high, strict=True)):
        y = _TOP + _ROW * (number + 0.5)
        drawn += mark(
            row.names,
            titles[row.names],
            element("rect", x=0.0, y=y - _ROW / 2, width=WIDTH, height=_ROW, class_="hit")
            + text(left - 8, y + 3.8, row.names, text_anchor="end", class_="name")
            + line(scale(start), y, scale(end), y, class_="stroke")
            + circle(scale(100 * row.top1), y, 4, class_="dot inside" if "pick" in row.names else "dot"),
        )
    return drawing(
        bottom + 36,
        grid + drawn + foot(scale, bottom, "validation accuracy (top-1, %)"),
        label="Networks of the last round with mean accuracy and its standard error.",
    )


def _levels(rewards: pd.Series, factor: Callable[[float], float], wide: Scale, height: Scale) -> Iterator[str]:
    """Lines along which the reward is the same, as far as they lie inside."""
    costs = np.linspace(wide.low, wide.high, 120)
    for level in np.linspace(rewards.min(), rewards.max(), _LEVELS):
        points = [(cost, 100 * level / factor(cost)) for cost in costs if cost > 0]
        inside = [(wide(cost), height(top1)) for cost, top1 in points if height.low <= top1 <= height.high]
        if len(inside) > 1:
            yield polyline(inside, class_="level")


def _dot(row: "pd.Series", x: float, y: float, title: str, *, first: bool) -> str:
    ring = circle(x, y, 8.5, class_="ring") if first else ""
    kind = "dot inside" if row.on_frontier else "dot"
    return mark(str(row.candidate), title, circle(x, y, 10, class_="hit") + ring + circle(x, y, 4, class_=kind))


def _count(value: float) -> str:
    return format_count(max(value, 0.0), digits=3)


CAPTION = (
    "Accuracy of the small stand-ins after {epochs} epochs against the cost of the networks at full size. Along a "
    "dotted line the reward is the same; higher lines are better. The line is the frontier: on it no other is "
    "both cheaper and better. Upright and dashed: the cost that was asked for. In a ring: the pick."
)
