"""Simulated searches whose truth is known: surfaces of many kinds, what is trained, and how readings go wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from scaling_search.coefficients import PAPER, lattice

KINDS = (
    "smooth", "rough", "jagged", "bowl", "plane", "ridge", "corner", "edge", "two optima", "law", "cliff", "flat",
    "unequal noise", "bistable corner", "skewed costs", "shared validation",
)  # fmt: skip
SURFACE_SD = 0.015  # of every truth but the flat one, over the triangle
NETWORK_SD, VALIDATION_SD = 0.003, 0.006  # lasting part of one network: rounding; and a validation set of 700
BISTABLE, LOST = 0.7, 0.25  # beyond this share of one axis half of the trainings end 25 points lower
FINE = np.array([point.as_tuple() for point in lattice(24)])
Surface = Callable[[np.ndarray], np.ndarray]

CLOTHING = np.array(  # effective shares (depth, width) and cost over 2 of the recorded run's nine candidates
    [(1.0, 0.0, 1.0136), (0.0, 1.0, 0.9816), (0.0, 0.0, 0.9905), (0.3933, 0.4148, 0.9883), (0.0, 0.9515, 0.9948),
     (0.4215, 0.3713, 0.9274), (0.0, 0.7264, 0.7995), (0.7955, 0.0, 0.9260), (0.4884, 0.5116, 0.9533)]
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """What a search trains: shares [n, 3], ln(cost / target) [n], seeds a candidate, noise of a trial, growth."""

    name: str
    shares: np.ndarray
    ln_cost: np.ndarray
    seeds: int
    noise: float
    growth: float


@dataclass(frozen=True)
class Search:
    """One simulated search: readings [n, seeds], and the true surface at equal cost at FINE and at the candidates."""

    readings: np.ndarray
    ln_cost: np.ndarray
    everywhere: np.ndarray
    trained: np.ndarray


def designs() -> list[Design]:
    """9 candidates at 2× the base's cost, 15 and 30 at 8×; 1 to 3 seeds each; 1 and 2.5 points of noise."""
    depth, width, cost = CLOTHING.T
    nine = np.column_stack([depth, width, 1 - depth - width]), np.log(cost)
    fifteen = np.array([point.as_tuple() for point in lattice(4)])
    sixths = [point.as_tuple() for point in lattice(6)]
    thirty = np.array([*sixths, (0.1, 0.8, 0.1), PAPER.shares().as_tuple()])
    sets = {"9": (*nine, 2.0), "15": (fifteen, np.zeros(15), 8.0), "30": (thirty, np.zeros(30), 8.0)}
    return [
        Design(f"{name} x {seeds}, {100 * noise:g}", shares, ln_cost, seeds, noise, growth)
        for name, (shares, ln_cost, growth) in sets.items()
        for seeds in (1, 2, 3)
        for noise in (0.01, 0.025)
    ]


def simulate(kind: str, design: Design, random: np.random.Generator) -> Search:
    """One search of this kind of truth."""
    raw = _SURFACES.get(kind, _bowl)(random)
    middle = raw(FINE).mean()
    scale = 0.0 if kind == "flat" else SURFACE_SD / raw(FINE).std()
    shares, n = design.shares, len(design.shares)
    ln_cost = _skewed(shares, random) if kind == "skewed costs" else design.ln_cost
    lasting = random.normal(0, VALIDATION_SD if kind == "shared validation" else NETWORK_SD, n)
    trained = 0.6 + scale * (raw(shares) - middle)
    expected = trained + random.uniform(0.03, 0.2) * ln_cost + lasting
    spread = np.exp(random.normal(0, 0.7, n)) if kind == "unequal noise" else np.ones(n)
    readings = expected[:, None] + random.normal(0, 0.01, design.seeds)
    readings = readings + design.noise * spread[:, None] * random.standard_normal((n, design.seeds))
    everywhere = 0.6 + scale * (raw(FINE) - middle)
    if kind == "bistable corner":
        axis = random.integers(3)
        lost = (shares[:, axis] > BISTABLE)[:, None] * (random.random(readings.shape) < 0.5)
        readings = readings - LOST * lost
        everywhere, trained = (  # a network that fails half of the time is worth what it gives on average
            value - LOST / 2 * (place[:, axis] > BISTABLE) for value, place in ((everywhere, FINE), (trained, shares))
        )
    return Search(readings, ln_cost, everywhere, trained)


def _skewed(shares: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Costs up to 15 % off, the more the larger one share is."""
    return np.asarray(0.15 * random.choice([-1, 1]) * (2 * shares[:, random.integers(3)] - 1))


def _process(length: float) -> Callable[[np.random.Generator], Surface]:
    def surface(random: np.random.Generator) -> Surface:
        """A sum of 200 random waves: a stationary process with a squared-exponential kernel."""
        waves, phases = random.normal(0, 1 / length, (3, 200)), random.uniform(0, 2 * np.pi, 200)
        return lambda shares: np.cos(shares @ waves / np.sqrt(2) + phases).sum(axis=1)

    return surface


def _bowl(random: np.random.Generator) -> Surface:
    best, stretch = random.dirichlet([2, 2, 2]), random.uniform(0.5, 1.5, 3)
    return lambda shares: -((np.abs(shares - best) @ stretch) ** 1.7)


def _plane(random: np.random.Generator) -> Surface:
    slope = random.normal(0, 1, 3)
    return lambda shares: shares @ slope


def _ridge(random: np.random.Generator) -> Surface:
    across, best = random.normal(0, 1, 3), random.dirichlet([2, 2, 2])
    along = 0.15 * random.normal(0, 1, 3)
    return lambda shares: -(np.abs((shares - best) @ across) ** 1.5) + shares @ along


def _corner(random: np.random.Generator) -> Surface:
    axis, steep = random.integers(3), random.uniform(1, 4)
    return lambda shares: np.exp(steep * (shares[:, axis] - 1))


def _edge(random: np.random.Generator) -> Surface:
    without, place = random.integers(3), random.uniform(0.25, 0.75)
    best = np.insert([place, 1 - place], without, 0.0)
    return lambda shares: -((np.abs(shares - best).sum(axis=1)) ** 1.7)


def _two(random: np.random.Generator) -> Surface:
    while True:
        first, second = random.dirichlet([1, 1, 1], 2)
        if np.abs(first - second).sum() / 2 > 0.45:
            break
    height, width = random.uniform(0.85, 1.15), random.uniform(0.15, 0.3)

    def surface(shares: np.ndarray) -> np.ndarray:
        squared = [((shares - place) ** 2).sum(axis=1) / 2 for place in (first, second)]
        return np.asarray(np.exp(-squared[0] / (2 * width**2)) + height * np.exp(-squared[1] / (2 * width**2)))

    return surface


def _law(random: np.random.Generator) -> Surface:
    """A saturating power law at equal cost, eight times the base's."""
    size, power = random.dirichlet([2, 2, 2]), random.uniform(0.4, 1.5, 3)
    return lambda shares: -(size * np.exp(-np.log(8) * shares * (1, 0.5, 0.5) * power)).sum(axis=1)


def _cliff(random: np.random.Generator) -> Surface:
    """All much the same until one share is too large."""
    axis, place = random.integers(3), random.uniform(0.35, 0.7)
    return lambda shares: -1 / (1 + np.exp(-(shares[:, axis] - place) / 0.05)) - 0.1 * shares @ np.eye(3)[axis - 1]


_SURFACES: Mapping[str, Callable[[np.random.Generator], Surface]] = {
    "smooth": _process(0.8), "rough": _process(0.35), "jagged": _process(0.2), "plane": _plane, "ridge": _ridge,
    "corner": _corner, "edge": _edge, "two optima": _two, "law": _law, "cliff": _cliff,
    "shared validation": _process(0.8), "skewed costs": _process(0.8), "unequal noise": _process(0.8),
}  # fmt: skip
