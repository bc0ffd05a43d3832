"""A figure is data first, drawing second: what is drawn is a table, and the table is written beside the picture."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scaling_search.files import write_atomically

# After Okabe and Ito, darkened until text in them is readable on white. Every use is labelled too, so that nobody has
# to tell colours apart. Grey is for what is no reference.
COLOURS: Mapping[str, str] = {
    "depth": "#0072B2",
    "width": "#D55E00",
    "resolution": "#117733",
    "uniform": "#7A55C7",
    "fast": "#9C7500",
    "paper": "#B0307A",
}
MARKERS: Mapping[str, str] = {"depth": "v", "width": "s", "resolution": "^", "uniform": "D", "fast": "P", "paper": "X"}
DASHES: Mapping[str, str | tuple[float, tuple[float, ...]]] = {
    "depth": "--", "width": ":", "resolution": "-.", "uniform": (0, (5, 1)), "fast": (0, (1, 1)),
    "paper": (0, (3, 1, 1, 1)),
}  # fmt: skip
"""Shapes and dashes beside the colours, for a page printed in grey."""
INK, MUTED, FAINT = "#222222", "#767676", "#d9d9d9"
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same picture on every machine
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
    "svg.hashsalt": "scaling-search",  # the ids within, random otherwise
}


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawn figure with the table that it was drawn from and the sentence that explains it."""

    name: str
    caption: str
    data: pd.DataFrame
    figure: Figure

    def write(self, folder: Path) -> list[Path]:
        """Writes name.csv, name.svg and name.png into folder."""
        contents = {"csv": self.data.to_csv(index=False).encode(), "svg": self.svg, "png": self.png}
        paths = [folder / f"{self.name}.{kind}" for kind in contents]
        for path, content in zip(paths, contents.values(), strict=True):
            write_atomically(path, content)
        return paths

    @cached_property
    def svg(self) -> bytes:
        return self._image("svg", metadata={"Date": None})  # equal data gives equal bytes

    @cached_property
    def png(self) -> bytes:
        return self._image("png")

    def _image(self, kind: str, **options: Any) -> bytes:
        buffer = BytesIO()
        with mpl.rc_context(_STYLE):
            self.figure.savefig(buffer, format=kind, **options)
        return buffer.getvalue()

    def data_uri(self) -> str:
        """The picture as an address that needs no network. SVG inside an image element can run nothing."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


@contextmanager
def canvas(width: float = 7.2, height: float = 4.4) -> Iterator[tuple[Figure, Axes]]:
    """A figure of width × height inches in the house style, with one pair of axes."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots()


def rows(table: pd.DataFrame) -> Iterator[Any]:
    """The rows as named tuples; untyped, since no checker knows a table's columns."""
    return iter(table.itertuples())


def colour_of(named: str, picked: bool = False) -> str:
    """The colour of a candidate: ink when it is nearest to the pick, else that of the first of its names."""
    return INK if picked else COLOURS.get(named.split(";")[0], MUTED)


def marker_of(named: str) -> str:
    """The shape of a candidate's dot: that of the first of its names, else a circle."""
    return MARKERS.get(named.split(";")[0], "o")


def call(named: str, picked: bool = False) -> str:
    """How a figure calls a candidate."""
    return " · ".join(part for part in (named.replace(";", " = "), "nearest to the pick" if picked else "") if part)
