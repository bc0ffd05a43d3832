"""The drawing of a verification: where the pick moved, as arrows in a small share triangle."""

from itertools import pairwise
from math import atan2, cos, pi, sin, sqrt

from scaling_search.report.cards.drawings import WIDTH
from scaling_search.report.web.svg import Name, circle, drawing, names, polyline, text
from scaling_search.search.verification import Division, Transfer

_SIDE, _LEFT, _TOP = 190.0, 55.0, 22.0
_STILL = 4.0  # units; a shorter arrow is none


def drift(transfer: Transfer) -> str:
    """The picks in the share triangle, joined by arrows in the order in which they were found."""
    places = [_at(pick.shares) for pick in transfer.picks]
    corners = [_place(0, 0), _place(1, 0), _place(0.5, sqrt(3) / 2)]
    arrows = "".join(_arrow(*ends) for ends in pairwise(places))
    dots = "".join(circle(*place, 4, class_="dot inside") for place in places)
    bottom = _TOP + _SIDE * sqrt(3) / 2
    height = bottom + 24
    words = names(
        [Name(*place, pick.of) for place, pick in zip(places, transfer.picks, strict=True)], places,
        inside=(0, 0, WIDTH, bottom),
    )  # fmt: skip
    return drawing(
        height,
        polyline([*corners, corners[0]], class_="axis")
        + text(_LEFT, bottom + 16, "all to depth", text_anchor="middle", class_="tick")
        + text(_LEFT + _SIDE, bottom + 16, "all to width", text_anchor="middle", class_="tick")
        + text(_LEFT + _SIDE / 2, _TOP - 9, "all to resolution", text_anchor="middle", class_="tick")
        + arrows
        + dots
        + words,
        width=WIDTH,
        label="Where the pick moved with fresh seeds, longer trainings and networks of other growths.",
    )


def _at(shares: Division) -> tuple[float, float]:
    return _place(shares.width + shares.resolution / 2, shares.resolution * sqrt(3) / 2)


def _place(x: float, y: float) -> tuple[float, float]:
    """A point of the plane in which depth is at (0, 0) and width at (1, 0)."""
    return _LEFT + _SIDE * x, _TOP + _SIDE * (sqrt(3) / 2 - y)


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    if abs(x2 - x1) + abs(y2 - y1) < _STILL:
        return ""
    angle = atan2(y2 - y1, x2 - x1)
    tip = x2 - 5 * cos(angle), y2 - 5 * sin(angle)
    barbs = [(tip[0] - 7 * cos(angle + turn), tip[1] - 7 * sin(angle + turn)) for turn in (-pi / 7, pi / 7)]
    return polyline([start, tip], class_="stroke") + polyline([barbs[0], tip, barbs[1]], class_="stroke")
