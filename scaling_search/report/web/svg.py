"""Inline SVG as text, in currentColor: elements, scales, axes, marks that carry a candidate, and labels that fit.

Drawings are WIDTH units wide, about as many pixels as a telephone has, so that their text is readable there; on a wide
screen the style sheet makes the text smaller.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from scaling_search.report.labels import best_offset

WIDTH = 360.0
TEXT = 11.0  # units, the size of text on a telephone
_LETTER = 0.58  # mean width of a letter over its height
_STEPS = [1, 2, 2.5, 5, 10]


def element(name: str, content: str = "", /, **attributes: Any) -> str:
    """An element; content is markup. class_ and stroke_width are written class and stroke-width, None is left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text(x: float, y: float, words: str, **attributes: Any) -> str:
    """Words at a point; `text_anchor` is start, middle or end."""
    return element("text", escape(words), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: Any) -> str:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def polyline(points: Iterable[tuple[float, float]], **attributes: Any) -> str:
    """A line through points."""
    return element("path", d="M" + "L".join(f"{_value(x)} {_value(y)}" for x, y in points), **attributes)


def circle(x: float, y: float, radius: float, **attributes: Any) -> str:
    return element("circle", cx=x, cy=y, r=radius, **attributes)


def mark(candidate: str, title: str, content: str, **attributes: Any) -> str:
    """What stands for a candidate: the script lights all marks of one candidate together, and reads out the title."""
    return element(
        "g", element("title", escape(title)) + content, class_="mark", data_c=candidate or None, **attributes
    )


def drawing(height: float, content: str, *, label: str, width: float = WIDTH, **attributes: Any) -> str:
    """The whole; a reader who does not see it hears the label."""
    return element(
        "svg", content, viewBox=f"0 0 {_value(width)} {_value(height)}", role="img", aria_label=label, **attributes
    )


@dataclass(frozen=True)
class Scale:
    """Values between low and high as places between start and end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, most: int = 5) -> list[float]:
        """Round values inside, about so many."""
        found = MaxNLocator(nbins=most, steps=_STEPS).tick_values(self.low, self.high)
        slack = 1e-9 * (self.high - self.low)
        return [float(tick) for tick in found if self.low - slack <= tick <= self.high + slack]


def around(values: Iterable[float], start: float, end: float, *, margin: float = 0.06) -> Scale:
    """The scale that holds all values that are numbers, with a margin on both sides."""
    known = [value for value in values if np.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = margin * (high - low) or max(0.02 * abs(high), 0.5)
    return Scale(low - room, high + room, start, end)


def heights(
    scale: Scale, left: float, right: float, *, write: Callable[[float], str] = "{:g}".format, most: int = 7
) -> str:
    """A grid line and a number for each round height."""
    return "".join(
        line(left, scale(tick), right, scale(tick), class_="grid")
        + text(left - 5, scale(tick) + 3.8, write(tick), text_anchor="end", class_="tick")
        for tick in scale.ticks(most)
    )


def foot(scale: Scale, y: float, title: str, *, write: Callable[[float], str] = "{:g}".format, most: int = 5) -> str:
    """The horizontal axis at height y: a line, numbers, and what they are."""
    ticks = "".join(
        line(scale(tick), y, scale(tick), y + 3, class_="axis")
        + text(scale(tick), y + 15, write(tick), text_anchor="middle", class_="tick")
        for tick in scale.ticks(most)
    )
    middle = (scale.start + scale.end) / 2
    return (
        line(scale.start, y, scale.end, y, class_="axis")
        + ticks
        + text(middle, y + 30, title, text_anchor="middle", class_="title")
    )


@dataclass(frozen=True)
class Name:
    """Words beside a point of a drawing."""

    x: float
    y: float
    words: str


def names(wanted: Sequence[Name], obstacles: Sequence[tuple[float, float]], *, inside: tuple[float, ...]) -> str:
    """The words around their points, clear of one another, of the obstacles and of the edge.

    Args:
        inside: left, top, right, bottom of where they may lie.
    """
    taken = np.array([(x - 5, y - 5, x + 5, y + 5) for x, y in obstacles] or np.empty((0, 4)))
    written = ""
    for name in wanted:
        size = _LETTER * TEXT * len(name.words), TEXT
        offset, box = best_offset(np.array([name.x, name.y]), size, taken, np.array(inside))
        taken = np.vstack([taken, box])
        left, top, _, bottom = box.tolist()
        if np.hypot(*offset) > 20:
            written += line(name.x, name.y, name.x + 0.9 * offset[0], name.y + 0.9 * offset[1], class_="lead")
        anchor = ("end", "middle", "start")[int(np.sign(round(offset[0], 6))) + 1]
        x = {"start": left, "middle": (left + box[2]) / 2, "end": box[2]}[anchor]
        written += text(float(x), (top + bottom) / 2 + 3.8, name.words, text_anchor=anchor, class_="name")
    return written


def _value(value: Any) -> str:
    if isinstance(value, float | np.floating):
        return f"{round(float(value), 1) + 0.0:g}"
    return str(value)
