"""The pick: the best expected division within what was searched, and where else the best could be."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import ConvexHull, QhullError

from scaling_search.analysis.contenders import Contenders, contenders
from scaling_search.analysis.surface import Surface
from scaling_search.analysis.trials import SHARES
from scaling_search.coefficients import Coefficients, Shares, lattice

PARTS = 24  # of the lattice on which a surface is read: every half, third, quarter, sixth and eighth lies on it
_TOUCHES = 0.5 / PARTS  # of the border: nearer than the lattice can tell
_SLACK = 1e-6


@dataclass(frozen=True, kw_only=True)
class Pick:
    """The division with the best expected accuracy at equal cost; `candidate` is the nearest one that was trained.

    `distance` to it is the fraction of the added compute that the two divide differently. `at_border`: the best lies
    at the edge of what was searched, so something beyond it may be better.
    """

    shares: Shares
    top1: float
    top1_se: float | None
    candidate: str
    distance: float
    at_border: bool

    @property
    def coefficients(self) -> Coefficients:
        """α, β, γ of these shares with α·β²·γ² = 2."""
        return self.shares.coefficients()


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """Every place that was judged: `places` has SHARES, candidate ("" between candidates), top1, inside, …

    The columns are those of `Contenders`; the places are the trained candidates and, where there is a surface, the
    lattice points within their hull.
    """

    places: pd.DataFrame
    pick: Pick

    @property
    def candidates(self) -> pd.DataFrame:
        """The places that are trained candidates, indexed by candidate."""
        return self.places[self.places["candidate"] != ""].set_index("candidate")

    @property
    def region(self) -> pd.DataFrame:
        """The places that may be the best."""
        return self.places[self.places["inside"]]


def compute_apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Fraction of the added compute that two divisions [..., 3] spend on different axes: 0 equal, 1 disjoint."""
    return np.asarray(np.abs(first - second).sum(axis=-1) / 2)


def explore(surface: Surface, candidates: pd.DataFrame) -> Landscape:
    """Reads the surface at the candidates and between them, and picks the best place."""
    names = list(surface.candidates)
    shares = candidates.loc[names, SHARES].to_numpy(float)  # [candidates, 3]
    rows = surface.candidate_rows(candidates)
    if surface.kind != "means":
        between = _lattice_within(shares)
        shares, rows = np.vstack([shares, between]), np.vstack([rows, surface.rows(between)])
        names += [""] * len(between)
    trained = np.array([name != "" for name in names])
    judged = contenders(rows, surface.beta, surface.covariance, surface.dof, ranked=trained)
    places = pd.DataFrame(shares, columns=SHARES).assign(candidate=names, top1=judged.value, top1_se=judged.value_se)
    for column in ("inside", "gap", "gap_se", "statistic", "critical", "probability"):
        places[column] = getattr(judged, column)
    return Landscape(places=places, pick=_pick(judged, shares, places[trained]))


def _pick(judged: Contenders, shares: np.ndarray, trained: pd.DataFrame) -> Pick:
    place, error = shares[judged.best], judged.value_se[judged.best]
    corners = trained[SHARES].to_numpy(float)
    apart = compute_apart(corners, place)
    nearest = int(np.argmin(apart))
    depth, width, resolution = (float(share) for share in place)
    return Pick(
        shares=Shares(depth=depth, width=width, resolution=resolution),
        top1=float(judged.value[judged.best]),
        top1_se=None if np.isnan(error) else float(error),
        candidate=str(trained["candidate"].iloc[nearest]),
        distance=float(apart[nearest]),
        at_border=_depth_within(place[None], corners)[0] < _TOUCHES,
    )


def _lattice_within(shares: np.ndarray) -> np.ndarray:
    """The points [n, 3] of the fine lattice that lie in the hull of shares, its border included."""
    points = np.array([point.as_tuple() for point in lattice(PARTS)])
    return points[_depth_within(points, shares) > -_SLACK]


def _depth_within(points: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Distance [n] of points from the border of the hull of shares, negative outside; 0 where the hull has no area."""
    try:
        hull = ConvexHull(shares[:, :2])  # two shares tell the third
    except (QhullError, ValueError):
        return np.zeros(len(points))
    normals, offsets = hull.equations[:, :2], hull.equations[:, 2]
    return np.asarray(-(points[:, :2] @ normals.T + offsets).max(axis=1))
