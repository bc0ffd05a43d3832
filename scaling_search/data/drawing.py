"""Figures, waves and noise on a canvas of 65 × 65 points: what the embedded data set is drawn with.

Numpy's plain arithmetic alone (no fonts, no sine of an array, no random normals), so that the bytes depend on neither
the processor nor the versions of libraries.
"""

from dataclasses import dataclass
from math import cos, hypot, pi, sin

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

CANVAS = 65  # points of the canvas: the corners of 64 cells, between which an image is interpolated
OUTLINES = ("disc", "hexagon", "square", "triangle", "cross", "bar", "crescent", "ring")  # neighbours look alike

_PLACES = np.arange(CANVAS, dtype=np.float32)  # points
_ORANGE = np.array([0.6, 0.0, -0.6], np.float32)[:, None, None]
_GREEN = np.array([-0.4, 0.8, -0.4], np.float32)[:, None, None]
_EDGES = {"triangle": (3, 0.7776), "square": (4, 0.8862), "hexagon": (6, 0.9523)}  # corners, inner radius
_REACH = {"triangle": 1.56, "square": 1.26, "hexagon": 1.1, "cross": 1.26, "bar": 1.51, "crescent": 1.27, "ring": 1.15}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An outline filled with waves; lengths in points of the canvas, angles in degrees."""

    x: float
    y: float
    radius: float  # of the disc with about the same area: size hardly tells the outline
    outline: str = "disc"  # in OUTLINES
    turn: float = 0.0  # of the outline
    stretch: float = 1.0  # along the turned axis
    soft: float = 1.0  # width of the rim
    direction: float = 0.0  # of the waves' crests, whatever the turn
    period: float = 8.0

    @property
    def reach(self) -> tuple[float, float]:
        """From the middle to the farthest point that is painted, to the side and up."""
        along, across, turn = self.stretch, 1 / self.stretch, self.turn * pi / 180
        radius = _REACH.get(self.outline, 1.0) * self.radius
        sides = hypot(along * cos(turn), across * sin(turn)), hypot(along * sin(turn), across * cos(turn))
        return radius * sides[0] + self.soft, radius * sides[1] + self.soft


def paint(image: Floats, figure: Figure, colour: Floats | np.float32, *, wave: float = 0.0) -> None:
    """Lays a figure over float32 [3, 65, 65] in place; its waves are `wave` high from trough to crest."""
    side, up = figure.reach
    rows, columns = _window(figure.y, up), _window(figure.x, side)
    x, y = _offsets(rows, columns, figure.x, figure.y)
    filling = colour + np.float32(wave) * _ripple(x, y, figure.direction + 90, figure.period) if wave else colour
    _lay(image[:, rows, columns], distance(x, y, figure) / np.float32(figure.soft), filling)


def dot(image: Floats, x: float, y: float, *, radius: float, colour: Floats) -> None:
    """Lays a disc of one colour over float32 [3, 65, 65] in place: `paint` for what is small and many."""
    rows, columns = _window(y, radius + 0.5), _window(x, radius + 0.5)
    right, down = _offsets(rows, columns, x, y)
    _lay(image[:, rows, columns], np.sqrt(right * right + down * down) - np.float32(radius), colour)


def rippled(direction: float, period: float) -> Floats:
    """Waves over the whole canvas, −½..½, float32 [65, 65]; direction in degrees, period in points."""
    return _ripple(_PLACES, _PLACES[:, None], direction, period)


def background(rng: np.random.Generator, level: float, *, contrast: float) -> Floats:
    """Coloured noise at two scales around a random tint of a brightness, float32 [3, 65, 65]."""
    tinted = np.float32(level) + np.float32(0.1) * _noise(rng, 1)
    grid = refined(tinted + np.float32(contrast) * _noise(rng, 6), 4)[:, :18, :18]
    return refined(grid + np.float32(contrast) * _noise(rng, 18), 4)[:, :CANVAS, :CANVAS]


def _noise(rng: np.random.Generator, side: int) -> Floats:
    """Even noise, −½..½, float32 [3, side, side]."""
    return rng.random((3, side, side), dtype=np.float32) - np.float32(0.5)


def tint(warmth: float, greenness: float) -> Floats:
    """A colour of brightness 0, from blue (0) to orange (1) and from magenta (0) to green (1), float32 [3, 1, 1]."""
    return np.float32(2 * warmth - 1) * _ORANGE + np.float32(2 * greenness - 1) * _GREEN


def distance(x: Floats, y: Floats, figure: Figure) -> Floats:
    """About the points outside the outline, negative inside, at offsets x, y from the figure's middle."""
    turn, stretch = figure.turn * pi / 180, np.float32(figure.stretch)
    along, across = _along(x, y, turn) / stretch, _along(x, y, turn + pi / 2) * stretch
    radius = np.float32(figure.radius)
    if figure.outline in _EDGES:
        corners, inner = _EDGES[figure.outline]
        edges = [_along(along, across, corner * 2 * pi / corners) for corner in range(corners)]
        outermost: Floats = np.maximum.reduce(edges)
        return outermost - np.float32(inner) * radius
    if figure.outline in ("cross", "bar"):
        return _straight(np.abs(along), np.abs(across), radius, outline=figure.outline)
    return _round(along, across, radius, outline=figure.outline)


def _round(along: Floats, across: Floats, radius: np.float32, *, outline: str) -> Floats:
    """`distance` of a disc, a ring or a crescent, in the figure's own coordinates."""
    middle: Floats = np.sqrt(along * along + across * across)
    if outline == "ring":
        return _both(middle - np.float32(1.15) * radius, np.float32(0.568) * radius - middle)
    if outline == "crescent":
        bite = along - np.float32(0.79) * radius
        bitten = np.float32(0.9) * radius - np.sqrt(bite * bite + across * across)
        return _both(middle - np.float32(1.27) * radius, bitten)
    return middle - radius


def _straight(along: Floats, across: Floats, radius: np.float32, *, outline: str) -> Floats:
    """`distance` of a bar or a cross, in the figure's own coordinates, both positive."""
    if outline == "bar":
        return _both(along - np.float32(1.4) * radius, across - np.float32(0.56) * radius)
    long, short = np.float32(1.189) * radius, np.float32(0.3963) * radius  # two bars three times as long as wide
    bars: Floats = np.minimum(_both(along - long, across - short), _both(along - short, across - long))
    return bars


def _both(first: Floats, second: Floats) -> Floats:
    """What lies inside two outlines."""
    inside: Floats = np.maximum(first, second)
    return inside


def _window(middle: float, reach: float) -> slice:
    return slice(max(0, int(middle - reach)), max(0, min(CANVAS, int(middle + reach) + 2)))


def _offsets(rows: slice, columns: slice, x: float, y: float) -> tuple[Floats, Floats]:
    """From a middle to a window's points: right [w] and down [h, 1], so that only sums of both fill the window."""
    return _PLACES[columns] - np.float32(x), (_PLACES[rows] - np.float32(y))[:, None]


def _lay(patch: Floats, outside: Floats, colour: Floats | np.float32) -> None:
    """Covers float32 [3, h, w] in place where `outside` [h, w] is below 0; its rim is 1 wide, half on either side."""
    inside = np.minimum(np.maximum(np.float32(0.5) - outside, np.float32(0)), np.float32(1))
    patch += inside * (colour - patch)


def _ripple(x: Floats, y: Floats, direction: float, period: float) -> Floats:
    """A smooth wave, −½..½: a triangle wave bent by 3t² − 2t³, which needs no sine of an array."""
    cycles = _along(x, y, direction * pi / 180) / np.float32(period)
    triangle: Floats = np.abs(cycles - np.rint(cycles)) * 2 - np.float32(0.5)
    return triangle * (np.float32(1.5) - 2 * triangle * triangle)


def _along(x: Floats, y: Floats, angle: float) -> Floats:
    """Coordinate along a direction, radians. The y axis points down, so that a rising angle turns to the left."""
    # rounded: the last bit of cos differs between mathematics libraries
    return np.float32(round(cos(angle), 6)) * x - np.float32(round(sin(angle), 6)) * y


def refined(grid: Floats, factor: int) -> Floats:
    """Linear interpolation between the corners [3, k + 1, k + 1] of k cells: [3, factor · k, factor · k]."""
    cells = grid.shape[1] - 1
    across = np.empty((3, cells + 1, factor * cells), np.float32)
    fine = np.empty((3, factor * cells, factor * cells), np.float32)
    steps = [np.float32(step / factor) for step in range(factor)]
    rise = grid[:, :, 1:] - grid[:, :, :-1]
    for number, step in enumerate(steps):
        across[:, :, number::factor] = grid[:, :, :-1] + step * rise
    rise = across[:, 1:] - across[:, :-1]
    for number, step in enumerate(steps):
        fine[:, number::factor] = across[:, :-1] + step * rise
    return fine
