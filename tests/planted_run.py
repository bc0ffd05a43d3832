"""Writes a run folder whose truth is known: a surface over the shares, an effect of cost, and noise."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_search.analysis import Analysis, analyze
from scaling_search.analysis.trials import Trials
from scaling_search.coefficients import REFERENCES, Shares, lattice
from scaling_search.search.folder import RunFolder
from scaling_search.search.plan import Plan, Speed
from scaling_search.search.record import (
    BaseRecord,
    DataRecord,
    DeviceRecord,
    ExecutorRecord,
    Question,
    RunRecord,
)
from scaling_search.search.searchspace import load
from scaling_search.study.reading import read_trials
from scaling_search.training.recipe import recipe

Truth = Callable[[np.ndarray], np.ndarray]
"""Accuracy [n] of shares [n, 3] at the target cost."""


def peak(best: Sequence[float], *, height: float = 0.75, steepness: float = 0.6) -> Truth:
    """Accuracy that falls with the squared distance from the best shares."""
    return lambda shares: height - steepness * ((shares - np.asarray(best)) ** 2).sum(axis=1)


def searched(parts: int = 4) -> list[Shares]:
    """A lattice and the references that do not lie on it, as a run searches them."""
    points = lattice(parts)
    return points + [share for share in REFERENCES.values() if not any(_same(share, point) for point in points)]


def plant(
    folder: Path,
    *,
    truth: Truth,
    points: Sequence[Shares] | None = None,
    seeds: int = 3,
    epochs: int = 4,
    noise: float = 0.005,
    seed_noise: float = 0.01,
    cost_noise: float = 0.0,
    cost_effect: float = 0.0,
    classes: int = 10,
    phi: float = 1.0,
    random: int = 0,
) -> Path:
    """A finished run: noise is that of one trial, cost_noise the sd of ln(realised cost / target)."""
    generator = np.random.default_rng(random)
    chosen = searched() if points is None else list(points)
    candidates = _candidates(chosen, cost=generator.normal(0, cost_noise, len(chosen)) if cost_noise else None, phi=phi)
    expected = truth(_matrix(chosen)) + cost_effect * np.log(candidates["macs_ratio"].to_numpy() / 2.0**phi)
    blocks = generator.normal(0, seed_noise, seeds)
    final = expected[:, None] + blocks[None, :] + generator.normal(0, noise, (len(chosen), seeds))
    folder.mkdir(parents=True, exist_ok=True)
    candidates.to_csv(folder / "candidates.csv", index=False)
    _trials(candidates["candidate"], final, epochs=epochs, classes=classes).to_csv(folder / "trials.csv", index=False)
    RunFolder(folder).write_record(record_of(seeds=seeds, epochs=epochs, classes=classes, phi=phi))
    return folder


def analyze_run(run: Path) -> Analysis:
    """The answer of a planted run."""
    return analyze(read_trials(RunFolder(run)))


def read_run(run: Path) -> Trials:
    """The tables of a planted run."""
    return read_trials(RunFolder(run))


def edit_trials(run: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Rewrites trials.csv, to plant an accident."""
    path = run / "trials.csv"
    change(pd.read_csv(path, dtype={"reason": str})).to_csv(path, index=False)


def fail_rows(rows: pd.DataFrame, which: pd.Series, reason: str) -> pd.DataFrame:
    """The rows with those of which turned into failures, without metrics."""
    return rows.assign(
        status=rows["status"].mask(which, "failed"),
        reason=rows["reason"].mask(which, reason),
        top1=rows["top1"].mask(which),
    )


def _same(first: Shares, second: Shares) -> bool:
    return np.allclose(first.as_tuple(), second.as_tuple())


def _matrix(points: Sequence[Shares]) -> np.ndarray:
    return np.array([point.as_tuple() for point in points])


def _candidates(points: Sequence[Shares], *, cost: np.ndarray | None, phi: float) -> pd.DataFrame:
    deviation = np.zeros(len(points)) if cost is None else cost
    rows = []
    for index, (shares, extra) in enumerate(zip(points, deviation, strict=True)):
        coefficients = shares.coefficients()
        built = shares.coefficients(float(2.0 * np.exp(extra / phi))).multipliers(phi)
        ratio = built.depth * built.width**2 * built.resolution**2
        named = ";".join(name for name, point in REFERENCES.items() if _same(point, shares))
        rows.append(
            {
                "candidate": f"c{index:02d}",
                "alpha": coefficients.alpha, "beta": coefficients.beta, "gamma": coefficients.gamma,
                "share_depth": shares.depth, "share_width": shares.width, "share_resolution": shares.resolution,
                "depth": built.depth, "width": built.width, "resolution": built.resolution,
                "effective_depth": built.depth, "effective_width": built.width,
                "effective_resolution": built.resolution,
                "pixels": round(64 * built.resolution), "network": "d1-2 w16-8", "named": named,
                "params": round(1e6 * built.depth * built.width**2), "macs": round(1e7 * ratio),
                "activations": round(1e6 * built.depth * built.width * built.resolution**2), "macs_ratio": ratio,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _trials(names: pd.Series, final: np.ndarray, *, epochs: int, classes: int) -> pd.DataFrame:
    chance, rows = 1 / classes, []
    for name, accuracies in zip(names, final, strict=True):
        for seed, accuracy in enumerate(accuracies):
            for epoch in range(1, epochs + 1):
                top1 = chance + (accuracy - chance) * (1 - np.exp(-3 * epoch / epochs)) / (1 - np.exp(-3))
                rows.append(
                    {
                        "candidate": name, "seed": seed, "epoch": epoch, "images_seen": 1000 * epoch,
                        "train_loss": 2.5 - 2 * top1, "val_loss": 2.4 - 2 * top1, "top1": top1,
                        "top5": min(1.0, top1 + 0.2), "seconds": 3.0, "images_per_second": 333.0,
                        "status": "done" if epoch == epochs else "running", "reason": "",
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def record_of(*, seeds: int, epochs: int, classes: int = 10, phi: float = 1.0) -> RunRecord:
    """The record of a planted run."""
    network = load("b0").network().to_dict()
    return RunRecord(
        command="scaling-search run --baseline b0 --phi 1",
        started="2026-01-01T12:00:00",
        git="0123456",
        versions={"scaling-search": "0.1.0", "torch": "2.6.0"},
        baseline=network,
        question=Question(phi=phi),
        growth=2.0**phi,
        base=BaseRecord(network=network, params=1000000, macs=10000000, activations=1000000),
        data=DataRecord(
            name="shapes", source=None, pixels=64, classes=classes, train=4000, val=2000, flip=False, fingerprint="0"
        ),
        recipe=recipe("proxy"),
        strategy={"strategy": "lattice", "parts": 4, "seeds": seeds, "epochs": epochs},
        plan=Plan(candidates=18, trials=18 * seeds, seconds=280, budget_seconds=300),
        speed=Speed(depth=0.004, width=0.002, resolution=0.003),
        executor=ExecutorRecord(kind="ray", workers=2),
        device=DeviceRecord(kind="cpu", name="2 cores", count=2),
    )
