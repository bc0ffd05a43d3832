"""CPU seconds of `analyze`, without figures: tables of simulated searches, median of some calls.

OMP_NUM_THREADS=1 python benchmarks/answer_speed.py [--calls 7]
"""

import argparse
from statistics import median
from time import process_time

import numpy as np
from truths import Design, simulate
from verdicts import tables

from scaling_search.analysis import analyze

SIZES = (9, 30, 120, 2000)


def measure(candidates: int, calls: int) -> list[float]:
    """CPU seconds of each call for so many candidates × 3 seeds."""
    random = np.random.default_rng(0)
    shares = random.dirichlet([1, 1, 1], candidates)
    design = Design(f"{candidates} x 3", shares, np.zeros(candidates), 3, 0.025, 8.0)
    trials = tables(simulate("bowl", design, random), design)
    seconds = []
    for _ in range(calls):
        begun = process_time()
        analyze(trials)
        seconds.append(process_time() - begun)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=7)
    calls = parser.parse_args().calls
    for candidates in SIZES:
        seconds = measure(candidates, calls)
        print(
            f"{candidates:>5} candidates × 3 seeds: {median(seconds):.3f} s "
            f"({min(seconds):.3f} to {max(seconds):.3f}, n = {calls})"
        )


if __name__ == "__main__":
    main()
