"""From points to candidates: real networks with realised cost, equal ones kept once, and the table candidates.csv."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from scaling_search.architecture import TARGET_METRICS, Cost, Match, Network, Target, match, nominal
from scaling_search.coefficients import Coefficients, Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically
from scaling_search.search.strategies import Point

Seconds = Callable[[Network], float]
"""Measures the latency of a network on one device."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a point becomes a network.

    Attributes:
        phi: the compound coefficient; without a target, 2^φ times the MACs are wanted.
        match: walk the ray of constant shares to the wanted realised cost, or take (α^φ, β^φ, γ^φ) literally.
        target: what is wanted instead, in any metric.
        latency: the stopwatch for a target in latency.
    """

    phi: float
    match: Literal["realised", "nominal"] = "realised"
    target: Target | None = None
    latency: Seconds | None = None

    def apply(self, point: Point, base: Network) -> Match:
        """The network that the point leads to from base."""
        if self.match == "nominal":
            return nominal(base, point.coefficients, self.phi)
        return match(base, point.shares, growth=2.0**self.phi, target=self.target, latency=self.latency)

    def relative_to(self, full: Network) -> "Rule":
        """The same rule for a small stand-in of full: an amount becomes a multiple of what full costs."""
        if self.target is None or self.target.amount is None:
            return self
        metric = self.target.metric
        if metric == "latency":
            assert self.latency is not None
            whole = self.latency(full)
        else:
            whole = float(TARGET_METRICS[metric](full.cost()))
        return replace(self, target=Target(metric=metric, growth=self.target.amount / whole))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The most that a network may cost: target_flops and target_memory of arXiv 1905.11946, eq. 2. None is no limit."""

    macs: int | None = None
    params: int | None = None
    memory: int | None = None
    """Bytes at inference, one image."""
    latency: float | None = None
    """Seconds, as `measure` takes them."""
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
class Candidate:
    """Coefficients applied to a baseline: one concrete network with its realised cost.

    `coefficients` are what was asked (the label), `multipliers` what the network was built with, `effective` what each
    axis came to, measured by its own cost. `full` is the same point at the baseline's full size when this is a proxy.
    """

    id: str
    coefficients: Coefficients
    names: tuple[str, ...]
    multipliers: Multipliers
    effective: Multipliers
    network: Network
    cost: Cost
    macs_ratio: float
    full: "Candidate | None" = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two candidates the same network."""
        return (*self.network.depths, *self.network.widths, self.network.resolution)

    def row(self) -> dict[str, Any]:
        """The candidate as a row of candidates.csv; floats keep all digits, so that the network can be built again."""
        row: dict[str, Any] = {
            "candidate": self.id,
            **_triple(("alpha", "beta", "gamma"), self.coefficients),
            **_triple(("share_depth", "share_width", "share_resolution"), self.coefficients.shares()),
            **_triple(("depth", "width", "resolution"), self.multipliers),
            **_triple(("effective_depth", "effective_width", "effective_resolution"), self.effective),
            "pixels": self.network.resolution,
            "network": describe(self.network),
            "named": ";".join(self.names),
            **_costs(self.cost, self.macs_ratio),
        }
        if self.full is not None:
            full: dict[str, Any] = {"pixels": self.full.network.resolution, "network": describe(self.full.network)}
            full |= _costs(self.full.cost, self.full.macs_ratio)
            row |= {f"full_{name}": value for name, value in full.items()}
        return row


def inference_bytes(cost: Cost) -> int:
    """Peak memory of one image without gradients, in bytes (float32)."""
    return int(cost.memory(training=False).total)


def describe(network: Network) -> str:
    """Depths and widths in one word each: «d1-2-2-3-3-4-1 w32-16-24-40-80-112-192-320-1280»."""
    return f"d{'-'.join(map(str, network.depths))} w{'-'.join(map(str, network.widths))}"


def realise(
    points: Iterable[Point], base: Network, rule: Rule, *, full: Network | None = None, limits: Limits | None = None
) -> list[Candidate]:
    """The distinct networks that points lead to, in the order of points; names of equal ones are put together.

    Args:
        base: what is scaled, a full network or its proxy.
        full: the full-size baseline when base is a proxy; the limits then apply to it.

    Raises:
        InvalidInput: no network keeps within the limits, or none reaches the target.
    """
    small = rule if full is None else rule.relative_to(full)
    kept: dict[tuple[Any, ...], Candidate] = {}
    refused: list[Candidate] = []
    for point in points:
        candidate = apply_point(point, base, small)
        if full is not None:
            candidate = replace(candidate, full=apply_point(point, full, rule))
        judged = candidate.full or candidate
        if limits is not None and not limits.allow(judged.network, judged.cost):
            refused.append(candidate)
            continue
        known = kept.get(candidate.key)
        if known is None:
            kept[candidate.key] = replace(candidate, id=f"c{len(kept):02d}")
        else:
            kept[candidate.key] = replace(known, names=(*known.names, *candidate.names))
    if not kept:
        least = min(((candidate.full or candidate).cost for candidate in refused), key=lambda cost: cost.macs)
        raise InvalidInput(
            f"no candidate keeps within the limits; the cheapest has {least.macs:,} MACs, {least.params:,} parameters "
            f"and {inference_bytes(least):,} bytes"
        )
    return list(kept.values())


def apply_point(point: Point, base: Network, rule: Rule) -> Candidate:
    """One point applied to a base network; the id is left empty."""
    found = rule.apply(point, base)
    return Candidate(
        id="",
        coefficients=point.coefficients,
        names=point.names,
        multipliers=found.multipliers,
        effective=found.network.effective(base),
        network=found.network,
        cost=found.cost,
        macs_ratio=found.ratio,
    )


def write_table(path: Path, candidates: Sequence[Candidate]) -> None:
    """Writes candidates.csv, whole or not at all: a sampling search writes it again while it runs."""
    rows = [candidate.row() for candidate in candidates]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def _triple(names: tuple[str, str, str], values: Any) -> dict[str, float]:
    """Three columns from a dataclass of three numbers, in their order."""
    return dict(zip(names, vars(values).values(), strict=True))


def _costs(cost: Cost, ratio: float) -> dict[str, int | float]:
    return {"params": cost.params, "macs": cost.macs, "activations": cost.activations, "macs_ratio": ratio}


def read_table(path: Path, base: Network) -> list[Candidate]:
    """The candidates of candidates.csv, their networks built again from the multipliers that it keeps.

    Raises:
        InvalidInput: the file is missing, or a network comes out with another cost than it was written with.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [_from_row(row, base) for row in csv.DictReader(file)]
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"{path} is not a table of candidates of this run: {error}") from error


def _from_row(row: dict[str, str], base: Network) -> Candidate:
    numbers = {name: float(row[name]) for name in ("alpha", "beta", "gamma", "depth", "width", "resolution")}
    multipliers = Multipliers(depth=numbers["depth"], width=numbers["width"], resolution=numbers["resolution"])
    network = base.scaled(multipliers)
    cost = network.cost()
    if cost.macs != int(row["macs"]):
        raise InvalidInput(f"{row['candidate']} has {cost.macs} MACs now and had {row['macs']} when the run was begun")
    return Candidate(
        id=row["candidate"],
        coefficients=Coefficients(alpha=numbers["alpha"], beta=numbers["beta"], gamma=numbers["gamma"]),
        names=tuple(name for name in row["named"].split(";") if name),
        multipliers=multipliers,
        effective=network.effective(base),
        network=network,
        cost=cost,
        macs_ratio=float(row["macs_ratio"]),
    )
