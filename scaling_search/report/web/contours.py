"""Contours of a value over scattered points as path data, by matplotlib's triangulation."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.path import Path
from matplotlib.tri import Triangulation

Place = Callable[[float, float], tuple[float, float]]
"""From a point of the plane to one of the drawing."""


def bands(places: pd.DataFrame, values: np.ndarray, levels: Sequence[float], *, at: Place) -> list[str]:
    """Path data of the area between each two neighbouring levels; "" where there is none.

    Args:
        places: columns x, y, not on one line.
        values: [n] at the places.
    """
    mesh = Triangulation(places["x"], places["y"])
    drawn = Figure().subplots().tricontourf(mesh, values, levels=levels)
    return [_written(path, at) for path in drawn.get_paths()]


def _written(path: Path, at: Place) -> str:
    """The path's rings as «M… L… Z», to a tenth of a unit."""
    return "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in np.asarray(ring)[:-1].tolist())) + "Z"
        for ring in path.to_polygons(closed_only=True)
    )
