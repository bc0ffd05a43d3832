"""From points to candidates: real networks with realised cost, within the limits, equal ones kept once."""

import json
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import log2
from statistics import median
from typing import Any

from scaling_search.architecture import TARGET_METRICS, Cost, Match, Network, Target, match_all, nominal
from scaling_search.coefficients import Coefficients, Multipliers, Shares
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Choices, Realised
from scaling_search.search.searchspace import MatchRule
from scaling_search.strategies import Point
from scaling_search.strategies.points import NOTHING_ADDED, shares_or_even

Seconds = Callable[[Network], float]
"""Measures the latency of a network on one device."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a point becomes a network.

    Attributes:
        growth: MACs that are wanted, over the base's: 2^φ of a network at full size, the leverage of its proxies.
        match: walk the ray of constant shares to the wanted realised cost, or take (α^φ, β^φ, γ^φ) literally.
        target: what is wanted instead, in any metric.
        latency: the stopwatch for a target in latency.

    Raises:
        InvalidInput: the literal rule is asked to meet a target.
    """

    growth: float
    match: MatchRule = "realised"
    target: Target | None = None
    latency: Seconds | None = None

    def __post_init__(self) -> None:
        if self.target is not None and self.match == "nominal":
            raise InvalidInput("--target is walked to, which --match nominal does not do")

    def apply(self, point: Point, base: Network) -> Match:
        """The network that the point leads to from base.

        Raises:
            InvalidInput: it leads to none.
        """
        [found] = self.apply_all([point], base)
        if isinstance(found, InvalidInput):
            raise found
        return found

    def apply_all(self, points: Sequence[Point], base: Network) -> list[Match | InvalidInput]:
        """The networks that points lead to from base, or why one leads to none."""
        if self.match == "nominal":
            return [self._nominal(point, base) for point in points]
        found: dict[int, Match | InvalidInput] = {}
        for extent in {point.extent for point in points}:
            places = [place for place, point in enumerate(points) if point.extent == extent]
            shares, target = [points[place].shares for place in places], self._target(extent, base)
            matches = match_all(base, shares, growth=self.growth**extent, target=target, latency=self.latency)
            found |= zip(places, matches, strict=True)
        return [found[place] for place in range(len(points))]

    def _nominal(self, point: Point, base: Network) -> Match | InvalidInput:
        try:
            return nominal(base, point.coefficients, point.extent * log2(self.growth))
        except InvalidInput as error:
            return error

    def _target(self, extent: float, base: Network) -> Target | None:
        """The target of points that go only a part of the way to it, or beyond."""
        if self.target is None or extent == 1:
            return self.target
        own = self._value(base)
        return Target(metric=self.target.metric, amount=own * (self.target.resolve(own) / own) ** extent)

    def _value(self, network: Network) -> float:
        """What the network costs in the target's metric."""
        assert self.target is not None
        if self.target.metric == "latency":
            assert self.latency is not None
            return self.latency(network)
        return float(TARGET_METRICS[self.target.metric](network.cost()))

    def relative_to(self, full: Network) -> "Rule":
        """The same rule for a small stand-in of full: an amount becomes a multiple of what full costs."""
        if self.target is None or self.target.amount is None:
            return self
        return replace(
            self, target=Target(metric=self.target.metric, growth=self.target.amount / self._value(full))
        )  # fmt: skip

    def with_leverage(self, leverage: float) -> "Rule":
        """The rule for the proxies: `leverage` times their base, in the metric of the target where there is one."""
        target = None if self.target is None else Target(metric=self.target.metric, growth=leverage)
        return replace(self, growth=leverage, target=target)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that a network may cost: target_flops and target_memory of arXiv 1905.11946, eq. 2. None is no limit.

    Attributes:
        macs, params: numbers.
        memory: bytes at inference, one image.
        latency: seconds for one image, as `measure` takes them.
    """

    macs: int | None = None
    params: int | None = None
    memory: int | None = None
    latency: float | None = None
    measure: Seconds | None = None

    def allow(self, network: Network, cost: Cost) -> bool:
        """Whether the network keeps within all limits; latency is measured only for one that keeps the others."""
        values = ((self.macs, cost.macs), (self.params, cost.params), (self.memory, inference_bytes(cost)))
        if not all(limit is None or value <= limit for limit, value in values):
            return False
        if self.latency is None:
            return True
        assert self.measure is not None, "a limit in latency comes with a stopwatch"
        return self.measure(network) <= self.latency


@dataclass(frozen=True, kw_only=True)
class Built:
    """A network that a point came to, in numbers: what a row of candidates.csv says of it.

    Attributes:
        multipliers: what the base was scaled by.
        pixels: side of the input.
        network: layers and channels in one word each, see `describe`.
        macs_ratio: its MACs over its base's.
    """

    multipliers: Multipliers
    pixels: int
    network: str
    cost: Cost
    macs_ratio: float


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Coefficients applied to a network: one concrete network with its realised cost.

    `coefficients` are what was asked (the label), `multipliers` what the network was built with, `effective` what each
    axis came to, measured by its own cost. `full` is the same point at the baseline's full size when this is a proxy.
    A candidate that is `described` is no scaled base: its table keeps its network whole; `choices` are those of a space
    of stages, where it comes from one.
    """

    id: str
    coefficients: Coefficients
    names: tuple[str, ...]
    multipliers: Multipliers
    effective: Multipliers
    network: Network
    cost: Cost
    macs_ratio: float
    full: Built | None = None
    choices: Choices = ()
    described: bool = False

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two candidates the same network."""
        if self.described:
            return (description(self.network),)
        return (*self.network.depths, *self.network.widths, self.network.resolution)

    @property
    def shares(self) -> Shares:
        """What was asked, as shares."""
        return shares_or_even(self.coefficients)

    @property
    def realised(self) -> Realised:
        """What was built, as shares and cost; the cost at full size where stages were chosen, which rewards weigh."""
        ratio = self.full.macs_ratio if self.choices and self.full else self.macs_ratio
        return Realised((self.effective.shares() or self.shares).as_tuple(), ratio)

    def with_id(self, name: str) -> "Candidate":
        """The same under another id."""
        return replace(self, id=name)


@dataclass(frozen=True, kw_only=True)
class Space:
    """All that a search may try: points become candidates here and nowhere else.

    Attributes:
        base: what is scaled, a network at full size or the proxies' base.
        rule: how a point becomes a network from base.
        full: the baseline at full size when base is made small; the limits then apply to it.
        full_rule: how a point becomes a network from full.
    """

    base: Network
    rule: Rule
    full: Network | None = None
    full_rule: Rule | None = None
    limits: Limits = Limits()

    def candidates(self, points: Iterable[Point]) -> list[Candidate]:
        """The distinct networks that points lead to, in their order; names of equal ones are put together.

        A point that no network reaches is left out, with a warning: a stage of one layer cannot be halved, and
        resolution adds no parameters.

        Raises:
            InvalidInput: no network keeps within the limits, or none reaches the target.
        """
        kept: dict[tuple[Any, ...], Candidate] = {}
        refused: list[Cost] = []
        unreached: list[InvalidInput] = []
        for candidate in self._candidates(list(points)):
            if isinstance(candidate, InvalidInput):
                unreached.append(candidate)
                continue
            known = kept.get(candidate.key)
            if known is not None:
                kept[candidate.key] = replace(known, names=(*known.names, *candidate.names))
            elif self._allows(candidate):
                kept[candidate.key] = replace(candidate, id=f"c{len(kept):02d}")
            else:
                refused.append((candidate.full or candidate).cost)
        if unreached and not kept and not refused:
            raise unreached[0]
        for reason in unreached:
            warnings.warn(f"left out of the search: {reason}", stacklevel=2)
        if not kept:
            least = min(refused, key=lambda cost: cost.macs)
            raise InvalidInput(
                f"no candidate keeps within the limits; the cheapest has {least.macs:,} MACs, {least.params:,} "
                f"parameters and {inference_bytes(least):,} bytes"
            )
        return list(kept.values())

    def candidate(self, point: Point) -> Candidate | None:
        """What one point comes to, without an id; None where a limit refuses it or no network meets the target."""
        [found] = self._candidates([point])
        return found if isinstance(found, Candidate) and self._allows(found) else None

    def unscaled(self) -> Candidate:
        """The base itself: α = β = γ = 1 has no shares, so it is no candidate; it shows what more compute brings."""
        return unscaled_candidate(UNSCALED, self.base, names=("unscaled",))

    def growth(self, candidates: Iterable[Candidate]) -> float:
        """Realised MACs over the base's at which candidates are compared: as asked, or what another target came to."""
        if self.rule.target is None:
            return self.rule.growth
        return median(candidate.macs_ratio for candidate in candidates)

    def _candidates(self, points: Sequence[Point]) -> Iterator[Candidate | InvalidInput]:
        small = self.rule.apply_all(points, self.base)
        large: Sequence[Match | InvalidInput | None] = [None] * len(points)
        if self.full is not None and self.full_rule is not None:
            large = self.full_rule.apply_all(points, self.full)
        for point, found, full in zip(points, small, large, strict=True):
            try:
                yield _candidate(point, found, full)
            except InvalidInput as error:
                yield error

    def _allows(self, candidate: Candidate) -> bool:
        if self.full is None or candidate.full is None:
            return self.limits.allow(candidate.network, candidate.cost)
        if self.limits == Limits():
            return True
        return self.limits.allow(self.full.scaled(candidate.full.multipliers), candidate.full.cost)


def _candidate(point: Point, found: Match | InvalidInput, full: Match | InvalidInput | None) -> Candidate:
    """A point's candidate; raises the reason why there is none."""
    if isinstance(found, InvalidInput):
        raise found
    if isinstance(full, InvalidInput):
        raise full
    return Candidate(
        id="",
        coefficients=point.coefficients,
        names=point.names,
        multipliers=found.multipliers,
        effective=found.effective,
        network=found.network,
        cost=found.cost,
        macs_ratio=found.ratio,
        full=None if full is None else _built(full),
    )


def _built(found: Match) -> Built:
    return Built(
        multipliers=found.multipliers,
        pixels=found.network.resolution,
        network=describe(found.network),
        cost=found.cost,
        macs_ratio=found.ratio,
    )


def inference_bytes(cost: Cost) -> int:
    """Peak memory of one image without gradients, in bytes (float32)."""
    return int(cost.memory(training=False).total)


def description(network: Network) -> str:
    """All that the network is but its name, in one line of JSON: equal lines are equal networks."""
    content = {key: value for key, value in network.to_dict().items() if key != "name"}
    return json.dumps(content, separators=(",", ":"), sort_keys=True)


def unscaled_candidate(name: str, network: Network, *, macs_ratio: float = 1.0, **more: Any) -> Candidate:
    """A network as it is: nothing is added to it, so that it has no division.

    Args:
        macs_ratio: its MACs over the base's.
        more: further fields of the candidate.
    """
    one = Multipliers(depth=1.0, width=1.0, resolution=1.0)
    fields: dict[str, Any] = {"names": (), "cost": network.cost(), **more}
    return Candidate(
        id=name, coefficients=NOTHING_ADDED, multipliers=one, effective=one, network=network, macs_ratio=macs_ratio,
        **fields,
    )  # fmt: skip


def describe(network: Network) -> str:
    """Depths and widths in one word each: «d1-2-2-3-3-4-1 w32-16-24-40-80-112-192-320-1280»."""
    return f"d{'-'.join(map(str, network.depths))} w{'-'.join(map(str, network.widths))}"
