"""From shares to a network: walk the ray of constant shares to the realised cost that was asked for.

Notation: at t on the ray with shares (s_d, s_w, s_r) the multipliers are d = e^(s_d·t), w = e^(s_w·t/2) and
r = e^(s_r·t/2), so that nominally d·w²·r² = e^t. Realised cost climbs with t in steps, since layers, channels and
pixels are whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite, log

import numpy as np

from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.layers import Count
from scaling_search.architecture.network import Network
from scaling_search.architecture.rounding import Floats
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
_FURTHEST = 20.0  # e²⁰ = 5·10⁸ times the compute


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
        multipliers: what the base was scaled by.
        ratio: realised macs over the base's.
        miss: realised amount over the target's, minus 1: 0.02 is 2 % too much.
    """

    multipliers: Multipliers
    network: Network
    cost: Cost
    ratio: float
    miss: float


def nominal(base: Network, coefficients: Coefficients, phi: float) -> Match:
    """The literal rule (α^φ, β^φ, γ^φ); the miss is against the nominal budget^φ."""
    return _matched(base, coefficients.multipliers(phi), coefficients.budget**phi)


def match(
    base: Network,
    shares: Shares,
    *,
    growth: float = 2.0,
    target: Target | None = None,
    latency: Callable[[Network], float] | None = None,
) -> Match:
    """The network on the ray of constant shares whose realised cost is nearest to the target.

    No other network on the ray is nearer, as long as cost climbs along it (which every shipped family's does); of two
    that are equally near, the smaller. Measured latency is noisy, and foreign networks are slow to count: there only a
    near one is promised.

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
        return np.asarray(measure(base.costs(*_multipliers(shares, ts))), dtype=np.float64)

    # networks that must be built to be counted are bisected, to where no step of a proxy's size is missed
    exact = base.costs_are_vectorised
    ray = _Ray(values, per_round=254 if exact else 1, precision=1e-9 if exact else 2e-3)
    return _found(base, shares, wanted, ray, float(values(np.zeros(1))[0]))


def _match_measured(base: Network, shares: Shares, wanted: Target, latency: Callable[[Network], float] | None) -> Match:
    """Like `match`, where each value costs a measurement: plain bisection, equal networks measured once."""
    if latency is None:
        raise InvalidInput("a target in latency needs a device to measure on (--latency-on)")
    known: dict[tuple[object, ...], float] = {}

    def value(t: float) -> float:
        network = base.scaled(_at(shares, t))
        key = (network.depths, network.widths, network.resolution)
        if key not in known:
            known[key] = latency(network)
        return known[key]

    ray = _Ray(lambda ts: np.array([value(float(t)) for t in ts]), per_round=1, precision=2e-3)
    return _found(base, shares, wanted, ray, value(0.0))


def _found(base: Network, shares: Shares, wanted: Target, ray: _Ray, base_value: float) -> Match:
    amount = wanted.resolve(base_value)
    t, value = ray.nearest(amount, amount / base_value)
    if not ray.crossed:
        write = {"latency": format_seconds, "memory": format_bytes}.get(wanted.metric, format_count)
        raise InvalidInput(
            f"no network with the shares {_percent(shares)} has {wanted.metric} of {write(amount, digits=4)}; "
            f"the nearest has {write(value, digits=4)}"
        )
    found = _matched(base, _at(shares, t), 1.0)
    return Match(**{**vars(found), "miss": value / amount - 1})


class _Ray:
    """A search for the step of a climbing staircase `values(t)` that is nearest to an amount."""

    def __init__(self, values: Callable[[Floats], Floats], *, per_round: int, precision: float) -> None:
        self.values = values
        self.per_round = per_round
        self.precision = precision
        self.crossed = False
        self.best = (inf, inf, 0.0, 0.0)  # how far off, how large, t, value

    def nearest(self, amount: float, growth: float) -> tuple[float, float]:
        """(t, value) of the nearest step; `crossed` says whether the staircase passes the amount at all.

        Args:
            growth: the amount over values(0), which says about where to look.
        """
        around = sorted((0.0, log(growth)))
        low, high = self._narrowed(around[0] - 1, around[1] + 1, amount) or self._far(amount) or (0.0, 0.0)
        while high - low > self.precision:
            low, high = self._narrowed(low, high, amount) or (low, low)
        return self.best[2], self.best[3]

    def _narrowed(self, low: float, high: float, amount: float) -> tuple[float, float] | None:
        """The first of `per_round` + 1 equal parts of the interval in which the staircase passes the amount."""
        ts = np.linspace(low, high, self.per_round + 2)
        values = self.values(ts)
        for t, value in zip(ts.tolist(), values.tolist(), strict=True):
            self.best = min(self.best, (abs(value / amount - 1), abs(t), t, value))
        passes = np.flatnonzero((values[:-1] <= amount) & (values[1:] > amount))
        self.crossed = self.crossed or bool(len(passes)) or bool((values == amount).any())
        return (float(ts[passes[0]]), float(ts[passes[0] + 1])) if len(passes) else None

    def _far(self, amount: float) -> tuple[float, float] | None:
        """The passage far from where it was expected, for metrics that these shares hardly move."""
        ends = [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, _FURTHEST]
        steps = [*pairwise(ends), *pairwise(-end for end in reversed(ends))]
        return next((found for near, far in steps if (found := self._narrowed(near, far, amount))), None)


def _percent(shares: Shares) -> str:
    return " / ".join(f"{100 * share:.0f} %" for share in shares.as_tuple())


def _matched(base: Network, multipliers: Multipliers, nominal_growth: float) -> Match:
    network = base.scaled(multipliers)
    cost = network.cost()
    ratio = cost.macs / base.cost().macs
    return Match(multipliers=multipliers, network=network, cost=cost, ratio=ratio, miss=ratio / nominal_growth - 1)


def _multipliers(shares: Shares, ts: Floats) -> tuple[Floats, Floats, Floats]:
    return np.exp(shares.depth * ts), np.exp(shares.width * ts / 2), np.exp(shares.resolution * ts / 2)


def _at(shares: Shares, t: float) -> Multipliers:
    depth, width, resolution = (float(axis[0]) for axis in _multipliers(shares, np.array([t])))
    return Multipliers(depth=depth, width=width, resolution=resolution)
