"""The embedded data set: kinds of scene that differ a little in each of nineteen ways, so that learning is gradual.

A class is a point in a space of attributes (colours, directions, lengths, outline, satellites …) and an image scatters
around it; no attribute alone decides, each adds its evidence. An image also has a light, a tilt and a zoom of its own,
which move all colours towards blue or orange, all directions or all lengths together: where they are large mostly
relations between parts are left. How visible, how typical and how much moved is drawn for each image over orders of
magnitude: some are plain, some unreadable. docs/shapes.md shows samples and what was measured with them.
"""

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from scaling_search.data.drawing import CANVAS, OUTLINES, Figure, Floats, background, dot, paint, refined, rippled, tint
from scaling_search.data.source import ImageSource, Items

SIDE = 128  # pixels, native; drawn at half of it, so that no detail is finer
CLASSES = tuple(f"kind-{number:02}" for number in range(1, 13))
WARMTHS = ("ground warmth", "warmth", "core warmth", "satellite warmth")  # 0..1, blue to orange
DIRECTIONS = ("ground direction", "turn", "direction", "satellite angle")  # in half turns
LENGTHS = ("ground period", "period", "satellite size")  # 0..1, by equal factors
SHAPES = ("outline", "stretch", "core", "satellites")  # 0..1
GREENS = ("ground greenness", "greenness", "core greenness", "satellite greenness")  # 0..1, magenta to green
ATTRIBUTES = (*WARMTHS, *DIRECTIONS, *LENGTHS, *SHAPES, *GREENS)
NAME = "shapes"
DIFFICULTY = 0.55  # docs/shapes.md says what networks reach

_VERSION = 8  # goes up when the drawing changes, so that no cache keeps the old one
_SPLITS = {"train": 0, "val": 1}
# of each attribute and class, 0..1: evenly spaced, in random order
_MEANS = (np.argsort(np.random.default_rng(2).random((len(ATTRIBUTES), len(CLASSES))), axis=1) + 0.5) / len(CLASSES)


def open_shapes(*, train: int = 4000, val: int = 2000, difficulty: float = DIFFICULTY, seed: int = 0) -> ImageSource:
    """The embedded data set as a source; nothing is drawn yet.

    Args:
        train, val: number of images.
        difficulty: 0..1; how far images scatter from their class, how faint, cluttered and noisy they may be, and how
            far light, tilt and zoom move them. At 0 every image is plain and typical.
    """
    return ImageSource(
        name=NAME,
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
    view = View.drawn(rng, difficulty)
    at = _attributes(label, view)
    image = _ground(at, view)
    for _ in range(round(view.grade(1, 7)) - 1):
        grey = np.float32(view.level + _between(rng, -0.3, 0.3))
        paint(image, _clutter(rng), grey, wave=_between(rng, 0, 0.3))
    _figure(image, at, view)
    return _pixels(image, grain=view.grade(0.03, 0.4), rng=rng)


def _pixels(image: Floats, *, grain: float, rng: np.random.Generator) -> np.ndarray:
    """float32 [3, 65, 65] in 0..1 → uint8 [128, 128, 3], with noise `grain` high in each point and colour."""
    noise = np.frombuffer(rng.bytes(image.size), np.int8).reshape(image.shape)
    values = image * np.float32(255) + noise * np.float32(grain)
    np.minimum(np.maximum(values, np.float32(0), out=values), np.float32(255), out=values)
    return refined(values, 2).astype(np.uint8).transpose(1, 2, 0)


def sheet(rows: int, *, difficulty: float = DIFFICULTY, seed: int = 0) -> np.ndarray:
    """Samples side by side, a column a class: uint8 [128 · rows, 128 · classes, 3]."""
    items = open_shapes(train=rows * len(CLASSES), difficulty=difficulty, seed=seed).train
    images = np.stack([items.read(index, SIDE) for index in range(len(items))])
    return images.reshape(rows, len(CLASSES), SIDE, SIDE, 3).swapaxes(1, 2).reshape(rows * SIDE, -1, 3)


@dataclass(frozen=True, kw_only=True)
class View:
    """How one image shows its scene.

    Attributes:
        hardness: 0..1 of the image as a whole; half of them below ¼.
        light: what all warmths are moved by, towards orange, as daylight and lamps do; their range is 1.
        tilt: half turns that all directions are moved by.
        zoom: factor of all lengths.
        level: brightness of the ground.
    """

    rng: np.random.Generator
    difficulty: float
    hardness: float
    light: float
    tilt: float
    zoom: float
    level: float

    @classmethod
    def drawn(cls, rng: np.random.Generator, difficulty: float) -> "View":
        hardness = float(rng.random()) ** 2
        moved = difficulty * (0.1 + hardness)
        return cls(
            rng=rng,
            difficulty=difficulty,
            hardness=hardness,
            light=moved * _between(rng, -1, 1),
            tilt=moved * _between(rng, -1, 1),
            zoom=_power(2.0, moved * _between(rng, -1, 1)),
            level=_between(rng, 0.25, 0.45),
        )

    @property
    def scatter(self) -> float:
        """How far attributes lie from their class at most, as a fraction of their range."""
        return self.difficulty * (0.38 + self.hardness)

    def grade(self, easy: float, hard: float) -> float:
        """A strength between easy and hard by equal factors: mostly the image's own hardness, partly its own draw."""
        return _power(hard / easy, 2 * self.difficulty * (0.7 * self.hardness + 0.3 * float(self.rng.random()))) * easy


def _attributes(label: int, view: View) -> dict[str, float]:
    """Where one image lies: around its class, its warmths and directions moved by the view."""
    away = view.scatter * (view.rng.random((2, len(ATTRIBUTES))).sum(axis=0) - 1)
    found = dict(zip(ATTRIBUTES, (_MEANS[:, label] + away).tolist(), strict=True))
    moved = dict.fromkeys(WARMTHS, view.light) | dict.fromkeys(DIRECTIONS, view.tilt)
    return {name: value + moved.get(name, 0.0) for name, value in found.items()}


def _ground(at: dict[str, float], view: View) -> Floats:
    """The ground: float32 [3, 65, 65]."""
    image = background(view.rng, view.level, contrast=view.grade(0.04, 0.4))
    image += np.float32(view.grade(0.3, 0.02)) * _tint(at, "ground ")
    period = view.zoom * _power(3.6, _clipped(at["ground period"])) * 10
    image += np.float32(view.grade(0.12, 0.005)) * rippled(180 * at["ground direction"], period)
    return image


def _figure(image: Floats, at: dict[str, float], view: View) -> None:
    """The figure with its core and its satellites, laid over the ground in place."""
    grade, level = view.grade, view.level
    radius = view.zoom * _between(view.rng, 13, 19)
    x, y = _between(view.rng, radius, CANVAS - radius), _between(view.rng, radius, CANVAS - radius)
    body = Figure(
        x=x,
        y=y,
        radius=radius,
        outline=OUTLINES[int(len(OUTLINES) * at["outline"]) % len(OUTLINES)],
        turn=180 * at["turn"],
        stretch=1 + 0.6 * _clipped(at["stretch"]),
        soft=grade(1, 5),
        direction=180 * at["direction"],
        period=view.zoom * _power(3.5, _clipped(at["period"])) * 8,
    )
    paint(image, body, level + grade(0.4, 0.05) + grade(0.35, 0.02) * _tint(at, ""), wave=grade(0.4, 0.02))
    core = level - grade(0.2, 0.02) + grade(0.35, 0.02) * _tint(at, "core ")
    dot(image, x, y, radius=radius * 0.6 * (0.3 + 0.7 * _clipped(at["core"])), colour=core)
    _satellites(image, body, at, view)


def _satellites(image: Floats, body: Figure, at: dict[str, float], view: View) -> None:
    """Up to four discs in an arc round the figure, in place."""
    colour = view.level + view.grade(0.4, 0.05) + view.grade(0.35, 0.02) * _tint(at, "satellite ")
    radius = view.zoom * _power(2.4, _clipped(at["satellite size"])) * 2.5
    away = body.radius * 1.2 + radius + 1
    for number in range(int(5 * _clipped(at["satellites"]))):
        angle = pi * at["satellite angle"] + number * 1.1 + _between(view.rng, -0.2, 0.2)
        right, up = away * round(cos(angle), 6), away * round(sin(angle), 6)
        dot(image, body.x + right, body.y - up, radius=radius, colour=colour)


def _tint(at: dict[str, float], part: str) -> Floats:
    return tint(at[f"{part}warmth"], at[f"{part}greenness"])


def _clutter(rng: np.random.Generator) -> Figure:
    """Something small with any outline and waves: only the large figure's count."""
    return Figure(
        outline=OUTLINES[int(len(OUTLINES) * rng.random())],
        x=_between(rng, 0, CANVAS),
        y=_between(rng, 0, CANVAS),
        radius=_between(rng, 2, 5),
        turn=_between(rng, 0, 360),
        direction=_between(rng, 0, 180),
        period=_between(rng, 3, 8),
    )


def _clipped(value: float) -> float:
    return min(max(value, 0.0), 0.999)


def _power(base: float, exponent: float) -> float:
    return round(float(base**exponent), 6)  # rounded: the last bit of a power differs between libraries


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())
