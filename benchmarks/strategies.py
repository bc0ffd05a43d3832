"""What a search strategy loses, on simulated searches whose truth is known (the kinds of `truths.py`, growth 8).

    python benchmarks/strategies.py [--searches 10] [--seed 0] [--csv FILE]

Every strategy is a pure object asked through the shipped interface, over the same simulated readings: noise of 2.5
points a trial, the 91 divisions in twelfths as places. Printed, in points of accuracy over all kinds but the flat one:

    regret   what the pick loses to the best division; of «means» the best mean, else the posterior's pick
    worst    the kind with the largest mean regret
    stated   the loss that is expected of the pick, by the posterior
    n        trainings on average; searches that settle end early

`grid` is sixths and references with three seeds, `lattice` fourths or sixths with so many; `race` and `random` are the
strategies of these names, `optuna` its TPE sampler with one seed each; `surface` is the next best question, with one
and with eight workers. A search of 45 trainings with one worker is read after 12, 15 and 30 too (it would have asked
the same), and where it had settled: where no more than half a point was expected to be lost, at two readings running.
Simulated trials have one epoch, so halving is compared on recorded tables only (`scaling-search replay`).
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from truths import KINDS, Design, simulate

from scaling_search.analysis import basis
from scaling_search.coefficients import PAPER, REFERENCES
from scaling_search.evidence import Evidence, Proposal, Reading, Realised, Trial
from scaling_search.strategies import Ask, Decision, Optuna, Point, Race, Random, Strategy, Surface
from scaling_search.strategies.surface import Known

NODES = basis.nodes()
READ = (12, 15, 30)  # trainings
LATTICES = ((4, 1), (4, 2), (4, 3), (6, 1), (6, 2))  # parts, seeds
TRUTHS = Design("twelfths", NODES, np.zeros(len(NODES)), 40, 0.025, 8.0)


@dataclass
class Table:
    """A simulated search: the truth [places], readings [places, seeds] and ln(cost / 8) [places]."""

    truth: np.ndarray
    readings: np.ndarray
    ln_cost: np.ndarray
    candidates: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    found: dict[Trial, tuple[Reading, ...]] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)

    def evidence(self) -> Evidence:
        cost = {name: 8.0 * float(np.exp(self.ln_cost[int(name[1:])])) for name in self.candidates}
        realised = {name: Realised(shares, cost[name]) for name, shares in self.candidates.items()}
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
    """The node with the best mean; in a race of those with the most seeds."""
    scores: dict[str, list[float]] = {}
    for trial, (reading,) in table.found.items():
        scores.setdefault(trial.candidate, []).append(reading.top1 or 0.0)
    most = max(map(len, scores.values()))
    return int(max((name for name in scores if len(scores[name]) == most), key=lambda name: np.mean(scores[name]))[1:])


def run(strategy: Strategy, table: Table, *, workers: int = 1, heard: Callable[[], None] = lambda: None) -> float:
    """Runs the strategy; with several workers all of them end together, which is the least informed order.

    Args:
        heard: called after each training.

    Returns:
        CPU seconds that its decisions took.
    """
    for point in strategy.points():
        table.enter(point.shares.as_tuple())
    running: list[Ask] = []
    spent = 0.0
    while True:
        started = time.process_time()
        decision = strategy.decide(table.evidence(), frozenset(running))
        spent += time.process_time() - started
        if not isinstance(decision, Decision) and len(running) < workers:
            wanted = decision[0]
            if isinstance(wanted, Point):
                shares = wanted.shares.as_tuple()
                table.proposals.append(Proposal(shares=shares, candidate=table.enter(shares)))
            else:
                running.append(wanted)
            continue
        if not running:
            return spent
        for ask in running:
            table.train(ask.trial)
            heard()
        running = []


def sweep(table: Table, points: list[tuple[float, float, float]], seeds: int) -> None:
    for shares in points:
        name = table.enter(shares)
        for seed in range(seeds):
            table.train(Trial(candidate=name, seed=seed))


class Search:
    """Every strategy on one truth; `rows` is what came of them."""

    def __init__(self, kind: str, random: np.random.Generator) -> None:
        self.kind = kind
        self.simulated = simulate(kind, TRUTHS, random)
        self.rows: list[dict[str, float | str]] = []

    def table(self) -> Table:
        return Table(self.simulated.trained, self.simulated.readings, self.simulated.ln_cost)

    def note(self, name: str, table: Table, *, means: bool = False, seconds: float = float("nan")) -> None:
        """Reads a table by the posterior, and by the means too where a strategy has no posterior."""
        node, stated = by_posterior(table)
        same: dict[str, float | str] = {"kind": self.kind, "n": len(table.found), "seconds": seconds}
        self.rows.append({"strategy": name, **same, "regret": table.regret(node), "stated": stated})
        if means:
            self.rows.append({"strategy": f"{name}, means", **same, "regret": table.regret(by_means(table))})

    def grid(self) -> None:
        table = self.table()
        sixths = [tuple(node.tolist()) for node in NODES if np.allclose(6 * node, np.rint(6 * node))]
        sweep(table, [*sixths, REFERENCES["fast"].as_tuple(), PAPER.shares().as_tuple()], 3)
        self.note("grid", table, means=True)

    def lattices(self) -> None:
        """An even sweep with as many trainings as the others have."""
        for parts, seeds in LATTICES:
            table = self.table()
            points = [tuple(node.tolist()) for node in NODES if np.allclose(parts * node, np.rint(parts * node))]
            sweep(table, points, seeds)
            self.note(f"lattice {len(points)} x {seeds}", table, means=True)

    def others(self, draws: int) -> None:
        """The strategies to compare with; `draws` is the seed of those that have random numbers."""
        strategies: dict[str, Strategy] = {
            "random 15": Random(samples=15, seeds=1, epochs=1, random=draws),
            "random 30": Random(samples=30, seeds=1, epochs=1, random=draws),
            "race": Race(parts=4, seeds=3, epochs=1),
            "optuna 15": Optuna(samples=9, seeds=1, epochs=1, random=draws),
            "optuna 30": Optuna(samples=24, seeds=1, epochs=1, random=draws),
        }
        for name, strategy in strategies.items():
            table = self.table()
            run(strategy, table)
            self.note(name, table, means=True)

    def surface(self) -> None:
        table = self.table()
        settles, settled = Surface(trials=45, epochs=1, epsilon=0.005), False

        def heard() -> None:
            nonlocal settled
            n = len(table.found)
            if n in READ:
                self.note(f"surface {n}", table)
            if not settled and (n == 45 or settles._settled(Known(table.evidence(), 1, ()))):
                settled = True
                self.note("surface, settled at .5", table)

        seconds = run(Surface(trials=45, epochs=1, epsilon=1e-9), table, heard=heard)
        self.note("surface 45", table, seconds=seconds / 45)
        for trials in (15, 30):
            table = self.table()
            run(Surface(trials=trials, epochs=1, epsilon=1e-9), table, workers=8)
            self.note(f"surface {trials}, 8 at once", table)


def one_search(kind: str, number: int, random: np.random.Generator) -> list[dict[str, float | str]]:
    """Every strategy on one truth."""
    search = Search(kind, random)
    search.grid()
    search.lattices()
    search.others(number)
    search.surface()
    return search.rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=10, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", help="write every search to this file")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    rows: list[dict[str, float | str]] = []
    for number in range(arguments.searches):
        for kind in KINDS:
            rows += one_search(kind, number, random)
        print(f"{number + 1} of {arguments.searches} searches of each kind", file=sys.stderr, flush=True)
        if arguments.csv:
            pd.DataFrame(rows).to_csv(arguments.csv, index=False, float_format="%.4f")
    table = pd.DataFrame(rows)
    shaped = table[table["kind"] != "flat"]
    summary = shaped.groupby("strategy", sort=False)[["n", "regret", "stated", "seconds"]].mean()
    summary["regret_se"] = shaped.groupby("strategy")["regret"].sem()
    kinds = shaped.groupby(["strategy", "kind"])["regret"].mean().unstack()
    summary["worst"], summary["of"] = kinds.max(axis=1), kinds.idxmax(axis=1)
    print(f"{arguments.searches} searches of each of {len(KINDS) - 1} kinds, seed {arguments.seed}")
    print(summary.to_string(float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
