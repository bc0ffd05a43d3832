"""From shares to a network of the wanted realised cost: along the ray of constant shares, then off it.

Realised cost climbs along a ray in steps, since layers, channels and pixels are whole numbers, so that the wanted cost
often lies between two of them. Off the ray there is nearly always a network that has it (`nearby`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np

from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.layers import Count
from scaling_search.architecture.nearby import corrected, nearest_of_cost
from scaling_search.architecture.network import Network
from scaling_search.architecture.ray import Ray, multipliers_along, multipliers_at
from scaling_search.architecture.rounding import Floats
from scaling_search.architecture.steps import growth_of, share_distance
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
    """

    base: Network
    shares: Shares
    multipliers: Multipliers
    network: Network
    cost: Cost
    ratio: float
    miss: float

    @cached_property
    def effective(self) -> Multipliers:
        """What was built, as multipliers of base: each axis's own realised macs."""
        return self.network.effective(self.base)

    @property
    def shares_miss(self) -> float:
        """Half the sum of the absolute differences between effective and asked shares."""
        return float(share_distance(growth_of(self.effective), self.shares))


def nominal(base: Network, coefficients: Coefficients, phi: float) -> Match:
    """The literal rule (α^φ, β^φ, γ^φ); the miss is against the nominal budget^φ."""
    shares, multipliers = coefficients.shares(), coefficients.multipliers(phi)
    found = _matched(base, shares, multipliers, miss=0.0)
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
    wanted = target or Target(growth=growth)
    if wanted.metric == "latency":
        return _match_measured(base, shares, wanted, latency)
    measure = TARGET_METRICS[wanted.metric]

    def values(ts: Floats) -> Floats:
        return np.asarray(measure(base.costs(*multipliers_along(shares, ts))), dtype=np.float64)

    own = float(measure(base.cost()))
    amount = wanted.resolve(own)
    if base.costs_are_vectorised:
        t, value = _passage(Ray(values, per_round=254, precision=1e-4), shares, wanted, own).best
        found, value = nearest_of_cost(
            base, shares, multipliers_at(shares, t), value=value, amount=amount, measure=measure
        )
    else:
        # bisected to where no step of a proxy's size is missed
        ray = _passage(Ray(values, per_round=1, precision=2e-3), shares, wanted, own)
        sides = [(multipliers_at(shares, t), value) for t, value in (ray.best, *ray.sides)]
        found, value = corrected(base, sides, amount=amount, measure=measure)
    return _matched(base, shares, found, miss=value / amount - 1)


def _match_measured(base: Network, shares: Shares, wanted: Target, latency: Callable[[Network], float] | None) -> Match:
    """Like `match`, where each value costs a measurement: plain bisection, equal networks measured once."""
    if latency is None:
        raise InvalidInput("a target in latency needs a device to measure on (--latency-on)")
    known: dict[tuple[object, ...], float] = {}

    def value(t: float) -> float:
        network = base.scaled(multipliers_at(shares, t))
        key = (network.depths, network.widths, network.resolution)
        if key not in known:
            known[key] = latency(network)
        return known[key]

    ray = Ray(lambda ts: np.array([value(float(t)) for t in ts]), per_round=1, precision=2e-3)
    own = value(0.0)
    t, seconds = _passage(ray, shares, wanted, own).best
    return _matched(base, shares, multipliers_at(shares, t), miss=seconds / wanted.resolve(own) - 1)


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


def _matched(base: Network, shares: Shares, multipliers: Multipliers, *, miss: float) -> Match:
    network = base.scaled(multipliers)
    cost = network.cost()
    ratio = cost.macs / base.cost().macs
    return Match(base=base, shares=shares, multipliers=multipliers, network=network, cost=cost, ratio=ratio, miss=miss)
