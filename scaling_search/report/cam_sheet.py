"""Where networks look: one row an image, one column a network (Figure 7 of arXiv 1905.11946)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_search.report.figure import INK, MUTED, Plot, canvas

_HEAT = "inferno"  # from dark to light: readable in grey
_SIDE = 1.15  # inches of an image


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An image and what it is, as far as that is known.

    Attributes:
        pixels: uint8 [s, s, 3].
        truth: the name of its class; "" where nobody knows.
    """

    name: str
    pixels: np.ndarray
    truth: str


@dataclass(frozen=True, kw_only=True)
class Column:
    """A network, and what it saw in each image.

    Attributes:
        title: what it is, in a word or two; below it `note`, its size and accuracy.
        heat: float [n, h, w], 0..1.
        answers, probabilities: a class's name and its probability for each image.
    """

    title: str
    note: str
    heat: np.ndarray
    answers: Sequence[str]
    probabilities: Sequence[float]
    layer: str
    method: str


def cam_sheet(images: Sequence[Shown], columns: Sequence[Column]) -> Plot:
    """The sheet of these networks for these images."""
    table = data(images, columns)
    return Plot(
        name="cam",
        caption="Where each network looks (light) for the true class, or for its own answer where that is unknown: "
        + "; ".join(f"{one.title} by {one.method}, {one.heat.shape[1]} × {one.heat.shape[2]} cells" for one in columns)
        + ".",
        data=table,
        figure=draw(images, columns),
    )


def data(images: Sequence[Shown], columns: Sequence[Column]) -> pd.DataFrame:
    """One row an image and network: image, truth, network, answer, probability, right, method, layer, cells."""
    return pd.DataFrame(
        [
            {
                "image": image.name, "truth": image.truth, "network": column.title, "answer": column.answers[row],
                "probability": round(float(column.probabilities[row]), 4),
                "right": column.answers[row] == image.truth if image.truth else None,
                "method": column.method, "layer": column.layer, "cells": column.heat.shape[1],
            }
            for row, image in enumerate(images)
            for column in columns
        ]
    )  # fmt: skip


def draw(images: Sequence[Shown], columns: Sequence[Column]) -> Figure:
    """The first column is the image itself; the others have its map over it, and the answer below."""
    with canvas(_SIDE * (len(columns) + 1), (_SIDE + 0.2) * len(images) + 0.4) as (figure, axes):
        axes.remove()
        grid = figure.subplots(len(images), len(columns) + 1, squeeze=False)
        for row, image in enumerate(images):
            _show(grid[row][0], image.pixels, below=image.truth or "?", colour=INK)
            for place, column in enumerate(columns, start=1):
                right = column.answers[row] == image.truth or not image.truth
                below = f"{'' if right else '✗ '}{column.answers[row]} {100 * column.probabilities[row]:.0f} %"
                _show(grid[row][place], image.pixels, below=below, colour=INK if right else MUTED)
                _warm(grid[row][place], column.heat[row], len(image.pixels))
        grid[0][0].set_title("image", fontsize=7)
        for place, column in enumerate(columns, start=1):
            grid[0][place].set_title(f"{column.title}\n{column.note}", fontsize=7)
        return figure


def _show(axes: Axes, pixels: np.ndarray, *, below: str, colour: str) -> None:
    axes.imshow(pixels, interpolation="bilinear")
    axes.set(xticks=[], yticks=[])
    axes.set_xlabel(below, fontsize=7, color=colour, labelpad=2)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _warm(axes: Axes, heat: np.ndarray, side: int) -> None:
    """The map over the image, each cell as large as the part of the image that it stands for."""
    shown = _enlarged(heat, side)
    axes.imshow(
        shown, cmap=_HEAT, vmin=0, vmax=1, alpha=0.25 + 0.35 * shown, extent=(-0.5, side - 0.5, side - 0.5, -0.5)
    )


def _enlarged(heat: np.ndarray, side: int) -> np.ndarray:
    """Cells [h, w] → pixels [side, side], linearly between the middles of the cells."""
    places = (np.arange(side) + 0.5) * heat.shape[0] / side - 0.5
    low = np.clip(np.floor(places).astype(int), 0, heat.shape[0] - 1)
    high, part = np.minimum(low + 1, heat.shape[0] - 1), np.clip(places - low, 0, 1)
    rows = heat[low] * (1 - part)[:, None] + heat[high] * part[:, None]
    return np.asarray(rows[:, low] * (1 - part) + rows[:, high] * part)
