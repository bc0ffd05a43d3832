"""Learning curves for the page: references and the pick's neighbour in front, the rest behind them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scaling_search.report.figure import call
from scaling_search.report.labels import spread
from scaling_search.report.web.svg import Scale, around, drawing, foot, heights, line, mark, polyline, text

_LEFT, _RIGHT, _TOP, _BOTTOM = 34.0, 264.0, 8.0, 236.0
_DASHES = (None, "7 3", "2 2.5", "9 3 2 3", "4 4", "1.5 4", "12 4")
_CROWD = 200  # curves behind the named ones


def draw(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """The drawing of what `report.curves.data` returns."""
    wide = around(table["images_seen"] / 1e3, _LEFT, _RIGHT, margin=0.03)
    height = around(100 * table["top1"], _BOTTOM, _TOP)
    front = table["nearest_to_pick"] | (table["named"] != "")
    behind = [_curve(curve, wide, height, titles) for _, curve in table[~front].groupby("candidate")][:_CROWD]
    named = [curve for _, curve in table[front].groupby("candidate")]
    before = [
        _curve(curve, wide, height, titles, dash=_DASHES[number % len(_DASHES)]) for number, curve in enumerate(named)
    ]
    return drawing(
        _BOTTOM + 36,
        heights(height, _LEFT, _RIGHT)
        + foot(wide, _BOTTOM, "training images seen (thousands)")
        + "".join(behind)
        + "".join(before)
        + _ends(named, wide, height),
        label="Accuracy of each candidate while it is trained.",
        class_="curves",
    )


def _curve(
    curve: pd.DataFrame, wide: Scale, height: Scale, titles: dict[str, str], *, dash: str | None = "none"
) -> str:
    """A dash of «none» is a curve without a name, drawn thin."""
    points = [(wide(x), height(y)) for x, y in zip(curve["images_seen"] / 1e3, 100 * curve["top1"], strict=True)]
    if len(points) == 1:
        points += [(points[0][0] + 2, points[0][1])]
    crowd, candidate = dash == "none", str(curve["candidate"].iloc[0])
    picked = bool(curve["nearest_to_pick"].iloc[0])
    kind = "curve crowd" if crowd else "curve near" if picked else "curve"
    drawn = polyline(points, class_=kind, stroke_dasharray=None if crowd or picked else dash)
    return mark(candidate, titles[candidate], polyline(points, class_="hit line") + drawn)


def _ends(named: Sequence[pd.DataFrame], wide: Scale, height: Scale) -> str:
    """Names at the right, at the height where a curve ends, moved apart where they crowd."""
    last = [curve.iloc[-1] for curve in named]
    ends = np.array([height(100 * row["top1"]) for row in last])
    written = ""
    for row, end, y in zip(last, ends.tolist(), spread(ends, 13).tolist(), strict=True):
        x = wide(row["images_seen"] / 1e3)
        words = call(str(row["named"]), bool(row["nearest_to_pick"])).replace("nearest to the pick", "near the pick")
        written += line(x + 3, end, _RIGHT + 6, y, class_="lead") + text(_RIGHT + 9, y + 3.8, words, class_="name")
    return written


CAPTION = (
    "Mean accuracy over the finished seeds after each epoch; thin lines are candidates without a name, the thick one "
    "is nearest to the pick. Lines that still cross are a reason to train longer before believing an order."
)
