"""From a time budget to a plan: how fine a search, how many seeds, how many epochs.

Seconds an image takes are measured on the three corner networks of the share triangle and read off linearly in
between: all candidates cost about the same multiply-adds, and what differs (memory traffic, per-layer overhead)
changes smoothly with the shares.
"""

from collections.abc import Callable, Sequence
from math import ceil, floor
from statistics import fmean
from typing import TYPE_CHECKING, TypeVar

from pydantic import Field

from scaling_search.architecture import Network
from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.configuration import Strict
from scaling_search.errors import InvalidInput
from scaling_search.search.space import Candidate, Rule, Space
from scaling_search.strategies import Point, Strategy

if TYPE_CHECKING:
    from scaling_search.search.kept_speed import TrainingSpeeds

AnyOf = TypeVar("AnyOf", bound=Strategy)

EVALUATION = 1 / 3
"""An image of the validation set costs a forward pass only: about a third of a training step's image."""

STARTUP_SECONDS = 15.0
"""Ray's start, the workers' import of torch, the analysis and the report."""

ENDING_SECONDS = 15.0
"""The command's own start, a worker's before its last trial, the analysis and the report: 10 s on a fast machine."""


class Speed(Strict):
    """Seconds that one training image takes in one worker, at the corners of the share triangle.

    Attributes:
        growth: MACs over the base's at which the corners are given.
    """

    depth: float = Field(gt=0)
    width: float = Field(gt=0)
    resolution: float = Field(gt=0)
    growth: float = Field(default=2.0, gt=0)

    def seconds_per_image(self, shares: Shares, macs_ratio: float) -> float:
        """Linear in the shares, and in the realised cost over the one that the corners are given for."""
        at_corners = shares.depth * self.depth + shares.width * self.width + shares.resolution * self.resolution
        return at_corners * macs_ratio / self.growth


class Plan(Strict):
    """What a run will do, and for how long it is expected to. Seeds and epochs are the strategy's.

    Attributes:
        candidates: with those that a sampling strategy will propose.
        trials: trainings in all.
        seconds: expected, of wall-clock time.
        budget_seconds: what it was made to fit.
        more: of the trials, those that were added last because time was left.
        final: all has been trained, and no time was left for anything else: resuming adds nothing.
    """

    candidates: int = Field(ge=1)
    trials: int = Field(ge=1)
    seconds: float = Field(ge=0)
    budget_seconds: float = Field(gt=0)
    more: int = Field(default=0, ge=0)
    final: bool = False


class Work(Strict):
    """What a plan counts with: images of an epoch, trials at once, and the fewest and most epochs of a trial."""

    train_images: int = Field(ge=1)
    val_images: int = Field(ge=1)
    workers: int = Field(ge=1)
    minimum_epochs: int = Field(ge=1)
    maximum_epochs: int = Field(ge=1)

    @property
    def images(self) -> float:
        """Images that one epoch costs, in training images."""
        return self.train_images + EVALUATION * self.val_images


def image_seconds(candidates: Sequence[Candidate], speed: Speed, *, proposals: int = 0) -> list[float]:
    """Seconds an image of each candidate, and of so many proposals, which are counted with uniform shares."""
    loads = [(candidate.shares, candidate.macs_ratio) for candidate in candidates]
    mean = sum(ratio for _, ratio in loads) / len(loads)
    loads += [(REFERENCES["uniform"], mean)] * proposals
    return [speed.seconds_per_image(shares, ratio) for shares, ratio in loads]


def expected_seconds(each: Sequence[float], work: Work, *, trainings: float, epochs: int) -> float:
    """Wall-clock seconds: the longest of `workers` equally filled queues, plus the start.

    Args:
        each: seconds an image of every candidate.
        trainings: in all; spread evenly over the candidates. Those of the unscaled network are fractions of one.
    """
    trials = [epochs * work.images * seconds for seconds in each]
    # The last trial runs alone while the other workers wait: half a trial on average.
    last = max(trials) / 2 if work.workers > 1 else 0.0
    return STARTUP_SECONDS + trainings * fmean(trials) / work.workers + last


def choose_plan(
    refinements: Sequence[AnyOf],
    candidates: Callable[[AnyOf], Sequence[Candidate]],
    *,
    speed: Speed,
    work: Work,
    budget_seconds: float,
    unscaled: int = 0,
) -> tuple[AnyOf, Plan]:
    """The finest refinement whose trials still get the fewest epochs; else the coarsest, with those that fit.

    Args:
        refinements: of a strategy, the coarsest first: what it leaves open is filled in, what the user fixed stays.
        candidates: those of a refinement.
        unscaled: trainings of the unscaled network beside them.

    Returns:
        The strategy with nothing left open, and its plan.
    """
    chosen: tuple[AnyOf, Plan] | None = None
    for finer in refinements:
        each = image_seconds(candidates(finer), speed, proposals=finer.proposals)
        trainings = finer.trainings(len(each))
        load = trainings + unscaled / speed.growth
        start, one = (expected_seconds(each, work, trainings=load, epochs=epochs) for epochs in (0, 1))
        fitting = floor((budget_seconds - start) / (one - start))
        if chosen is not None and fitting < (finer.epochs or work.minimum_epochs):
            break
        epochs = finer.epochs or min(max(fitting, 1), work.maximum_epochs)
        seconds = ceil(expected_seconds(each, work, trainings=load, epochs=epochs))
        plan = Plan(candidates=len(each), trials=trainings, seconds=float(seconds), budget_seconds=budget_seconds)
        chosen = finer.with_epochs(epochs), plan
    assert chosen is not None, "a strategy has at least one refinement"
    return chosen


def measure_corners(base: Network, *, growth: float, speeds: "TrainingSpeeds") -> Speed:
    """How fast the three corner networks train: measured in a few steps, where it is not known from before.

    Args:
        growth: MACs of the corners over the base's.

    Raises:
        InvalidInput: one of them cannot be built or does not fit into memory, or none is reached.
    """
    from scaling_search.environment import use_one_thread
    from scaling_search.training.failure import TrainingFailed

    if speeds.device == "cpu":
        use_one_thread()
    space = Space(base=base, rule=Rule(growth=growth))

    def seconds(name: str) -> float | None:
        corner = space.candidate(Point(coefficients=REFERENCES[name].coefficients()))
        if corner is None:
            return None
        try:
            rate = speeds.of(corner.network)
        except TrainingFailed as error:
            raise InvalidInput(f"the proxy with all added compute in {name} cannot be trained: {error}") from error
        return growth / corner.macs_ratio / rate

    found = {name: seconds(name) for name in ("depth", "width", "resolution")}
    known = [value for value in found.values() if value is not None]
    if not known:
        raise InvalidInput("no network adds so much compute to one dimension alone")
    return Speed(**{name: value or fmean(known) for name, value in found.items()}, growth=growth)
