"""What few repeats tell of noise, and what an answer gains by it.

    python benchmarks/noise.py [--searches 5] [--seed 1] [--csv FILE] [--without-base]
    python benchmarks/noise.py --recorded results/tables/* results/compare-* …

Simulated searches (the kinds of truth of `truths.py`, growth 8): `surface` asks for 20 trainings and its answer is read
after 12, 16 and 20. A training has 1, 2.5 or 4 points of noise, a seed does nothing to all networks alike or deviates
by a point, and the unscaled network has three seeds whose noise is another, by a factor whose logarithm deviates by .35
(--without-base: it was not trained). Printed, over all kinds but the flat one, in points of accuracy: regret of the
pick, what it is stated to lose, whether the region kept the best division, the region's part of the triangle, the noise
that was reckoned with, and of the answers that are expected to lose half a point at most their part, regret and stated
loss; *normal* is the figure that a search stops by, of the posterior taken for one normal distribution. Then, by how
large the one or the other is, what was lost. An earlier version of the package may be put before it (PYTHONPATH).

--recorded: of each run, in accuracy and in cross-entropy, the noise of the candidates and of the unscaled network (root
of the mean variance between seeds) and F of the seeds: the variance that they have in common, over what chance alone
gives it (candidates with all seeds, the unscaled network too).
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from strategies import NODES, Table, run
from truths import KINDS, Design, Search, simulate
from verdicts import by_figure, tables

from scaling_search.analysis import analyze, basis
from scaling_search.analysis.outlook import outlook
from scaling_search.coefficients import Shares
from scaling_search.evidence import EPSILON, UNSCALED, Evidence, Reading, Trial
from scaling_search.strategies import Surface

NOISES, EFFECTS = (0.01, 0.025, 0.04), (0.0, 0.01)
READ = (12, 16, 20)  # trainings
LEAST = 5  # networks with all seeds, for an F
BASE_SEEDS, BASE_LEVEL, BASE_SPREAD = 3, 0.45, 0.35


class Simulated(Table):
    """A simulated search whose unscaled network was trained before."""

    base: tuple[float, ...] = ()

    def evidence(self) -> Evidence:
        trials = [Trial(candidate=UNSCALED, seed=seed) for seed in range(len(self.base))]
        shown = zip(trials, self.base, strict=True)
        readings = {
            trial: (Reading(trial=trial, epoch=1, status="done", top1=top1, val_loss=2 * (1 - top1)),)
            for trial, top1 in shown
        }
        return replace(super().evidence(), unscaled=readings)


def one_search(kind: str, noise: float, effect: float, stream: list[int], *, base: bool) -> list[dict[str, object]]:
    """The answers of one search, after each of READ trainings."""
    design = Design("twelfths", NODES, np.zeros(len(NODES)), max(READ), noise, 8.0)
    truth = simulate(kind, design, np.random.default_rng(stream))
    common = truth.readings.mean(axis=0) - truth.readings.mean()  # `simulate` gives a point to all seeds
    readings, common = (truth.readings, common) if effect else (truth.readings - common, 0 * common)
    table = Simulated(truth.trained, readings, truth.ln_cost)
    own = np.random.default_rng([*stream, 1])
    sd = noise * np.exp(own.normal(0, BASE_SPREAD))
    level = BASE_LEVEL + common[:BASE_SEEDS] + sd * own.standard_normal(BASE_SEEDS)
    table.base = tuple(level.tolist()) if base else ()
    found: list[dict[str, object]] = []

    def heard() -> None:
        if len(table.found) in READ:
            same = {"kind": kind, "noise": noise, "effect": effect, "number": stream[1]}
            found.append({**same, "trainings": len(table.found), **answer(table, truth)})

    run(Surface(trials=max(READ), epochs=1, epsilon=1e-9), table, heard=heard)
    return found


def answer(table: Simulated, truth: Search) -> dict[str, float]:
    """What `analyze` says of the trainings so far, and whether it is so."""
    nodes = sorted({int(trial.candidate[1:]) for trial in table.found})
    values = np.full((len(nodes), 1 + max(trial.seed for trial in table.found)), np.nan)
    for trial, (reading,) in table.found.items():
        values[nodes.index(int(trial.candidate[1:])), trial.seed] = reading.top1
    design = Design("trained", NODES[nodes], table.ln_cost[nodes], values.shape[1], 0.0, 8.0)
    trials = tables(replace(truth, readings=values, ln_cost=table.ln_cost[nodes]), design)
    names = {"candidate": UNSCALED, "epoch": 1, "status": "done", "reason": ""}
    rows = [
        {**names, "seed": seed, "top1": top1, "val_loss": 2.4 - 2 * top1, "images_seen": 1000}
        for seed, top1 in enumerate(table.base)
    ]
    analysis = analyze(replace(trials, unscaled=pd.DataFrame(rows, columns=trials.final.columns)))
    shares = np.array(analysis.pick.shares.as_tuple())
    pick = int(np.abs(NODES - shares).sum(axis=1).argmin())
    depth, width, resolution = NODES[truth.trained.argmax()].tolist()
    best = analysis.decision.at(Shares(depth=depth, width=width, resolution=resolution))
    return {
        "regret": table.regret(pick), "stated": 100 * analysis.pick.expected_loss,
        "kept": float(best["inside"]), "size": analysis.decision.fraction,
        "normal": 100 * outlook(analysis.surface, nodes=basis.nodes()).loss(),
        "reckoned": 100 * float(np.median(analysis.surface.trial_sd)),
    }  # fmt: skip


def simulated(count: int, seed: int, *, base: bool) -> pd.DataFrame:
    """All searches, one row an answer."""
    return pd.DataFrame(
        row
        for number in range(count)
        for index, kind in enumerate(KINDS)
        for noise in NOISES
        for effect in EFFECTS
        for row in one_search(
            kind, noise, effect, [seed, number, index, round(1000 * noise), round(1000 * effect)], base=base
        )
    )


def summarised(rows: pd.DataFrame) -> pd.DataFrame:
    """Means by noise, effect of a seed and trainings."""
    rows = rows[rows["kind"] != "flat"].assign(settled=lambda table: (table["stated"] <= 100 * EPSILON).astype(float))
    for name in ("regret", "stated"):
        rows[f"settled_{name}"] = rows[name].where(rows["settled"] == 1)
    by = ["noise", "effect", "trainings"]
    groups = rows.drop(columns=["kind", "number"]).groupby(by)
    return groups.mean().assign(regret_se=groups["regret"].sem(), n=groups.size()).reset_index()


def recorded(run: Path) -> Iterator[dict[str, object]]:
    """Noise of a run's candidates and of its unscaled network, and what seeds have in common."""
    trials = pd.read_csv(run / "trials.csv")
    final = trials[trials["epoch"] == trials.groupby(["candidate", "seed"])["epoch"].max().mode().max()]
    for value in ("top1", "val_loss"):
        table = final.pivot(index="candidate", columns="seed", values=value)
        own, others = table[table.index == UNSCALED], table[table.index != UNSCALED]
        yield {
            "run": run, "reading": value, "epochs": int(final["epoch"].iloc[0]), "candidates": len(others),
            "noise": _noise(others), "base": _noise(own), "base_seeds": int(own.notna().sum().sum()),
            "f_seeds": _common(table.loc[:, others.notna().any()].dropna()),
        }  # fmt: skip


def _noise(table: pd.DataFrame) -> float:
    """Root of the mean variance of the rows that have a second seed."""
    freedom = (table.notna().sum(axis=1) - 1).clip(lower=0)
    return float(np.sqrt((table.var(axis=1) * freedom).sum() / freedom.sum())) if freedom.sum() else float("nan")


def _common(table: pd.DataFrame) -> float:
    """F of the seeds in a two-way table without gaps."""
    n, k = table.shape
    if n < LEAST or k < 2:
        return float("nan")
    apart = table.to_numpy() - table.to_numpy().mean(axis=1, keepdims=True)
    effects = apart.mean(axis=0)
    return float(n * (effects**2).sum() / (((apart - effects) ** 2).sum() / (n - 1)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=5, help="of each kind of truth, noise and effect of a seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-base", action="store_true")
    parser.add_argument("--csv", type=Path, help="write every answer, or the runs, to this file")
    parser.add_argument("--recorded", type=Path, nargs="+", metavar="RUN")
    arguments = parser.parse_args()
    if arguments.recorded:
        rows = shown = pd.DataFrame(row for run in arguments.recorded for row in recorded(run))
    else:
        rows = simulated(arguments.searches, arguments.seed, base=not arguments.without_base)
        shown = summarised(rows)
    if arguments.csv:
        rows.to_csv(arguments.csv, index=False, float_format="%.5g")
    print(shown.to_string(index=False, float_format="{:.3f}".format))
    if not arguments.recorded:
        print(by_figure(rows).to_string(index=False, float_format="{:.3f}".format))


if __name__ == "__main__":
    main()
