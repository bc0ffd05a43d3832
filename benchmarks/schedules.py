"""Which learning-rate schedule tells candidates apart best for its compute?

    python benchmarks/schedules.py --out results/schedules            # about 35 minutes on two CPU cores
    python benchmarks/schedules.py --out /elsewhere --candidates 3 --seeds 2 --short 1 --long 2 --images 256

Trains the same candidates with the same seeds under three schedules, at a short and a long budget, and prints for each:
the spread between seeds, the difference between candidates over that spread, and how well the short ranking agrees with
the long one (Kendall's τ). A run that was interrupted continues where it stopped: finished trainings are in
DIR/journal.jsonl. With --analyze nothing is trained; the tables are made again from the journal.
"""

import argparse
import csv
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread a process, set before torch is imported

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from scaling_search.architecture import Network, from_dict, match
from scaling_search.coefficients import lattice
from scaling_search.data import Dataset, prepare
from scaling_search.files import write_atomically
from scaling_search.training.recipe import Recipe, recipe

Floats = NDArray[np.float64]

SCHEDULES: Mapping[str, Recipe] = {
    "annealed": recipe("proxy", schedule={"kind": "annealed"}, ema=None),
    "averaged": recipe("proxy", schedule={"kind": "constant", "warmup_epochs": 0.5}, ema=0.9999),
    "wsd": recipe("proxy", schedule={"kind": "wsd", "warmup_epochs": 0.5, "decay": 0.3}, ema=None),
}
_STAGE = {"block": "mbconv", "layers": 2, "stride": 2, "kernel": 3, "expansion": 4, "se": 0.25}
# Three stages of EfficientNet's block: small enough to train 150 times, and it learns the shapes within a few epochs.
BASELINE: Mapping[str, Any] = {
    "name": "three-stages",
    "activation": "silu",
    "rounding": {"depth": "nearest", "divisor": 4},
    "stem": {"channels": 12},
    "stages": [{**_STAGE, "channels": channels} for channels in (12, 16, 24)],
    "head": {"channels": 96},
}
METRICS = ("val_loss", "top1")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is trained: candidates of one cost around a small baseline, on a subset of the embedded shapes."""

    candidates: int
    seeds: int
    short: int  # epochs
    long: int
    images: int
    validation: int
    resolution: int
    source: str
    lr: float

    def dataset(self) -> Dataset:
        """The packed images, at the largest resolution of a candidate."""
        largest = max(network.resolution for network in self.networks(classes=2))
        limits = {"limit_train": self.images, "limit_val": self.validation}
        return prepare(self.source, resolution=largest, **limits)  # type: ignore[arg-type]

    def networks(self, classes: int) -> list[Network]:
        """The candidates: evenly chosen points of the share triangle at twice the baseline's multiply-adds."""
        base = from_dict({**BASELINE, "resolution": self.resolution, "classes": classes})
        points = next(points for parts in range(1, 20) if len(points := lattice(parts)) >= self.candidates)
        chosen = np.linspace(0, len(points) - 1, self.candidates).round().astype(int)
        return [match(base, points[index]).network for index in chosen]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One training: a schedule, a candidate, a seed and a budget in epochs."""

    schedule: str
    candidate: int
    seed: int
    epochs: int


def jobs(setting: Setting) -> Iterator[Job]:
    """All trainings, seed by seed, so that an unfinished run has whole seeds."""
    for seed in range(setting.seeds):
        for schedule, used in SCHEDULES.items():
            budgets = (setting.long,) if used.schedule.nests else (setting.short, setting.long)
            for candidate in range(setting.candidates):
                for epochs in budgets:
                    yield Job(schedule=schedule, candidate=candidate, seed=seed, epochs=epochs)


def run(task: tuple[Setting, Dataset, Job]) -> dict[str, Any]:
    """Train one job; the journal's line about it."""
    from scaling_search.training.loop import train_epochs

    setting, dataset, job = task
    network = setting.networks(len(dataset.classes))[job.candidate]
    used = SCHEDULES[job.schedule].model_copy(update={"lr": setting.lr})
    readings = [asdict(one) for one in train_epochs(network, dataset, used, epochs=job.epochs, seed=job.seed)]
    return {"setting": asdict(setting), "job": asdict(job), "network": network.signature, "readings": readings}  # type: ignore[attr-defined]


def train_missing(setting: Setting, journal: Path, processes: int) -> None:
    """Run what the journal does not hold yet, on some processes, appending each result as it comes."""
    lines = read(journal)
    if any(line["setting"] != asdict(setting) for line in lines):
        raise SystemExit(f"{journal} holds another setting; choose another --out")
    write_atomically(journal, "".join(json.dumps(line) + "\n" for line in lines))  # drops a half-written last line
    done = [line["job"] for line in lines]
    missing = [job for job in jobs(setting) if asdict(job) not in done]
    dataset = setting.dataset()
    started = time.monotonic()
    with get_context("spawn").Pool(processes) as pool, journal.open("a") as file:
        for count, line in enumerate(pool.imap_unordered(run, [(setting, dataset, job) for job in missing]), start=1):
            file.write(json.dumps(line) + "\n")
            file.flush()
            minutes = (time.monotonic() - started) / 60
            expected = minutes / count * len(missing)
            print(f"{count}/{len(missing)} trainings, {minutes:.1f} of about {expected:.0f} min", flush=True)


def read(journal: Path) -> list[dict[str, Any]]:
    """The journal's whole lines."""
    if not journal.exists():
        return []
    lines = journal.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def readings(setting: Setting, lines: Sequence[dict[str, Any]], schedule: str, epochs: int, metric: str) -> Floats:
    """[candidates, seeds] of one metric at one budget; only seeds that every candidate has finished."""
    trained = setting.long if SCHEDULES[schedule].schedule.nests else epochs
    table = np.full((setting.candidates, setting.seeds), np.nan)
    for line in lines:
        job = line["job"]
        if job["schedule"] == schedule and job["epochs"] == trained:
            table[job["candidate"], job["seed"]] = line["readings"][epochs - 1][metric]
    whole = table[:, ~np.isnan(table).any(axis=0)]
    if whole.shape[1] < 2:
        raise SystemExit(f"{schedule}: fewer than two seeds are finished; start the same command again to continue")
    return whole


def noise(table: Floats) -> float:
    """Standard deviation between seeds beyond what all candidates share (two-way residual); [candidates, seeds]."""
    candidates, seeds = table.shape
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean()
    return float(np.sqrt((residual**2).sum() / ((candidates - 1) * (seeds - 1))))


def signal(table: Floats) -> float:
    """Standard deviation between candidates with the noise of their means taken out."""
    excess = table.mean(axis=1).var(ddof=1) - noise(table) ** 2 / table.shape[1]
    return float(np.sqrt(max(excess, 0.0)))


def signal_over_noise(table: Floats) -> float:
    """How far candidates differ, in standard deviations between seeds; nan where seeds do not differ at all."""
    spread = noise(table)
    return signal(table) / spread if spread > 0 else float("nan")


def compute(setting: Setting, schedule: str) -> tuple[float, float]:
    """Epochs for a short reading, and for a short and a long one of the same candidate."""
    used = SCHEDULES[schedule].schedule
    if used.nests:
        return setting.short, setting.long
    shared = (1 - used.decay) * setting.short if used.kind == "wsd" else 0.0  # the stable part serves both budgets
    return setting.short, setting.short + setting.long - shared


def summary(setting: Setting, lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a metric and schedule."""
    rows = []
    for metric in METRICS:
        tables = {
            (schedule, epochs): readings(setting, lines, schedule, epochs, metric)
            for schedule in SCHEDULES
            for epochs in (setting.short, setting.long)
        }
        longs = [tables[schedule, setting.long].mean(axis=1) for schedule in SCHEDULES]
        consensus = sum((mean - mean.mean()) / mean.std() for mean in longs)
        for schedule in SCHEDULES:
            short, long = tables[schedule, setting.short], tables[schedule, setting.long]
            one_reading, both_readings = compute(setting, schedule)
            rows.append(
                {
                    "metric": metric,
                    "schedule": schedule,
                    "seeds": short.shape[1],
                    "epochs_short": one_reading,
                    "epochs_both": round(both_readings, 2),
                    "mean_short": short.mean(),
                    "mean_long": long.mean(),
                    "noise_short": noise(short),
                    "noise_long": noise(long),
                    "signal_over_noise_short": signal_over_noise(short),
                    "signal_over_noise_long": signal_over_noise(long),
                    "tau_short_long": kendalltau(short.mean(axis=1), long.mean(axis=1)).statistic,
                    "tau_short_consensus": kendalltau(short.mean(axis=1), consensus).statistic,
                    "tau_one_seed_consensus": np.mean([kendalltau(seed, consensus).statistic for seed in short.T]),
                }
            )
    return rows


def write_tables(setting: Setting, lines: Sequence[dict[str, Any]], out: Path) -> None:
    """readings.csv with every reading, schedules.csv with the summary, and the summary on the terminal."""
    raw = [{**line["job"], "network": line["network"], **reading} for line in lines for reading in line["readings"]]
    _write_csv(out / "readings.csv", raw)
    rows = summary(setting, lines)
    _write_csv(out / "schedules.csv", [{key: _short(value) for key, value in row.items()} for row in rows])
    for row in rows:
        print("  ".join(f"{key}={_short(value)}" for key, value in row.items()))


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def arguments() -> argparse.Namespace:
    """The command line; the defaults are the full run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--candidates", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--short", type=int, default=2, help="epochs")
    parser.add_argument("--long", type=int, default=5, help="epochs")
    parser.add_argument("--images", type=int, default=1536)
    parser.add_argument("--validation", type=int, default=800)
    parser.add_argument("--resolution", type=int, default=32, help="of the baseline, pixels")
    parser.add_argument("--source", default="shapes", help="shapes, shapes:DIFFICULTY or an image folder")
    parser.add_argument("--lr", type=float, default=recipe("proxy").lr)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--analyze", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = vars(arguments())
    out, processes, analyze = (options.pop(name) for name in ("out", "processes", "analyze"))
    setting = Setting(**options)
    out.mkdir(parents=True, exist_ok=True)
    journal = out / "journal.jsonl"
    if not analyze:
        train_missing(setting, journal, processes)
    write_tables(setting, read(journal), out)


if __name__ == "__main__":
    main()
