"""How fast candidates are scaled and costed: arrays, one by one, and by building and counting with fvcore.

    OMP_NUM_THREADS=1 python benchmarks/cost.py

All in one run on one core, over random candidates of the same baseline (multipliers 0.5 to 3 on every axis; fvcore,
which runs each network, gets some near the baseline). Seconds of processor time, so that other load on the machine does
not count: the median and the spread of the repeats. The first few are checked against each other before the timing.
"""

import argparse
import os
import platform
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from statistics import median

import numpy as np

from scaling_search.architecture import Architecture
from scaling_search.coefficients import Multipliers
from scaling_search.search import searchspace


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline", default="b0")
    parser.add_argument("--candidates", type=int, default=100_000, help="for the arrays")
    parser.add_argument("--single", type=int, default=200, help="one by one")
    parser.add_argument("--built", type=int, default=3, help="built and counted by fvcore")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    network = searchspace.load(arguments.baseline).network()
    assert isinstance(network, Architecture)
    axes = np.random.default_rng(0).uniform(0.5, 3, (3, arguments.candidates))
    points = [Multipliers(depth=d, width=w, resolution=r) for d, w, r in axes.T[: arguments.single]]

    together = network.costs(*axes)
    assert all(together[index] == network.scaled(point).cost() for index, point in enumerate(points[:20]))

    print(
        f"{arguments.baseline}, {arguments.repeats} repeats, {platform.machine()}, python {platform.python_version()}"
    )
    print(f"numpy {version('numpy')}, torch {version('torch')}, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS')}")
    print(f"{'':34}{'candidates':>11}{'CPU s':>10}{'spread':>19}{'candidates/s':>14}")
    report("arrays", arguments.candidates, arguments.repeats, lambda: network.costs(*axes))
    report("one by one", len(points), arguments.repeats, lambda: [network.scaled(point).cost() for point in points])
    few = [Multipliers(depth=1, width=1 + index / 10, resolution=1) for index in range(arguments.built)]
    report("built, fvcore FlopCountAnalysis", len(few), 1, lambda: [fvcore(network.scaled(point)) for point in few])


def report(name: str, count: int, repeats: int, run: Callable[[], object]) -> None:
    """One line of the table: processor seconds of a whole run, and candidates a second at the median."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    spread = f"{min(times):.3f} … {max(times):.3f}"
    print(f"{name:34}{count:11,}{median(times):10.3f}{spread:>19}{count / median(times):14,.1f}")


def fvcore(network: Architecture) -> float:
    """The way without a cost model: build the module, run it, count."""
    import torch
    from fvcore.nn import FlopCountAnalysis

    from scaling_search.networks import build

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = torch.zeros(1, 3, network.resolution, network.resolution)
        analysis = FlopCountAnalysis(build(network).eval(), images)
        total: float = analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).total()
        return total


if __name__ == "__main__":
    main()
