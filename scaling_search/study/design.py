"""From what a person asks to what a search is made of: each wish is turned, once, into the thing that needs it."""

from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

from scaling_search.architecture import Network, Rounding, parse_target, policy
from scaling_search.coefficients import REFERENCES
from scaling_search.environment import resolve_device
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor
from scaling_search.search.pilot import UNSCALED_SEEDS
from scaling_search.search.plan import Speed, Work, expected_seconds, measure_corners
from scaling_search.search.proxy import ProxyConfig, ProxySize, in_steps, proxy_base, with_room
from scaling_search.search.record import Question, RunRecord
from scaling_search.search.searchspace import SearchConfig, SearchSpace, implied_strategy
from scaling_search.search.space import Limits, Rule, Seconds, Space
from scaling_search.search.staged import Seeking, StagedSpace
from scaling_search.strategies import Optuna, Planned, Point, Strategy, Surface
from scaling_search.study.dataset import Data, located
from scaling_search.study.engines import OF_RAY, make_executor
from scaling_search.study.network import ScalableNetwork, stopwatch
from scaling_search.study.options import Options
from scaling_search.training.recipe import Recipe, recipe
from scaling_search.units import parse_duration

TIGHT = 1.15
"""So many times the budget is not worth another size."""

_SAVING_LEVERAGE = 2.0
"""Where φ saves: a stage of few layers has no eighth."""

_MOST_SHRINKING = 4.0
"""How many times as cheap the proxies are made at most to save time: then B0 has one layer a stage, and 4 channels."""

DEFAULT_BUDGET = {"cpu": 300.0, "cuda": 1800.0}
"""Seconds: five minutes on CPUs, so that a first look costs little; half an hour where a GPU makes it worth it."""


@dataclass(frozen=True, kw_only=True)
class Design:
    """What a search is made of, before there are data and a plan.

    Attributes:
        full: the baseline at full size, with the rounding that was asked for.
        rounding: of the proxies, where it was asked for.
        size: of the proxies' base.
        sized: the user asked for this size.
        pilot: train the unscaled network too, and look at the corners before the plan is settled.
        budget: seconds for the whole search.
        seeking: where a baseline is searched.
    """

    full: Network
    data: Data
    question: Question
    rounding: Rounding | None
    proxy: ProxyConfig
    size: ProxySize
    sized: bool
    strategy: Strategy
    recipe: Recipe
    executor: Executor
    device: Literal["cpu", "cuda"]
    deterministic: bool
    pilot: bool
    budget: float
    seeking: Seeking | None = None

    @property
    def measured(self) -> str:
        """What the speed is measured on."""
        return "the three corners"

    def space(self, base: Network) -> Space:
        """What may be tried, from the proxies' base."""
        return make_space(self.question, base=base, full=self.full)

    def packed_resolution(self, classes: int) -> int:
        """What images of so many classes are packed at, in pixels: no candidate is shown larger ones than that.

        Where depths and widths are small numbers, a candidate that is all resolution walks far beyond √leverage: 52 px
        become 95 at twice the cost on MobileNetV2.
        """
        base = self.base(classes)
        rule = make_space(self.question, base=base, full=self.full).rule
        extent = max(1.0, *(point.extent for point in self.strategy.refinements()[-1].points()))
        alone = Point(coefficients=REFERENCES["resolution"].coefficients(), extent=extent)
        largest = Space(base=base, rule=rule).candidate(alone)
        return with_room(max(base.resolution, largest.network.resolution if largest else 0))

    def affordable(self, train_images: int, val_images: int, *, classes: int) -> "tuple[Design, Speed]":
        """The speed, and this with smaller proxies where the device could not give the coarsest plan its fewest epochs.

        Raises:
            TrainingFailed: a corner cannot be built or does not fit into memory.
        """
        from scaling_search.search.kept_speed import TrainingSpeeds

        speeds = TrainingSpeeds.kept(self.device, self.recipe.batch_size)
        design, shrinking = self, 1.0
        while True:
            speed = measure_corners(design.base(classes), growth=design.question.growth, speeds=speeds)
            excess = design.least_seconds(speed, train_images, val_images) / design.budget
            if excess <= TIGHT or design.sized or shrinking >= _MOST_SHRINKING:
                return design, speed
            shrinking = min(shrinking * in_steps(excess), _MOST_SHRINKING)
            design = replace(self, size=self.size.shrunk(shrinking))

    def least_seconds(self, speed: Speed, train_images: int, val_images: int) -> float:
        """What the coarsest plan takes with the fewest epochs; candidates are counted as the middle of the triangle."""
        coarsest = self.strategy.refinements()[0]
        points, work = coarsest.points(), self.work(train_images, val_images)
        trainings = coarsest.trainings(len(points)) + (UNSCALED_SEEDS / speed.growth if self.pilot else 0)
        each = [speed.seconds_per_image(REFERENCES["uniform"], speed.growth**point.extent) for point in points]
        return expected_seconds(each, work, trainings=trainings, epochs=self.strategy.epochs or work.minimum_epochs)

    def work(self, train_images: int, val_images: int) -> Work:
        """What a plan counts with, for so many images."""
        least = max(self.proxy.minimum_epochs, ceil(self.proxy.minimum_images / train_images))
        return Work(
            train_images=train_images,
            val_images=val_images,
            workers=self.executor.workers_on(self.device),
            minimum_epochs=least,
            maximum_epochs=max(least, self.proxy.maximum_epochs),
        )

    def with_budget(self, budget: str | float) -> "Design":
        """The same with another budget, as «2h» or in seconds.

        Raises:
            InvalidInput: it is no duration.
        """
        seconds = parse_duration(budget) if isinstance(budget, str) else float(budget)
        if not 0 < seconds < float("inf"):
            raise InvalidInput(f"a budget is a positive number of seconds, not {budget}")
        return replace(self, budget=seconds)

    def base(self, classes: int) -> Network:
        """What the proxies are scaled from."""
        return proxy_base(self.full, self.size, classes=classes, rounding=self.rounding)


def make_design(
    baseline: ScalableNetwork,
    data: Data,
    options: Options,
    *,
    strategy: Strategy | None = None,
    executor: Executor | None = None,
) -> Design:
    """Turns the wishes into things; writes nothing, and reads no images.

    Args:
        baseline: with its search space, where a file says how it is searched.
        strategy, executor: instead of those that the options name.

    Raises:
        InvalidInput: a wish cannot be met, or two contradict each other.
    """
    settings = ("search", "parts", "step", "tolerance", "samples", "seeds", "epochs")
    _check_once(strategy, options, "strategy", (*settings, "epsilon") if isinstance(strategy, Surface) else settings)
    _check_once(executor, options, "executor", ("executor", "scheduler", "workers", *OF_RAY))
    space = baseline.searchspace or SearchSpace(name=baseline.name, baseline=baseline.name)
    config = search_config(space, options)
    question = make_question(options, config, space.proxy)
    strategy = strategy or make_strategy(options, config)
    if isinstance(strategy, Surface):  # one ε: it stops where the answer is settled
        question = question.model_copy(update={"epsilon": strategy.epsilon})
    executor = executor or make_executor(options)
    _check_together(strategy, executor)
    device = resolve_device(options.device)
    full = rounded(baseline.network, config)
    size = space.proxy.size(
        full, device, question.shrink, width=options.proxy_width, resolution=options.proxy_resolution
    )
    return Design(
        full=full,
        data=located(data),
        question=question,
        rounding=None if config.rounding is None else policy(config.rounding),
        proxy=space.proxy,
        size=size,
        sized=options.proxy_width is not None or options.proxy_resolution is not None,
        strategy=strategy,
        recipe=recipe(options.recipe or space.proxy.recipe),
        executor=executor,
        device=device,
        deterministic=options.deterministic,
        pilot=options.pilot and executor.scheduler == "fifo",  # a scheduler would compare the unscaled with the others
        budget=options.budget or DEFAULT_BUDGET[device],
    )


def _check_once(thing: object | None, options: Options, name: str, settings: tuple[str, ...]) -> None:
    """A wish that an object answers already must not be made a second time, otherwise.

    Raises:
        InvalidInput: it is; the message names the setting.
    """
    asked = [setting for setting in settings if getattr(options, setting) != Options.model_fields[setting].default]
    if thing is not None and asked:
        raise InvalidInput(f"{asked[0]} is a setting of the {name}: give it to {type(thing).__name__}(…)")


def _proxy_rule(rule: Rule, question: Question, full: Network) -> Rule:
    """The rule for the proxies of full."""
    return rule.relative_to(full) if question.leverage is None else rule.with_leverage(question.growth)


def _check_together(strategy: Strategy, executor: Executor) -> None:
    """Refuses a scheduler that would mislead the strategy.

    Raises:
        InvalidInput: trials may be stopped early, and Optuna would hear of them as complete.
    """
    if isinstance(strategy, Optuna) and executor.scheduler != "fifo":
        raise InvalidInput(
            "--search optuna needs --scheduler fifo: a trial that is stopped early would be told to Optuna as complete"
        )


def search_config(space: SearchSpace, options: Options) -> SearchConfig:
    """The search space's search with what the user asked instead."""
    asked = {
        "strategy": options.search, "parts": options.parts, "step": options.step, "tolerance": options.tolerance,
        "samples": options.samples, "match": options.match, "rounding": options.rounding,
    }  # fmt: skip
    given = {key: value for key, value in asked.items() if value is not None}
    if "strategy" not in given and (implied := implied_strategy(given)):
        given["strategy"] = implied
    if "strategy" in given and given["strategy"] != space.search.strategy:  # the file's settings are another strategy's
        kept = {"match": space.search.match, "rounding": space.search.rounding}
        return SearchConfig.model_validate(kept | given)
    return space.search.model_copy(update=given)


def rounded(network: Network, config: SearchConfig) -> Network:
    """The network with the rounding that was asked for."""
    return network if config.rounding is None else network.replaced(rounding=policy(config.rounding))


def make_question(options: Options, config: SearchConfig, proxy: ProxyConfig) -> Question:
    """What is asked of the search.

    Raises:
        InvalidInput: a limit in latency comes without a device to measure on.
    """
    if options.max_latency is not None and options.latency_on is None:
        raise InvalidInput("--max-latency needs a device to measure on: --latency-on cpu or cuda")
    return Question(
        phi=options.phi,
        leverage=options.leverage or (proxy.leverage if options.phi > 0 else _SAVING_LEVERAGE),
        match=config.match,
        target=options.target,
        max_macs=options.max_macs,
        max_params=options.max_params,
        max_memory=options.max_memory,
        max_latency=options.max_latency,
        latency_on=options.latency_on,
        epsilon=options.epsilon,
    )


def make_strategy(options: Options, config: SearchConfig) -> Planned:
    """What is tried next, with what the user asked; the rest is left to the plan.

    Raises:
        InvalidInput: a setting belongs to another strategy.
    """
    own = {"epsilon": options.epsilon} if config.strategy == "surface" else {}
    return config.make_strategy(seeds=options.seeds, epochs=options.epochs, **own)


def space_of(record: RunRecord) -> Space:
    """What the search of a run may try."""
    base, full = record.base_network(), record.full_network()
    if record.seeking is not None:
        limits = make_limits(record.question, stopwatch(record.question.latency_on))
        return StagedSpace.of(record.seeking, classes=base.classes, limits=limits)
    return make_space(record.question, base=base, full=full)


def make_limits(question: Question, watch: Seconds | None) -> Limits:
    """What a candidate may cost at full size."""
    return Limits(
        macs=question.max_macs, params=question.max_params, memory=question.max_memory,
        latency=question.max_latency, measure=watch,
    )  # fmt: skip


def make_space(question: Question, *, base: Network, full: Network | None) -> Space:
    """What a search may try, from base: a small stand-in of full, or (None) a network at full size."""
    watch = stopwatch(question.latency_on)
    target = None if question.target is None else parse_target(question.target)
    rule = Rule(growth=2.0**question.phi, match=question.match, target=target, latency=watch)
    return Space(
        base=base,
        rule=rule if full is None else _proxy_rule(rule, question, full),
        full=full,
        full_rule=None if full is None else rule,
        limits=make_limits(question, watch),
    )
