"""What a search strategy loses, on simulated searches whose truth is known (the kinds of `truths.py`, growth 8).

    python benchmarks/strategies.py [--searches 10] [--seed 0] [--csv FILE]

Every strategy is a pure object asked through the shipped interface, over the same simulated readings: noise of 2.5
points a trial, the 91 divisions in twelfths as places. Printed, in points of accuracy over all kinds but the flat one:

    regret   what the pick loses to the best division; of «grid» the arg max of the means, else the posterior's pick
    worst    the kind with the largest mean regret
    stated   the loss that the strategy expected when it ended (surface only)
    n        trainings on average; searches that settle end early

`grid` is sixths and references with three seeds, `grid + posterior` the same read through the posterior, `random` new
random divisions read through the posterior, `surface` the next best question, with one and with eight workers.
"""

import argparse
import time
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from truths import KINDS, Design, simulate

from scaling_search.analysis import basis
from scaling_search.coefficients import PAPER, REFERENCES
from scaling_search.evidence import Evidence, Proposal, Reading, Realised, Trial
from scaling_search.strategies import Ask, Decision, Point, Surface
from scaling_search.strategies.surface import Known

NODES = basis.nodes()
TRUTHS = Design("twelfths", NODES, np.zeros(len(NODES)), 40, 0.025, 8.0)


@dataclass
class Table:
    """A simulated search: the truth [places] and readings [places, seeds]."""

    truth: np.ndarray
    readings: np.ndarray
    candidates: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    found: dict[Trial, tuple[Reading, ...]] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)

    def evidence(self) -> Evidence:
        realised = {name: Realised(shares, 8.0) for name, shares in self.candidates.items()}
        return Evidence(dict(self.candidates), dict(self.found), tuple(self.proposals), realised)

    def enter(self, shares: tuple[float, float, float]) -> str:
        """The candidate at the node nearest to these shares."""
        node = int(np.abs(NODES - shares).sum(axis=1).argmin())
        name = f"c{node:02d}"
        self.candidates.setdefault(name, tuple(NODES[node].tolist()))
        return name

    def train(self, trial: Trial) -> None:
        top1 = float(self.readings[int(trial.candidate[1:]), trial.seed])
        reading = Reading(trial=trial, epoch=1, status="done", top1=top1, val_loss=2 * (1 - top1))
        self.found[trial] = (reading,)

    def regret(self, node: int) -> float:
        return 100 * float(self.truth.max() - self.truth[node])


def by_posterior(table: Table) -> tuple[int, float]:
    """The node with the best posterior mean, and the loss expected of it."""
    outlook = Known(table.evidence(), 1, ()).outlook(sorted(table.found))
    return int(outlook.mean[: outlook.places].argmax()), 100 * outlook.loss()


def by_means(table: Table) -> int:
    scores: dict[str, list[float]] = {}
    for trial, (reading,) in table.found.items():
        scores.setdefault(trial.candidate, []).append(reading.top1 or 0.0)
    return int(max(scores, key=lambda name: np.mean(scores[name]))[1:])


def ask_surface(table: Table, trials: int, workers: int, epsilon: float) -> None:
    """Runs the strategy; with several workers all of them end together, which is the least informed order."""
    strategy = Surface(trials=trials, epochs=1, epsilon=epsilon)
    for point in strategy.points():
        table.enter(point.shares.as_tuple())
    running: list[Ask] = []
    while True:
        decision = strategy.decide(table.evidence(), frozenset(running))
        if not isinstance(decision, Decision) and len(running) < workers:
            wanted = decision[0]
            if isinstance(wanted, Point):
                shares = wanted.shares.as_tuple()
                table.proposals.append(Proposal(shares=shares, candidate=table.enter(shares)))
            else:
                running.append(wanted)
            continue
        if not running:
            return
        for ask in running:
            table.train(ask.trial)
        running = []


def sweep(table: Table, points: list[tuple[float, float, float]], seeds: int) -> None:
    for shares in points:
        name = table.enter(shares)
        for seed in range(seeds):
            table.train(Trial(candidate=name, seed=seed))


def one_search(kind: str, random: np.random.Generator) -> list[dict[str, float | str]]:
    """Every strategy on one truth."""
    search = simulate(kind, TRUTHS, random)
    rows: list[dict[str, float | str]] = []

    def told(name: str, table: Table, node: int, stated: float = float("nan"), seconds: float = float("nan")) -> None:
        rows.append({"kind": kind, "strategy": name, "n": len(table.found), "regret": table.regret(node),
                     "stated": stated, "seconds": seconds})  # fmt: skip

    grid = Table(search.trained, search.readings)
    sixths = [tuple(node.tolist()) for node in NODES if np.allclose(6 * node, np.rint(6 * node))]
    sweep(grid, [*sixths, REFERENCES["fast"].as_tuple(), PAPER.shares().as_tuple()], 3)
    told("grid, arg max", grid, by_means(grid))
    told("grid + posterior", grid, *by_posterior(grid))
    for count in (15, 30):
        table = Table(search.trained, search.readings)
        sweep(table, [tuple(shares) for shares in random.dirichlet([1, 1, 1], count).tolist()], 1)
        told(f"random {count} + posterior", table, *by_posterior(table))
    for trials, workers, epsilon in ((12, 1, 1e-9), (15, 1, 1e-9), (30, 1, 1e-9), (45, 1, 1e-9), (45, 1, 5e-3),
                                     (15, 8, 1e-9), (30, 8, 1e-9)):  # fmt: skip
        table = Table(search.trained, search.readings)
        started = time.perf_counter()
        ask_surface(table, trials, workers, epsilon)
        seconds = (time.perf_counter() - started) / trials
        settling = ", settled at .5" if epsilon > 1e-3 else ""
        told(f"surface {trials}{settling}, {workers} at once", table, *by_posterior(table), seconds)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", help="write every search to this file")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    rows = [row for kind in KINDS for _ in range(arguments.searches) for row in one_search(kind, random)]
    table = pd.DataFrame(rows)
    shaped = table[table["kind"] != "flat"]
    summary = shaped.groupby("strategy", sort=False)[["n", "regret", "stated", "seconds"]].mean()
    summary["regret_se"] = shaped.groupby("strategy")["regret"].sem()
    kinds = shaped.groupby(["strategy", "kind"])["regret"].mean().unstack()
    summary["worst"], summary["of"] = kinds.max(axis=1), kinds.idxmax(axis=1)
    print(f"{arguments.searches} searches of each of {len(KINDS) - 1} kinds, seed {arguments.seed}")
    print(summary.to_string(float_format="{:.3f}".format))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False, float_format="%.4f")


if __name__ == "__main__":
    main()
