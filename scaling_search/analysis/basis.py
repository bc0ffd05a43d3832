"""Functions over the share triangle: the prior's middle, its smoothness, and the places where it is read.

    bowl    b(s) = −3 d(s, s0)²,  s0 half way between uniform and the paper's division: 0 there, about −1 in a corner
    kernel  R(s, s') = exp(−d² / 2 l²),  d = |s − s'| / √2, so that two corners are 1 apart

A kernel is written as R ≈ Φ Φᵀ with the eigenfunctions Φ of a lattice (Nyström): one vector of weights is then a
function everywhere, at candidates and between them, and joint draws cost one product.
"""

from functools import cache

import numpy as np

from scaling_search.coefficients import PAPER, lattice

LENGTHS = (0.2, 0.45, 1.2)  # rough, smooth, nearly a plane or bowl
LENGTH_PRIOR = (0.25, 0.4, 0.35)
PLACES_PARTS = 24  # every half, third, quarter, sixth and eighth lies on it
NODES_PARTS = 12
_DIRECTIONS = 180
_PLANE = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])  # the corners, 1 apart
_SMALLEST = 1e-6  # of the largest eigenvalue; below it a function is noise of the arithmetic
_MIDDLE = (np.full(3, 1 / 3) + np.array(PAPER.shares().as_tuple())) / 2


@cache
def places() -> np.ndarray:
    """Shares [325, 3] of every place where a surface is read."""
    return _lattice(PLACES_PARTS)


@cache
def nodes() -> np.ndarray:
    """Shares [91, 3] of a coarser lattice: what carries a function, and what looking ahead is done on."""
    return _lattice(NODES_PARTS)


def searched(shares: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Which of `among` [p, 3] lie in the hull of shares [n, 3], by half a step of the lattice: bool [p].

    A place is outside when in some direction of the plane it is beyond all shares, so a line has a hull too: a network
    that cannot get deeper has one. One place alone compares nothing, and then nothing is left out.
    """
    if alone(shares):
        return np.ones(len(among), bool)
    angles = np.pi * np.arange(_DIRECTIONS) / (_DIRECTIONS / 2)
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    reach = (directions @ (shares @ _PLANE).T).max(axis=1)  # [directions]
    beyond = (among @ _PLANE @ directions.T - reach).max(axis=1)
    return np.asarray(beyond <= 0.5 / PLACES_PARTS)


def alone(shares: np.ndarray) -> bool:
    """Whether shares [n, 3] are one place, to a step of the lattice."""
    return bool(np.ptp(shares, axis=0).max() <= 1 / PLACES_PARTS)


def bowl(shares: np.ndarray) -> np.ndarray:
    """b(s) [n] of shares [n, 3]."""
    return np.asarray(-1.5 * ((shares - _MIDDLE) ** 2).sum(axis=-1))


def features(shares: np.ndarray, length: float) -> np.ndarray:
    """Φ [n, functions] of shares [n, 3] for one length of LENGTHS."""
    return np.asarray(_kernel(shares, nodes(), length) @ _projection(length))


@cache
def _lattice(parts: int) -> np.ndarray:
    return np.array([point.as_tuple() for point in lattice(parts)])


def _kernel(first: np.ndarray, second: np.ndarray, length: float) -> np.ndarray:
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=-1) / 2
    return np.asarray(np.exp(-squared / (2 * length**2)))


@cache
def _projection(length: float) -> np.ndarray:
    """[nodes, functions] with Φ = kernel(shares, nodes) @ it."""
    values, vectors = np.linalg.eigh(_kernel(nodes(), nodes(), length))
    kept = values > _SMALLEST * values[-1]
    return np.asarray(vectors[:, kept] / np.sqrt(values[kept]))
