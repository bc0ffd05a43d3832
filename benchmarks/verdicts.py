"""How often the verdict is right: searches of a known truth, simulated, and judged as real ones are.

    python benchmarks/verdicts.py [--searches 100] [--csv FILE]

A search is a lattice in quarters and the references, each with some seeds. Its truth is a smooth surface plus what
rounding does to each network. Printed for each setting, over all searches:

    kept      the true best division is in the 95 % region (should be at least 0.95)
    clear     the verdict is clear
    wrong     the verdict is clear, and the true best divides the compute otherwise or there is none (at most 0.05)
    regret    mean points of accuracy that the pick loses to the true best
    paper     the same for always taking the paper's division
"""

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd

from scaling_search.analysis.means import paired_means
from scaling_search.analysis.pick import compute_apart, explore
from scaling_search.analysis.surface import fit
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.verdict import APART
from scaling_search.coefficients import REFERENCES, lattice

POINTS = np.array(
    [shares.as_tuple() for shares in [*lattice(4), REFERENCES["uniform"], REFERENCES["fast"], REFERENCES["paper"]]]
)
NAMES = [f"c{index:02d}" for index in range(len(POINTS))]
TRIAL_NOISE = 0.01  # one point of accuracy between seeds, as in the recorded runs of a small net


def truth(shares: np.ndarray, best: np.ndarray, steepness: float) -> np.ndarray:
    """Expected accuracy [n] of shares [n, 3]: neither quadratic nor symmetric, as a real one would not be."""
    distance = np.abs(shares - best) @ np.array([1.0, 0.7, 1.3])
    return np.asarray(0.7 - steepness * distance**1.7)


def search(random: np.random.Generator, *, seeds: int, steepness: float, rounding: float) -> dict[str, float]:
    """One simulated search, judged."""
    best = random.dirichlet([2, 2, 2])
    expected = truth(POINTS, best, steepness)
    built = expected + random.normal(0, rounding, len(POINTS))
    trials = built[:, None] + random.normal(0, TRIAL_NOISE, (len(POINTS), seeds))
    final = pd.DataFrame(
        [(name, seed, value) for name, row in zip(NAMES, trials, strict=True) for seed, value in enumerate(row)],
        columns=["candidate", "seed", "top1"],
    )
    candidates = pd.DataFrame(POINTS, columns=SHARES, index=NAMES).assign(macs_ratio=2.0)
    surface = fit(candidates, paired_means(final), pd.Series(seeds, index=NAMES), 2.0)
    landscape = explore(surface, candidates)
    places, pick = landscape.places[SHARES].to_numpy(float), np.array(landscape.pick.shares.as_tuple())
    inside = landscape.places["inside"].to_numpy(bool)
    nearest = int(compute_apart(places, best).argmin())
    ties = landscape.candidates["inside"].to_numpy(bool)
    clear = bool((compute_apart(POINTS[ties], pick) <= APART).all())
    return {
        "kept": float(inside[nearest]),
        "clear": float(clear),
        "wrong": float(clear and (steepness == 0 or compute_apart(best, pick) > APART)),
        "regret": 100 * (0.7 - truth(pick[None], best, steepness)[0]),
        "paper": 100 * (0.7 - expected[-1]),
    }


def settings() -> Iterator[dict[str, float]]:
    for seeds, steepness, rounding in product((1, 3), (0.0, 0.01, 0.05), (0.0, 0.005)):
        yield {"seeds": seeds, "steepness": steepness, "rounding": rounding}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=100)
    parser.add_argument("--csv", help="write the table to this file too")
    arguments = parser.parse_args()
    rows = []
    for setting in settings():
        random = np.random.default_rng(0)
        outcomes = pd.DataFrame(
            search(random, seeds=int(setting["seeds"]), steepness=setting["steepness"], rounding=setting["rounding"])
            for _ in range(arguments.searches)
        )
        rows.append({**setting, **outcomes.mean()})
    table = pd.DataFrame(rows)
    print(f"{arguments.searches} searches a setting, {len(POINTS)} candidates, {TRIAL_NOISE:.0%} noise a trial")
    print(table.to_string(index=False, float_format="{:.3f}".format))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
