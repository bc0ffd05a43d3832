"""From shares to a network of the wanted realised cost: along the ray of constant shares, then off it.

Realised cost climbs along a ray in steps, since layers, channels and pixels are whole numbers, so that the wanted cost
often lies between two of them. Off the ray there is nearly always a network that has it (`nearby`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np

from scaling_search.architecture.building import built_of
from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.layers import Count
from scaling_search.architecture.nearby import corrected, nearest_of_cost
from scaling_search.architecture.network import Network
from scaling_search.architecture.ray import Ray, multipliers_along, multipliers_at
from scaling_search.architecture.rounding import Floats
from scaling_search.architecture.steps import growth_of, share_distance
from scaling_search.architecture.sums import sums
from scaling_search.coefficients import Coefficients, Multipliers, Shares
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.units import AMOUNT_UNITS, LATENCY_UNITS, format_bytes, format_count, format_seconds, read

TARGET_METRICS: dict[str, Callable[[Cost | Costs], Count]] = {
    "macs": lambda cost: cost.macs,
    "params": lambda cost: cost.params,
    "activations": lambda cost: cost.activations,
    "memory": lambda cost: cost.memory(training=False).total,
}
"""What a target can be in. Memory is the inference peak of one image; latency needs a measurement besides."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a network should cost: `amount`, or `growth` times what the baseline costs, in one metric.

    Amounts are numbers, bytes for memory and seconds for latency.
    """

    metric: str = "macs"
    growth: float | None = None
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.metric not in TARGET_METRICS and self.metric != "latency":
            raise InvalidInput(f"no target in {self.metric!r}{nearest_hint(self.metric, [*TARGET_METRICS, 'latency'])}")
        value = self.amount if self.growth is None else self.growth
        if value is None or not (isfinite(value) and value > 0):
            raise InvalidInput(f"the target of {self.metric} must be a positive number, not {value}")

    def resolve(self, base_value: float) -> float:
        """The amount that is asked for, of a baseline that costs base_value."""
        if self.growth is not None:
            return self.growth * base_value
        assert self.amount is not None
        return self.amount


def parse_target(text: str) -> Target:
    """«macs=2x», «macs=400M», «params=5.3M», «memory=2G» or «latency=5ms» as a target.

    Raises:
        InvalidInput: it is none of these.
    """
    metric, _, value = text.replace(" ", "").partition("=")
    growth = read(value, {"x": 1.0})
    if growth is not None:
        return Target(metric=metric, growth=growth)
    amount = read(value, LATENCY_UNITS if metric == "latency" else AMOUNT_UNITS)
    if amount is None:
        example = "latency=5ms" if metric == "latency" else f"{metric or 'macs'}=400M"
        raise InvalidInput(f"{text!r} is not a target; write macs=2x (twice the baseline) or {example}")
    return Target(metric=metric, amount=amount)


@dataclass(frozen=True, kw_only=True)
class Match:
    """A network found for some shares.

    Attributes:
        base: what was scaled.
        shares: what was asked.
        multipliers: what the base was scaled by; `base.scaled(multipliers)` is the network again.
        ratio: realised macs over the base's.
        miss: realised amount over the target's, minus 1: 0.02 is 2 % too much.
        known_effective: what `effective` is, where it was counted together with others'.
    """

    base: Network
    shares: Shares
    multipliers: Multipliers
    network: Network
    cost: Cost
    ratio: float
    miss: float
    known_effective: Multipliers | None = None

    @cached_property
    def effective(self) -> Multipliers:
        """What was built, as multipliers of base: each axis's own realised macs."""
        return self.known_effective or self.network.effective(self.base)

    @property
    def shares_miss(self) -> float:
        """Half the sum of the absolute differences between effective and asked shares."""
        return float(share_distance(growth_of(self.effective), self.shares))


def nominal(base: Network, coefficients: Coefficients, phi: float) -> Match:
    """The literal rule (α^φ, β^φ, γ^φ); the miss is against the nominal budget^φ."""
    [found] = _matched(base, [_Found(coefficients.shares(), coefficients.multipliers(phi), miss=0.0)])
    return replace(found, miss=found.ratio / coefficients.budget**phi - 1)


def match(
    base: Network,
    shares: Shares,
    *,
    growth: float = 2.0,
    target: Target | None = None,
    latency: Callable[[Network], float] | None = None,
) -> Match:
    """The network of the wanted realised cost whose effective shares are nearest to the asked ones.

    The ray of constant shares is followed to where cost passes the target, then the networks around that point are
    compared (`nearest_of_cost`): within 2 % of the target the nearest shares count, as far as 0.25 from the asked ones;
    where nothing costs that, the least excess over both limits. The result is never worse than the ray's own network.
    Networks that must be built to be counted are corrected in few tries instead (`corrected`), which promises the cost
    no farther off than the ray's. A target in latency stays on the ray, since timings are noisy.

    Args:
        growth: the target as a multiple of the base's macs (2^φ); ignored where `target` is given.
        target: in any metric, relative or absolute.
        latency: seconds that a network takes, where the target is in latency.

    Raises:
        InvalidInput: no network on the ray costs as much, or as little; the message names the nearest.
    """
    [found] = match_all(base, [shares], growth=growth, target=target, latency=latency)
    if isinstance(found, InvalidInput):
        raise found
    return found


def match_all(
    base: Network,
    points: Sequence[Shares],
    *,
    growth: float = 2.0,
    target: Target | None = None,
    latency: Callable[[Network], float] | None = None,
) -> list[Match | InvalidInput]:
    """What `match` finds for each of many shares, or the reason why there is nothing; quicker than one by one."""
    wanted = target or Target(growth=growth)
    find = _measured(base, wanted, latency) if wanted.metric == "latency" else _counted(base, wanted)
    found = [_or_error(find, shares) for shares in points]
    there = [one for one in found if isinstance(one, _Found)]
    # what must be built is built one by one, since any of it may turn out not to be possible
    pieces = [there] if base.costs_are_vectorised else [[one] for one in there]
    matches = iter([one for piece in pieces for one in _or_errors(base, piece)])
    return [one if isinstance(one, InvalidInput) else next(matches) for one in found]


@dataclass(frozen=True)
class _Found:
    """Multipliers for some shares, and by how much the cost misses what is wanted."""

    shares: Shares
    multipliers: Multipliers
    miss: float


def _or_error(find: Callable[[Shares], _Found], shares: Shares) -> _Found | InvalidInput:
    try:
        return find(shares)
    except InvalidInput as error:
        return error


def _or_errors(base: Network, found: Sequence[_Found]) -> Sequence[Match | InvalidInput]:
    try:
        return _matched(base, found)
    except InvalidInput as error:
        return [error] * len(found)


def _counted(base: Network, wanted: Target) -> Callable[[Shares], _Found]:
    """The search for a network of a cost that is counted."""
    measure = TARGET_METRICS[wanted.metric]
    own = float(measure(base.cost()))
    amount = wanted.resolve(own)

    def every(depth: Floats, width: Floats, resolution: Floats) -> Floats:
        return np.asarray(measure(base.costs(depth, width, resolution)), dtype=np.float64)

    amounts = sums(base, wanted.metric) or every

    def find(shares: Shares) -> _Found:
        def values(ts: Floats) -> Floats:
            return amounts(*multipliers_along(shares, ts))

        if base.costs_are_vectorised:
            t, value = _passage(Ray(values, per_round=254, precision=1e-4), shares, wanted, own).best
            found, value = nearest_of_cost(
                base, shares, multipliers_at(shares, t), value=value, amount=amount, amounts=amounts
            )
        else:
            # bisected to where no step of a proxy's size is missed
            ray = _passage(Ray(values, per_round=1, precision=2e-3), shares, wanted, own)
            sides = [(multipliers_at(shares, t), value) for t, value in (ray.best, *ray.sides)]
            found, value = corrected(base, sides, amount=amount, measure=measure)
        return _Found(shares, found, miss=value / amount - 1)

    return find


def _measured(base: Network, wanted: Target, latency: Callable[[Network], float] | None) -> Callable[[Shares], _Found]:
    """The search where each value costs a measurement: plain bisection, equal networks measured once."""
    if latency is None:
        raise InvalidInput("a target in latency needs a device to measure on (--latency-on)")
    known: dict[tuple[object, ...], float] = {}

    def measured(network: Network) -> float:
        key = (network.depths, network.widths, network.resolution)
        if key not in known:
            known[key] = latency(network)
        return known[key]

    own = measured(base.scaled(Multipliers(depth=1.0, width=1.0, resolution=1.0)))

    def find(shares: Shares) -> _Found:
        def values(ts: Floats) -> Floats:
            return np.array([measured(base.scaled(multipliers_at(shares, float(t)))) for t in ts])

        ray = Ray(values, per_round=1, precision=2e-3)
        t, seconds = _passage(ray, shares, wanted, own).best
        return _Found(shares, multipliers_at(shares, t), miss=seconds / wanted.resolve(own) - 1)

    return find


def _passage(ray: Ray, shares: Shares, wanted: Target, own: float) -> Ray:
    """The ray, followed to where it passes what is wanted of a base that costs `own`."""
    amount = wanted.resolve(own)
    ray.follow(amount, amount / own)
    if not ray.crossed:
        write = {"latency": format_seconds, "memory": format_bytes}.get(wanted.metric, format_count)
        raise InvalidInput(
            f"no network with the shares {_percent(shares)} has {wanted.metric} of {write(amount, digits=4)}; "
            f"the nearest has {write(ray.best[1], digits=4)}"
        )
    return ray


def _percent(shares: Shares) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares.as_tuple())


def _matched(base: Network, found: Sequence[_Found]) -> list[Match]:
    whole = base.cost().macs
    matches = []
    for one, built in zip(found, built_of(base, [one.multipliers for one in found]), strict=True):
        matches.append(
            Match(
                base=base,
                shares=one.shares,
                multipliers=one.multipliers,
                network=built.network,
                cost=built.cost,
                ratio=built.cost.macs / whole,
                miss=one.miss,
                known_effective=built.effective,
            )
        )
    return matches
