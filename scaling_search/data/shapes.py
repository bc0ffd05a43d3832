"""The embedded data set: easily confused shapes, filled with fine stripes whose direction is half of the class.

Drawn with numpy's plain arithmetic alone (no fonts, no sine of an array, no random normals), so that the bytes depend
on neither the processor nor the versions of libraries. docs/shapes.md shows samples and what was measured with them.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
import numpy.typing as npt

from scaling_search.data.source import ImageSource, Items

Floats = npt.NDArray[np.float32]

SIDE = 128  # pixels, native
DIRECTIONS: dict[str, float] = {"flat": 0.0, "rising": 45.0, "upright": 90.0, "falling": 135.0}  # degrees
SHAPES = ("triangle", "disc", "cross")
CLASSES = tuple(f"{shape}-{direction}" for shape in SHAPES for direction in DIRECTIONS)
DIFFICULTY = 0.1  # docs/shapes.md says what networks reach
PERIOD = (3.0, 11.0)  # pixels of 128: a network at 48 pixels sees stripes of over 5.3, at 64 of over 4
RIM = 4.0  # pixels along the outline in which the stripes fade, so that they do not cut it up

_VERSION = 5  # goes up when the drawing changes, so that no cache keeps the old one
_SPLITS = {"train": 0, "val": 1}
_Y, _X = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)


def open_shapes(*, train: int = 4000, val: int = 2000, difficulty: float = DIFFICULTY, seed: int = 0) -> ImageSource:
    """The embedded data set as a source; nothing is drawn yet.

    Args:
        train, val: number of images.
        difficulty: 0..1; more is more noise, more clutter, fainter stripes.
    """
    return ImageSource(
        name="shapes",
        classes=CLASSES,
        train=_items("train", train, difficulty, seed),
        val=_items("val", val, difficulty, seed),
        flip=False,  # mirrored, a rising stripe falls
        identity={"shapes": _VERSION, "difficulty": difficulty, "seed": seed},
        native=SIDE,
    )


def _items(split: str, count: int, difficulty: float, seed: int) -> Items:
    labels = np.arange(count) % len(CLASSES)
    return Items(
        names=[f"{split}/{index}" for index in range(count)],
        labels=labels,
        read=lambda index, pixels: draw(
            int(labels[index]), np.random.default_rng([seed, _SPLITS[split], index]), difficulty=difficulty
        ),
    )


def draw(label: int, rng: np.random.Generator, *, difficulty: float = DIFFICULTY) -> np.ndarray:
    """One image of class CLASSES[label]: uint8 [128, 128, 3]."""
    image = _background(rng, contrast=0.05 + 0.4 * difficulty)
    for _ in range(round(12 * difficulty)):
        _paint(image, _clutter(rng), rng, contrast=0.5)
    _paint(image, _target(label, rng, difficulty), rng, contrast=0.7 - 0.3 * difficulty)
    image += np.float32(0.05 + 0.25 * difficulty) * (rng.random(image.shape, dtype=np.float32) - np.float32(0.5))
    pixels: np.ndarray = np.rint(np.clip(image, 0, 1) * np.float32(255)).astype(np.uint8)
    return pixels.transpose(1, 2, 0)


def sheet(rows: int, *, difficulty: float = DIFFICULTY, seed: int = 0) -> np.ndarray:
    """Samples side by side, a column a class: uint8 [128 · rows, 128 · classes, 3]."""
    items = open_shapes(train=rows * len(CLASSES), difficulty=difficulty, seed=seed).train
    images = np.stack([items.read(index, SIDE) for index in range(len(items))])
    return images.reshape(rows, len(CLASSES), SIDE, SIDE, 3).swapaxes(1, 2).reshape(rows * SIDE, -1, 3)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An outline filled with stripes; lengths in pixels, angles in degrees."""

    outline: str  # in SHAPES
    x: float
    y: float
    radius: float  # of the disc with the same area: size does not tell the shape
    turn: float  # of the outline
    direction: float  # of the stripes, whatever the turn
    period: float

    @property
    def reach(self) -> float:
        """From the middle to the farthest corner, pixels."""
        return self.radius * {"triangle": 1.56, "disc": 1.0, "cross": 1.26}[self.outline]


def _target(label: int, rng: np.random.Generator, difficulty: float) -> Figure:
    shape, direction = divmod(label, len(DIRECTIONS))
    radius = _between(rng, 32, 42)
    return Figure(
        outline=SHAPES[shape],
        x=_between(rng, radius, SIDE - radius),
        y=_between(rng, radius, SIDE - radius),
        radius=radius,
        turn=_between(rng, -1, 1) * (10 + 50 * difficulty),
        direction=list(DIRECTIONS.values())[direction] + _between(rng, -1, 1) * (4 + 8 * difficulty),
        period=_between(rng, *PERIOD),
    )


def _clutter(rng: np.random.Generator) -> Figure:
    """Something small with stripes of any direction: only the large figure's stripes count."""
    return Figure(
        outline=SHAPES[int(len(SHAPES) * rng.random())],
        x=_between(rng, 0, SIDE),
        y=_between(rng, 0, SIDE),
        radius=_between(rng, 4, 12),
        turn=_between(rng, 0, 360),
        direction=_between(rng, 0, 180),
        period=_between(rng, *PERIOD),
    )


def _paint(image: Floats, figure: Figure, rng: np.random.Generator, *, contrast: float) -> None:
    """Lays a figure over float32 [3, 128, 128] in place; its two colours lie contrast apart."""
    rows, columns = _window(figure.y, figure.reach), _window(figure.x, figure.reach)
    x, y = _X[rows, columns] - np.float32(figure.x), _Y[rows, columns] - np.float32(figure.y)
    middle = _colour(rng, 0.6, 0.75)
    apart = (np.float32(0.5) + np.float32(0.5) * rng.random((3, 1, 1), dtype=np.float32)) * np.float32(contrast)
    distance = _distance(x, y, figure)
    inside = np.clip(np.float32(0.5) - distance, 0, 1)
    core = np.clip(-distance / RIM - np.float32(0.5), 0, 1)
    wave = core * (_stripes(x, y, figure) - np.float32(0.5))
    patch = image[:, rows, columns]
    patch += inside * (middle + wave * apart - patch)


def _window(middle: float, reach: float) -> slice:
    return slice(max(0, int(middle - reach)), min(SIDE, int(middle + reach) + 2))


def _distance(x: Floats, y: Floats, figure: Figure) -> Floats:
    """Pixels outside the outline, negative inside. Each outline has the area of a disc of the figure's radius."""
    radius, turn = np.float32(figure.radius), figure.turn * pi / 180
    if figure.outline == "disc":
        return np.sqrt(x * x + y * y) - radius
    if figure.outline == "triangle":
        edges: Floats = np.maximum.reduce([_along(x, y, turn + third * 2 * pi / 3) for third in range(3)])
        return edges - np.float32(0.7776) * radius  # area 3√3 of the inner radius squared
    across, up = np.abs(_along(x, y, turn)), np.abs(_along(x, y, turn + pi / 2))
    long, short = np.float32(1.189) * radius, np.float32(0.3963) * radius  # bars three times as long as wide
    return np.minimum(np.maximum(across - long, up - short), np.maximum(across - short, up - long))


def _stripes(x: Floats, y: Floats, figure: Figure) -> Floats:
    """A smooth wave across the stripes, 0..1: a triangle wave bent by 3t² − 2t³, which needs no sine of an array."""
    cycles = _along(x, y, (figure.direction + 90) * pi / 180) / np.float32(figure.period)
    triangle: Floats = np.abs(2 * (cycles - np.floor(cycles)) - 1)
    return triangle * triangle * (3 - 2 * triangle)


def _along(x: Floats, y: Floats, angle: float) -> Floats:
    """Coordinate along a direction, radians. The y axis points down, so that «rising» looks as it reads."""
    # rounded: the last bit of cos differs between mathematics libraries
    return np.float32(round(cos(angle), 6)) * x - np.float32(round(sin(angle), 6)) * y


def _background(rng: np.random.Generator, *, contrast: float) -> Floats:
    """Coloured noise at several scales around a random colour, float32 [3, 128, 128]."""
    grid = np.broadcast_to(_colour(rng, 0.1, 0.3), (3, 3, 3))
    for cells in (2, 8, 32):
        grid = _refined(grid, cells)
        grid = grid + np.float32(contrast) * (rng.random(grid.shape, dtype=np.float32) - np.float32(0.5))
    return np.ascontiguousarray(_refined(grid, SIDE)[:, :-1, :-1])


def _refined(grid: Floats, cells: int) -> Floats:
    """Linear interpolation of the corners [3, k + 1, k + 1] of k cells to those of a multiple of k cells."""
    return _refined_across(_refined_across(grid, cells).swapaxes(1, 2), cells).swapaxes(1, 2)


def _refined_across(grid: Floats, cells: int) -> Floats:
    """`_refined` along the last axis alone."""
    factor = cells // (grid.shape[-1] - 1)
    fine = np.empty((*grid.shape[:-1], cells + 1), np.float32)
    for step in range(factor):
        weight = np.float32(step / factor)
        fine[..., step:-1:factor] = grid[..., :-1] * (1 - weight) + grid[..., 1:] * weight
    fine[..., -1] = grid[..., -1]
    return fine


def _colour(rng: np.random.Generator, low: float, high: float) -> Floats:
    """A tinted grey of a brightness between low and high, float32 [3, 1, 1]."""
    tint = np.float32(0.2) * (rng.random((3, 1, 1), dtype=np.float32) - np.float32(0.5))
    return np.float32(_between(rng, low, high)) + tint


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())
