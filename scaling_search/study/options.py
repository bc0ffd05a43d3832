"""What a person asks of a search, as one strict value: the options of `scaling-search run` and of `Study`."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, BeforeValidator, Field, PositiveFloat, PositiveInt

from scaling_search.architecture import parse_target, policy
from scaling_search.configuration import Strict
from scaling_search.environment import Device
from scaling_search.evidence import EPSILON
from scaling_search.search.executors import Scheduler
from scaling_search.search.executors.ray_address import parse_address
from scaling_search.search.executors.stores import parse_storage
from scaling_search.search.searchspace import MatchRule, StrategyName
from scaling_search.units import parse_amount, parse_duration, parse_latency

ExecutorName = Literal["ray", "inline"]


def _read(parse: Callable[[str], Any]) -> BeforeValidator:
    """Text as a person writes it is read; a number stays."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _checked(parse: Callable[[str], Any]) -> BeforeValidator:
    """Text that must be readable, and is kept as text."""

    def check(value: str | None) -> str | None:
        if isinstance(value, str):
            parse(value)
        return value

    return BeforeValidator(check)


def _not_zero(phi: float) -> float:
    if phi == 0:
        raise ValueError("φ = 0 neither adds nor saves compute")
    return phi


def _amount(option: str) -> BeforeValidator:
    return _read(lambda text: parse_amount(text, option))


class Options(Strict):
    """None leaves a choice to the search space, to the device or to the plan.

    Attributes:
        phi: compound coefficient; candidates cost 2^φ times the baseline. Negative: how to save.
        leverage: cost of the proxies' candidates over their base's, or the base's over theirs where φ saves; None: the
            search space's.
        target: what they cost instead, «macs=3x», «params=8M», «latency=5ms».
        match: walk to the realised cost, or take the rule literally.
        max_macs, max_params, max_memory: the most of a full-size candidate, numbers or as «800M»; memory in bytes.
        max_latency: seconds for one image, or «5ms», on the device `latency_on`.
        epsilon: loss of accuracy, as a fraction, that does not matter: to the answer, and to a strategy that stops when
            no more is to be lost.
        search: the strategy's name; parts, step, tolerance and samples are its settings.
        seeds, epochs: trainings of a candidate, passes over the images in each.
        budget: seconds for the whole search, or as «15m». The plan is made to fit; a run that is slower than planned is
            not cut off, since trials of unequal length cannot be compared. None: 5 minutes on CPUs, 30 with CUDA.
        proxy_width, proxy_resolution: how small the proxies' base is made: a multiplier, and pixels.
        rounding: a rounding policy's name.
        recipe: a training recipe's name.
        pilot: train the unscaled network too, and settle the plan when it and the corners have been looked at; left out
            with a scheduler that stops trials early.
        device: where trials train.
        deterministic: the same bits on CUDA too, at some speed.
        executor, scheduler, workers, trials_per_gpu, cpus_per_trial, gpus_per_trial: how trials run.
        address: of a Ray to join; storage: a place that all its machines reach. See `Ray`.
    """

    phi: Annotated[float, AfterValidator(_not_zero)] = Field(default=1.0, ge=-7, le=7)
    leverage: float | None = Field(default=None, ge=1.1, le=64)
    target: Annotated[str | None, _checked(parse_target)] = None
    match: MatchRule | None = None
    max_macs: Annotated[PositiveInt | None, _amount("--max-macs")] = None
    max_params: Annotated[PositiveInt | None, _amount("--max-params")] = None
    max_memory: Annotated[PositiveInt | None, _amount("--max-memory")] = None
    max_latency: Annotated[PositiveFloat | None, _read(parse_latency)] = None
    latency_on: Literal["cpu", "cuda"] | None = None
    epsilon: float = Field(default=EPSILON, gt=0, lt=1)

    search: StrategyName | None = None
    parts: int | None = Field(default=None, ge=1, le=60)
    step: float | None = Field(default=None, ge=0.01, le=1)
    tolerance: float | None = Field(default=None, ge=0, le=2)
    samples: int | None = Field(default=None, ge=1, le=10_000)
    seeds: int | None = Field(default=None, ge=1, le=1000)
    epochs: int | None = Field(default=None, ge=1, le=100_000)
    budget: Annotated[PositiveFloat | None, _read(parse_duration)] = None

    proxy_width: float | None = Field(default=None, ge=0.01, le=10)
    proxy_resolution: int | None = Field(default=None, ge=8, le=4096)
    rounding: Annotated[str | None, _checked(policy)] = None
    recipe: str | None = None
    pilot: bool = True

    device: Device = "auto"
    deterministic: bool = False
    executor: ExecutorName = "ray"
    scheduler: Scheduler = "fifo"
    workers: int | None = Field(default=None, ge=1, le=10_000)
    trials_per_gpu: int = Field(default=2, ge=1, le=64)
    cpus_per_trial: int = Field(default=1, ge=1, le=1024)
    gpus_per_trial: float | None = Field(default=None, gt=0, le=1)
    address: Annotated[str | None, _checked(parse_address)] = None
    storage: Annotated[str | None, _read(parse_storage)] = None


class StudyOptions(TypedDict, total=False):
    """The same for type checkers: the keyword arguments of `Study` and `search`, but executor. See `Options`."""

    phi: float
    leverage: float | None
    target: str | None
    match: MatchRule | None
    max_macs: int | str | None
    max_params: int | str | None
    max_memory: int | str | None
    max_latency: float | str | None
    latency_on: Literal["cpu", "cuda"] | None
    epsilon: float
    search: StrategyName | None
    parts: int | None
    step: float | None
    tolerance: float | None
    samples: int | None
    seeds: int | None
    epochs: int | None
    budget: float | str | None
    proxy_width: float | None
    proxy_resolution: int | None
    rounding: str | None
    recipe: str | None
    pilot: bool
    device: Device
    deterministic: bool
    scheduler: Scheduler
    workers: int | None
    trials_per_gpu: int
    cpus_per_trial: int
    gpus_per_trial: float | None
    address: str | None
    storage: str | None
