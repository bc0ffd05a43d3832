"""Accuracy against cost for the page, with several costs to choose from."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from scaling_search.analysis import frontier
from scaling_search.report.figure import call, rows
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
)
from scaling_search.units import format_count

COSTS: Mapping[str, str] = {"macs": "multiply-adds", "params": "parameters", "activations": "activations"}
_LEFT, _RIGHT, _TOP, _BOTTOM = 38.0, WIDTH - 10, 8.0, 236.0


def draw(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """The drawing of what `report.accuracy_cost.data` returns; the script moves the marks to another cost's places."""
    known = [
        *(100 * table["top1"]),
        *(100 * (table["top1"] + table["top1_se"])),
        *(100 * (table["top1"] - table["top1_se"])),
    ]
    height = around(known, _BOTTOM, _TOP)
    scales = {cost: around(table[cost], _LEFT, _RIGHT) for cost in COSTS if cost in table}
    layers = "".join(_layer(table, cost, scale, height, shown=cost == "macs") for cost, scale in scales.items())
    marks = "".join(_mark(row, scales, height, titles[row.candidate]) for row in rows(table))
    return drawing(
        _BOTTOM + 36,
        heights(height, _LEFT, _RIGHT) + layers + marks,
        label="Accuracy of the candidates against their cost.",
        class_="cost",
    )


def _layer(table: pd.DataFrame, cost: str, scale: Scale, height: Scale, *, shown: bool) -> str:
    """What belongs to one cost: its axis, the frontier and the names."""
    best = frontier(table, cost)
    points = [(scale(row[cost]), height(100 * row["top1"])) for _, row in best.iterrows()]
    stairs = [points[0]] + [corner for (_, y), end in pairwise(points) for corner in ((end[0], y), end)]
    places = [(scale(row[cost]), height(100 * row["top1"])) for _, row in table.iterrows()]
    named = [
        Name(x, y, call(row.named, row.nearest_to_pick))
        for row, (x, y) in zip(rows(table), places, strict=True)
        if row.named or row.nearest_to_pick
    ]
    content = (
        foot(scale, _BOTTOM, f"{COSTS[cost]} of the trained network", write=_count, most=4)
        + polyline(stairs, class_="frontier")
        + names(named, [*_bars(table, places, height), *_along(stairs)], inside=(_LEFT, 0, WIDTH, _BOTTOM))
    )
    return element("g", content, class_="layer", data_cost=cost, style=None if shown else "display:none")


def _bars(table: pd.DataFrame, places: Sequence[tuple[float, float]], height: Scale) -> Iterator[tuple[float, float]]:
    """Points on the dots and along their bars, which names keep clear of."""
    unit = abs(height(1) - height(0))
    for (x, y), error in zip(places, (100 * unit * table["top1_se"].fillna(0)).tolist(), strict=True):
        yield from ((x, y + part * error / 4) for part in range(-4, 5))


def _along(stairs: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points along the line, which names keep clear of."""
    return [
        (x1 + (x2 - x1) * part / 8, y1 + (y2 - y1) * part / 8)
        for (x1, y1), (x2, y2) in pairwise(stairs)
        for part in range(8)
    ]


def _mark(row: "pd.Series", scales: Mapping[str, Scale], height: Scale, title: str) -> str:
    """Drawn around (0, y): the script and the attribute move it to the x of a cost."""
    y = height(100 * row.top1)
    bar = ""
    if row.top1_se == row.top1_se:
        low, high = (height(100 * (row.top1 + sign * row.top1_se)) for sign in (-1, 1))
        bar = line(0, low, 0, high, class_="stroke")
    places = {cost: round(scale(getattr(row, cost)), 1) for cost, scale in scales.items()}
    ring = circle(0, y, 8.5, class_="ring") if row.nearest_to_pick else ""
    dot = circle(0, y, 4, class_="dot inside" if row.on_frontier else "dot")
    return mark(
        str(row.candidate), title, circle(0, y, 10, class_="hit") + bar + ring + dot,
        transform=f"translate({places['macs']:g} 0)", data_places=" ".join(f"{x:g}" for x in places.values()),
    )  # fmt: skip


def _count(value: float) -> str:
    return format_count(max(value, 0.0), digits=4)


CAPTION = (
    "Accuracy measured (mean over seeds; bar: standard error) against what the trained network costs. The line is the "
    "frontier: on it no other candidate is both cheaper and better. In a ring: nearest to the pick."
)
