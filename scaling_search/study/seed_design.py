"""What a search for a baseline is made of: the design of a search whose points are choices in a space of stages."""

from dataclasses import dataclass, fields
from math import ceil
from random import Random as Generator
from statistics import fmean
from typing import Any

from scaling_search.architecture import Network, parse_target
from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor
from scaling_search.search.plan import Speed, expected_seconds
from scaling_search.search.proxy import with_room
from scaling_search.search.record import Question
from scaling_search.search.searchspace import SearchSpace
from scaling_search.search.space import Space
from scaling_search.search.staged import MOST_COST, Seeking, StagedSpace
from scaling_search.search.stages import StagedName, StageSpace
from scaling_search.strategies import STAGED, Goal
from scaling_search.strategies.goal import SOFT_WEIGHT, Reward
from scaling_search.study.dataset import Data
from scaling_search.study.design import Design, make_design, make_limits
from scaling_search.study.network import ScalableNetwork, stopwatch
from scaling_search.study.options import Options
from scaling_search.units import format_count

_DRAWS = 200
"""Networks within the limits that tell what a candidate costs on average."""


@dataclass(frozen=True, kw_only=True)
class SeedDesign(Design):
    """A design whose candidates are networks of a space of stages, all made small alike."""

    @property
    def measured(self) -> str:
        """What the speed is measured on."""
        return "networks of the space"

    def space(self, base: Network) -> Space:
        """What may be tried."""
        assert self.seeking is not None
        limits = make_limits(self.question, stopwatch(self.question.latency_on))
        return StagedSpace.of(self.seeking, classes=base.classes, limits=limits)

    def packed_resolution(self, classes: int) -> int:
        """What images are packed at, in pixels: all candidates are shown images of one size."""
        return with_room(self.size.resolution)

    def affordable(self, train_images: int, val_images: int, *, classes: int) -> "tuple[SeedDesign, Speed]":
        """The speed of the space's own network, for candidates that cost what they do on average."""
        from scaling_search.environment import use_one_thread
        from scaling_search.training.speed import measure_speed

        if self.device == "cpu":
            use_one_thread()
        rate = measure_speed(self.base(classes), batch_size=self.recipe.batch_size, device=self.device)
        seconds = self._mean_cost() / rate
        return self, Speed(depth=seconds, width=seconds, resolution=seconds, growth=1.0)

    def least_seconds(self, speed: Speed, train_images: int, val_images: int) -> float:
        """What the coarsest plan takes with the fewest epochs."""
        coarsest, work = self.strategy.refinements()[0], self.work(train_images, val_images)
        trainings = coarsest.trainings(1 + coarsest.proposals)
        epochs = self.strategy.epochs or work.minimum_epochs
        return expected_seconds([speed.depth] * trainings, work, trainings=trainings, epochs=epochs)

    def base(self, classes: int) -> Network:
        """The stand-in of the space's own network."""
        assert self.seeking is not None
        return self.seeking.small(self.full, classes)

    def _mean_cost(self) -> float:
        """MACs of a candidate over those of the space's own network, on average over what is not too dear."""
        assert self.seeking is not None
        space, own, generator = self.seeking.space, self.full.cost().macs, Generator(0)
        costs = [space.drawn(generator).cost().macs for _ in range(_DRAWS)]
        return fmean([own, *(cost for cost in costs if cost <= (self.question.max_macs or cost))]) / own


def make_seed_design(
    space: StageSpace,
    data: Data,
    *,
    target: str,
    reward: Reward = "soft",
    weight: float | None = None,
    strategy: StagedName = "evolution",
    samples: int | None = None,
    executor: Executor | None = None,
    options: dict[str, Any],
) -> SeedDesign:
    """Turns the wishes into things; writes nothing, and reads no images.

    Args:
        target: MACs at full size, as «macs=400M» or «macs=1.2x» (times the space's own network).
        weight: of the soft reward; None: −0.07.
        samples: networks that are tried beside the space's own; None: as the budget allows.
        options: of `Options`; those of divisions are not among them.

    Raises:
        InvalidInput: a wish cannot be met, or two contradict each other; the message says what would work.
    """
    own = space.network()
    macs = _target(space, target)
    goal = _goal(reward, weight, target=macs / own.cost().macs)
    asked = parse(Options, {**options, "leverage": 2.0, "pilot": False}, origin="options")
    most = asked.max_macs or ceil(MOST_COST * macs)
    start = space.start if own.cost().macs <= most else space.extreme(cheapest=True)
    settings = {"samples": samples, "seeds": asked.seeds, "epochs": asked.epochs}
    made = parse(
        STAGED[strategy], {"answers": space.sizes, "start": start, "goal": goal.model_dump(), **settings},
        origin=f"--strategy {strategy}",
    )  # fmt: skip
    baseline = ScalableNetwork(own, SearchSpace(name=space.name, baseline=space.baseline, proxy=space.proxy))
    design = make_design(
        baseline, data, asked.model_copy(update={"seeds": None, "epochs": None}), strategy=made, executor=executor
    )  # fmt: skip
    question = Question(
        phi=0.0,
        match="nominal",
        max_macs=most,
        **{name: getattr(asked, name) for name in ("max_params", "max_memory", "max_latency", "latency_on", "epsilon")},
    )
    seeking = Seeking(space=space, target=macs, goal=goal, size=design.size)
    values = {field.name: getattr(design, field.name) for field in fields(design)}
    return SeedDesign(**{**values, "question": question, "seeking": seeking})


def _target(space: StageSpace, text: str) -> int:
    """MACs that are wanted.

    Raises:
        InvalidInput: they are in another metric, or no network of the space has about so many.
    """
    target = parse_target(text)
    if target.metric != "macs":
        raise InvalidInput(
            f"--target {text}: the reward weighs multiply-adds, as macs=400M; --max-params, --max-memory and "
            "--max-latency bound the others"
        )
    wanted, (least, most) = round(target.resolve(space.network().cost().macs)), space.reach()
    if not least <= wanted <= most:
        nearest = least if wanted < least else most
        raise InvalidInput(
            f"no network of {space.name} has {format_count(wanted)} multiply-adds; the nearest has "
            f"{format_count(nearest)}: --target macs={format_count(nearest).replace(' ', '')}"
        )
    return wanted


def _goal(reward: Reward, weight: float | None, *, target: float) -> Goal:
    if weight is not None and weight > 0:
        raise InvalidInput(f"--weight {weight:g} would reward cost: it is at most 0, as −0.07")
    if weight is not None and reward != "soft":
        raise InvalidInput(f"--weight is of the soft reward: leave it out, or leave out --{reward}")
    return Goal(kind=reward, target=target, weight=SOFT_WEIGHT if weight is None else weight)
