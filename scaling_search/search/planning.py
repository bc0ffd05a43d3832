"""From a time budget to a plan: how fine a lattice, how many seeds, how many epochs.

Seconds an image takes are measured on four networks (the base and the three corners of the share triangle) and read
off linearly in between: all candidates cost about the same multiply-adds, and what differs (memory traffic,
per-layer overhead) changes smoothly with the shares.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from scaling_search.coefficients import Shares

DETAIL = ((1, 2), (2, 2), (3, 2), (4, 2), (6, 2), (6, 3))
"""(lattice parts, seeds), coarsest first: 3, 6, 10, 15, 28 and 28 lattice points beside the named ones."""

EVALUATION = 1 / 3
"""An image of the validation set costs a forward pass only: about a third of a training step's image."""

STARTUP_SECONDS = 15.0
"""Ray's start, the workers' import of torch, the analysis and the report."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds that one training image takes in one worker, at the corners of the share triangle and growth `growth`."""

    depth: float
    width: float
    resolution: float
    growth: float = 2.0

    def seconds_per_image(self, shares: Shares, macs_ratio: float) -> float:
        """Linear in the shares, and in the realised cost over the one that the corners were built for."""
        at_corners = shares.depth * self.depth + shares.width * self.width + shares.resolution * self.resolution
        return at_corners * macs_ratio / self.growth


@dataclass(frozen=True, kw_only=True)
class Load:
    """One candidate's part in a plan."""

    shares: Shares
    macs_ratio: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run will do, and for how long it is expected to."""

    parts: int
    seeds: int
    epochs: int
    candidates: int
    workers: int
    seconds: float

    @property
    def trials(self) -> int:
        return self.candidates * self.seeds


def expected_seconds(
    loads: Sequence[Load], speed: Speed, *, seeds: int, epochs: int, images: tuple[int, int], workers: int
) -> float:
    """Wall-clock seconds: the longest of `workers` equally filled queues, plus the start.

    Args:
        images: training and validation images of one epoch.
    """
    train, val = images
    each = [
        epochs * (train + EVALUATION * val) * speed.seconds_per_image(load.shares, load.macs_ratio) for load in loads
    ]
    # The last trial runs alone while the other workers wait: half a trial on average.
    return STARTUP_SECONDS + seeds * sum(each) / workers + (max(each) / 2 if workers > 1 else 0.0)


def choose_plan(
    loads: Callable[[int], Sequence[Load]],
    speed: Speed,
    *,
    budget_seconds: float,
    images: tuple[int, int],
    workers: int,
    minimum_epochs: int,
    maximum_epochs: int,
    parts: int | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
) -> Plan:
    """The finest plan whose trials still get minimum_epochs; else the coarsest, with the epochs that fit (at least 1).

    Args:
        loads: the candidates of a lattice with that many parts.
        parts, seeds, epochs: fixed by the user; the others adapt.
    """
    chosen: Plan | None = None
    for ladder_parts, ladder_seeds in DETAIL:
        here, repeats = parts or ladder_parts, seeds or ladder_seeds
        candidates = loads(here)

        def seconds(count: int, candidates: Sequence[Load] = candidates, repeats: int = repeats) -> float:
            return expected_seconds(candidates, speed, seeds=repeats, epochs=count, images=images, workers=workers)

        fitting = floor((budget_seconds - seconds(0)) / (seconds(1) - seconds(0)))
        if chosen is not None and fitting < (epochs or minimum_epochs):
            break
        count = epochs or min(max(fitting, 1), maximum_epochs)
        chosen = Plan(
            parts=here,
            seeds=repeats,
            epochs=count,
            candidates=len(candidates),
            workers=workers,
            seconds=ceil(seconds(count)),
        )
    assert chosen is not None
    return chosen
