"""The ranking for the page: a row a candidate, best first, with its interval."""

import pandas as pd

from scaling_search.report.figure import rows
from scaling_search.report.ranking import MOST
from scaling_search.report.web.svg import (
    WIDTH,
    Scale,
    around,
    circle,
    drawing,
    element,
    foot,
    line,
    mark,
    polyline,
    text,
)

_RIGHT, _TOP, _ROW = WIDTH - 8, 8.0, 17.0
_LETTER, _WIDEST = 6.0, 130.0  # units a letter, and for all names


def draw(table: pd.DataFrame, titles: dict[str, str]) -> str:
    """The drawing of what `report.ranking.data` returns, as far down as one looks."""
    table = table.head(MOST)
    bottom = _TOP + _ROW * len(table)
    known = [*(100 * table[["top1", "low", "high"]]).to_numpy(float).ravel()]
    left = min(_LETTER * table["label"].str.len().max() + 12, _WIDEST)
    scale = around(known, left, _RIGHT, margin=0.03)
    best = scale(100 * float(table["pick"].iloc[0]))
    grid = "".join(line(scale(tick), _TOP, scale(tick), bottom, class_="grid") for tick in scale.ticks())
    lines = "".join(_row(row, scale, number, titles[row.candidate]) for number, row in enumerate(rows(table)))
    return drawing(
        bottom + 36,
        grid
        + line(best, _TOP, best, bottom, class_="edge")
        + lines
        + foot(scale, bottom, "validation accuracy (top-1, %)"),
        label="Candidates from best to worst with the interval of the accuracy that is expected of each.",
        class_="ranking",
    )


def _row(row: "pd.Series", scale: Scale, number: int, title: str) -> str:
    y, kind = _TOP + _ROW * (number + 0.5), "dot inside" if row.inside else "dot"
    low, high, middle, measured = (scale(100 * value) for value in (row.low, row.high, row.top1_equal_cost, row.top1))
    cross = polyline([(measured - 3, y - 3), (measured + 3, y + 3)], class_="stroke") + polyline(
        [(measured - 3, y + 3), (measured + 3, y - 3)], class_="stroke"
    )
    content = (
        element("rect", x=0.0, y=y - _ROW / 2, width=WIDTH, height=_ROW, class_="hit")
        + text(scale.start - 8, y + 3.8, row.label, text_anchor="end", class_="name")
        + line(low, y, high, y, class_="stroke")
        + circle(middle, y, 3.8, class_=kind)
        + cross
    )
    return mark(str(row.candidate), title, content)


CAPTION = (
    "Accuracy that is expected at equal cost (circle) with its 90 % interval (bar), and what was measured (cross). "
    "Full circles may be as good as the pick, whose expected accuracy is the dashed line. Which one is best is a "
    "matter of differences, which are known better than each value."
)
