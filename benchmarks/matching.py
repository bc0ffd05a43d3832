"""How equal the candidates' costs are, and how near they come to the asked shares: on the ray, and off it.

    OMP_NUM_THREADS=1 python benchmarks/matching.py --csv results/matching/matching.csv

For every shipped baseline the proxies of the default size for CPUs, at leverage 2 (that size), 4 and 8 (the base
smaller in all dimensions, so that a candidate costs the same), and 30 points: the lattice of sixths and the references.

    ray      the network of the ray of constant shares that costs nearest; layers rounded stage by stage to the nearest,
             groups as in the baseline: what was done before
    spread   the same with single layers and groups that shrink with the base
    nearby   off the ray: what `match` does
    fine     the same from a base of other pixels, as `fine_size` finds it

With --cheaper only at leverage 8, from bases so many times as cheap again, as a search makes them whose time is short:

    nearby   as above
    filled   from the largest multiple of the strides' product that is at most 15 % smaller, so that no feature map is
             partly filled; wider and deeper in balance, so that it costs the same

Within: a cost within 2 % of the target, shares within 0.05 of the asked. Seconds are of processor time, for all points.
Nothing is drawn by chance, so that any machine gives the same networks.
"""

import argparse
import csv
import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import product
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np

from scaling_search.architecture import COST_TOLERANCE, SHARES_TOLERANCE, Architecture, match
from scaling_search.architecture.ray import Ray, multipliers_along, multipliers_at
from scaling_search.architecture.steps import growth_of, share_distance
from scaling_search.coefficients import REFERENCES, Multipliers, Shares, lattice
from scaling_search.search import searchspace
from scaling_search.search.proxy import ProxySize, fine_size, proxy_base

CLASSES = 10
LEVERAGES = (2, 4, 8)
POINTS = list(dict.fromkeys((*lattice(6), *(REFERENCES[name] for name in ("uniform", "fast", "paper")))))
Misses = tuple[float, float]  # of the cost, of the shares
Way = tuple[str, Architecture, Callable[[Architecture, Shares, int], Misses]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baselines", nargs="*", default=searchspace.names())
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--cheaper", type=float, nargs="*", default=(), metavar="FACTOR")
    arguments = parser.parse_args()
    print(f"{platform.machine()}, python {platform.python_version()}, numpy {version('numpy')}, ", end="")
    print(f"OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}, {len(POINTS)} points")
    if arguments.cheaper:
        for factor, way in product(arguments.cheaper, ("nearby", "filled")):
            summarise([row for name in arguments.baselines for row in measured_smaller(name, factor, way)])
        return
    rows = [row for name in arguments.baselines for leverage in LEVERAGES for row in measured(name, leverage)]
    if arguments.csv:
        with arguments.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    for leverage in LEVERAGES:
        for way in dict.fromkeys(row["way"] for row in rows):
            summarise([row for row in rows if (row["leverage"], row["way"]) == (leverage, way)])


def measured(name: str, leverage: int) -> list[dict[str, Any]]:
    """A row for each way, printed as it is found."""
    space = searchspace.load(name)
    full = space.network()
    assert isinstance(full, Architecture)
    size = space.proxy.size(full, "cpu", leverage / 2, width=None, resolution=None)
    fine = fine_size(full, size, growth=leverage, classes=CLASSES)
    small, other = (proxy_base(full, one, classes=CLASSES) for one in (size, fine))
    assert isinstance(small, Architecture) and isinstance(other, Architecture)
    ways = [
        ("ray", as_before(full, size), on_the_ray),
        ("spread", small, on_the_ray),
        ("nearby", small, off_the_ray),
        ("fine", other, off_the_ray),
    ]
    return counted(name, leverage, ways)


def measured_smaller(name: str, factor: float, way: str) -> list[dict[str, Any]]:
    """A row for a base that is so many times as cheap as the default one of leverage 8."""
    space = searchspace.load(name)
    full = space.network()
    assert isinstance(full, Architecture)
    size = space.proxy.size(full, "cpu", 4.0, width=None, resolution=None).shrunk(factor)
    base = proxy_base(full, filled(full, size) if way == "filled" else size, classes=CLASSES)
    assert isinstance(base, Architecture)
    return counted(name, 8, [(way, base, off_the_ray)])


def filled(full: Architecture, size: ProxySize) -> ProxySize:
    """At pixels that the strides divide, as wide and deep, in balance, as costs no more; size where none is near."""
    step = full.minimum_resolution
    pixels = step * (size.resolution // step)
    if pixels < 0.85 * size.resolution:
        return size

    def at(more: float) -> ProxySize:
        return ProxySize(width=size.width * more**0.25, resolution=pixels, depth=size.depth * more**0.5)

    wanted = proxy_base(full, size, classes=CLASSES).cost().macs
    low, high = 1.0, 16.0
    for _ in range(30):
        middle = sqrt(low * high)
        fits = proxy_base(full, at(middle), classes=CLASSES).cost().macs < wanted
        low, high = (middle, high) if fits else (low, middle)
    return at(low)


def counted(name: str, leverage: int, ways: Sequence[Way]) -> list[dict[str, Any]]:
    """A row for each way: its name, its base, and how networks are found from that."""
    rows = []
    for way, base, find in ways:
        start = time.process_time()
        misses = np.abs([find(base, shares, leverage) for shares in POINTS])
        seconds = time.process_time() - start
        rows.append({"baseline": name, "leverage": leverage, "way": way, "base": base.signature,
                     "macs": base.cost().macs, **figures(misses), "seconds": round(seconds, 2)})  # fmt: skip
        print("  ".join(f"{value}" for key, value in rows[-1].items() if key != "base"), flush=True)
    return rows


def as_before(full: Architecture, size: ProxySize) -> Architecture:
    """The proxies' base with every stage rounded for itself and the baseline's groups."""
    nearest = full.rounding.model_copy(update={"depth": "nearest", "width": "nearest"})
    finer = full.replaced(rounding=nearest.for_base_width(size.width), classes=CLASSES)
    return finer.scaled(Multipliers(depth=size.depth, width=size.width, resolution=size.resolution / full.resolution))


def on_the_ray(base: Architecture, shares: Shares, leverage: int) -> Misses:
    own = base.cost().macs
    ray = Ray(
        lambda ts: np.asarray(base.costs(*multipliers_along(shares, ts)).macs, dtype=np.float64),
        per_round=254,
        precision=1e-9,
    )
    ray.follow(leverage * own, leverage)
    network = base.scaled(multipliers_at(shares, ray.best[0]))
    distance = share_distance(growth_of(network.effective(base)), shares)
    return network.cost().macs / own / leverage - 1, float(distance)


def off_the_ray(base: Architecture, shares: Shares, leverage: int) -> Misses:
    found = match(base, shares, growth=leverage)
    return found.miss, found.shares_miss


def figures(misses: Any) -> dict[str, Any]:
    """How many of [n, 2] absolute misses are within both tolerances, or one, and what the worst and the mean are."""
    cost, shares = misses.T
    return {
        "within": int(((cost <= COST_TOLERANCE) & (shares <= SHARES_TOLERANCE)).sum()),
        "cost_within": int((cost <= COST_TOLERANCE).sum()),
        "shares_within": int((shares <= SHARES_TOLERANCE).sum()),
        "cost_worst": round(float(cost.max()), 4),
        "shares_worst": round(float(shares.max()), 4),
        "shares_mean": round(float(shares.mean()), 4),
    }


def summarise(rows: Sequence[dict[str, Any]]) -> None:
    """All baselines of one way and leverage in one line, as results/matching shows it."""
    total = len(rows) * len(POINTS)
    within, cost, shares = (sum(row[key] for row in rows) for key in ("within", "cost_within", "shares_within"))
    worst = [max(row[key] for row in rows) for key in ("cost_worst", "shares_worst")]
    mean = np.mean([row["shares_mean"] for row in rows])
    times = [row["seconds"] for row in rows]
    spread = f"{np.median(times):.2f} ({min(times):.2f} … {max(times):.2f})"
    print(
        f"| {rows[0]['leverage']}× | {rows[0]['way']} | {within} | {cost} | {shares} | {total} | "
        f"{100 * worst[0]:.1f} % | {worst[1]:.2f} | {mean:.3f} | {spread} |"
    )


if __name__ == "__main__":
    main()
