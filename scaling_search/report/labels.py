"""Direct labels that do not overlap: each is put where it hides least."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation

from scaling_search.report.figure import MUTED

_DIRECTIONS = np.deg2rad([0, 180, 90, 270, 35, 145, 325, 215])
_DISTANCES = (9, 18, 30, 44)  # points from the marker, the nearest preferred
_MARKER, _LINE = 5, 2  # pixels around a marker and a line that a label must leave free
_TEXT = 0.045  # height of a line of label text, as a fraction of the axes


@dataclass(frozen=True)
class Label:
    """A text beside the point (x, y), in data coordinates."""

    x: float
    y: float
    text: str
    colour: str


def place(axes: Axes, labels: Sequence[Label], obstacles: np.ndarray, lines: Sequence[Line2D] = ()) -> None:
    """Writes the labels around their points, clear of one another, of the obstacles [n, 2], the lines and the edge.

    Call it last: what is drawn later may change the limits that the places were found for.
    """
    figure = axes.figure
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()  # lets the layout settle
    renderer: RendererAgg = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    inside = np.array(axes.get_window_extent(renderer).extents)
    taken = np.vstack(
        [_around(axes.transData.transform(obstacles), _MARKER), *(_around(_along(line), _LINE) for line in lines)]
    )
    for label in labels:
        text = axes.annotate(
            label.text, (label.x, label.y), xytext=(0, 0), textcoords="offset points", color=label.colour, fontsize=9,
            path_effects=[withStroke(linewidth=2.2, foreground="white")], zorder=6,
        )  # fmt: skip
        extent = text.get_window_extent(renderer)
        point = axes.transData.transform((label.x, label.y))
        offset, box = best_offset(point, (extent.width, extent.height), taken, inside, unit=figure.dpi / 72)
        _anchor(text, offset)
        taken = np.vstack([taken, box])
        if np.hypot(*offset) > _DISTANCES[0] + 1:
            _lead(axes, label, offset)


def best_offset(
    point: np.ndarray, size: tuple[float, float], taken: np.ndarray, inside: np.ndarray, *, unit: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Where a text beside a point hides least: its offset [2] in points, and the box [4] that it then takes.

    Args:
        point: [2], in pixels.
        size: width and height of the text, in pixels.
        taken: boxes [n, 4] (left, bottom, right, top) that others have.
        inside: the box [4] that it should not leave.
        unit: pixels a point.
    """
    offsets = _offsets()  # [k, 2] points
    boxes = _boxes(point + offsets * unit, np.sign(np.round(offsets, 6)), *size)
    best = int(np.argmin(_hidden(boxes, taken, inside) + np.hypot(*offsets.T)))
    return offsets[best], boxes[best]


def spread(positions: np.ndarray, gap: float) -> np.ndarray:
    """Positions [n] moved as little as is simple so that neighbours are at least gap apart, order kept."""
    order = np.argsort(positions)
    placed = positions[order].astype(float)
    for _ in range(len(placed) ** 2):
        short = gap - np.diff(placed)
        if not (short > 1e-9).any():
            break
        worst = int(np.argmax(short))
        placed[worst] -= short[worst] / 2
        placed[worst + 1] += short[worst] / 2
    result = np.empty_like(placed)
    result[order] = placed
    return result


def label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Writes each name right of the axes at the height where its line ends, moved apart where they crowd.

    Args:
        ends: (x, y, text, colour) of each line, in data coordinates.
    """
    low, high = axes.get_ylim()
    heights = spread(np.array([y for _, y, _, _ in ends]), _TEXT * (high - low))
    for (x, y, text, colour), height in zip(ends, heights, strict=True):
        axes.annotate(
            text, (x, y), xytext=(1.03, (height - low) / (high - low)), textcoords="axes fraction", color=colour,
            va="center", fontsize=9, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "shrinkA": 1, "relpos": (0, 0.5)},
        )  # fmt: skip


def _along(line: Line2D) -> np.ndarray:
    """Points [n, 2] in pixels along a drawn line."""
    return np.asarray(line.get_transform().transform_path(line.get_path()).interpolated(25).vertices)


def _offsets() -> np.ndarray:
    """The places tried, [k, 2] in points from the marker, the preferred first."""
    directions = np.column_stack([np.cos(_DIRECTIONS), np.sin(_DIRECTIONS)])
    return np.vstack([distance * directions for distance in _DISTANCES])


def _around(points: np.ndarray, radius: float) -> np.ndarray:
    """Boxes [n, 4] (left, bottom, right, top) around points [n, 2]."""
    return np.hstack([points - radius, points + radius])


def _boxes(anchors: np.ndarray, side: np.ndarray, width: float, height: float) -> np.ndarray:
    """Where a text of this size lies [k, 4] when it grows from each anchor to the side it is offset to (−1, 0, 1)."""
    size = np.array([width, height])
    low = anchors + (side - 1) / 2 * size
    return np.hstack([low, low + size])


def _hidden(boxes: np.ndarray, taken: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Square pixels [k] that a label in each of the boxes would cover of what is taken, or lose outside the axes."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    lost = area - _common(boxes, inside[None])[:, 0]
    return np.asarray(4 * lost + _common(boxes, taken).sum(axis=1))


def _common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Areas [k, n] that boxes [k, 4] and [n, 4] share."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.asarray(np.clip(high - low, 0, None).prod(axis=2))


def _anchor(text: Annotation, offset: np.ndarray) -> None:
    horizontal, vertical = np.sign(np.round(offset, 6)).astype(int) + 1
    text.set(
        position=tuple(offset),
        horizontalalignment=("right", "center", "left")[horizontal],
        verticalalignment=("top", "center", "bottom")[vertical],
    )


def _lead(axes: Axes, label: Label, offset: np.ndarray) -> None:
    """A thin line from the point to its distant label, behind the other labels."""
    axes.annotate(
        "", (label.x, label.y), xytext=tuple(0.95 * offset), textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": MUTED, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 3},
        zorder=5,
    )  # fmt: skip
