"""How much does a minute of training tell about the division of compute, and what makes it tell more?

    python benchmarks/information.py --data ../shared/data/clothing --out results/information --settings today,centre
    python benchmarks/information.py --out results/information                           # the table again, no training

A setting is the proxies' leverage and a recipe, changed one at a time from the centre (leverage 8, read through
averaged weights). Each trains the same 8 divisions with 3 seeds; a reading then has

    information = (F − 1) / seeds / CPU minutes of a trial

(F − 1) / seeds estimates the variance of the signal (what divisions differ by) over that of the noise (what seeds
differ by beyond what all divisions of a seed share). CPU time is the process's own, so that what else runs on the
machine does not count; start it with OMP_NUM_THREADS=1. Intervals hold 90 % of 2,000 resamples of the divisions, the
same ones for every setting.

Readings are appended to OUT/readings.csv trial by trial, so a run that was interrupted goes on where it stopped;
OUT/information.csv is made from them. `--recorded RUN` takes the centre's readings from a run of the same proxies that
was trained already, and trains one epoch of each division for its CPU time.
"""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.architecture import Network
from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.data import Dataset, prepare
from scaling_search.data.cache import cache_folder
from scaling_search.data.sources import open_source
from scaling_search.strategies import Point
from scaling_search.study.design import Design, make_design, make_space
from scaling_search.study.network import network
from scaling_search.study.options import Options
from scaling_search.training.recipe import Recipe, recipe

METRICS = ("val_loss", "top1", "raw_val_loss", "raw_top1")
DIVISIONS: Mapping[str, Shares] = {
    **{name: REFERENCES[name] for name in ("depth", "width", "resolution", "uniform", "fast")},
    "depth + width": Shares(depth=0.5, width=0.5, resolution=0.0),
    "depth + resolution": Shares(depth=0.5, width=0.0, resolution=0.5),
    "width + resolution": Shares(depth=0.0, width=0.5, resolution=0.5),
}
CORNERS = ("depth", "width", "resolution")
DRAWS, TODAY = 2000, "today"
_COLUMNS = ("setting", "division", "seed", "epoch", "macs", "cpu_seconds", "train_loss", *METRICS)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How the divisions are trained: the proxies' leverage, a recipe's name and what is changed in it."""

    leverage: float = 8.0
    recipe: str = "averaged"
    changes: Mapping[str, Any] = field(default_factory=dict)

    def made(self) -> Recipe:
        return recipe(self.recipe, **self.changes)


SETTINGS: Mapping[str, Setting] = {
    TODAY: Setting(leverage=2.0, recipe="proxy"),
    "annealed": Setting(recipe="proxy"),
    "centre": Setting(),
    "leverage 2": Setting(leverage=2.0),
    "leverage 4": Setting(leverage=4.0),
    "rate x 1/2": Setting(changes={"lr": 3e-3}),
    "rate x 2": Setting(changes={"lr": 12e-3}),
    "batch 16": Setting(changes={"batch_size": 16}),
    "batch 64": Setting(changes={"batch_size": 64}),
    "batch 128": Setting(changes={"batch_size": 128}),
    "no smoothing": Setting(changes={"label_smoothing": 0.0}),
    "no augmentation": Setting(changes={"shift": None}),
    "randaugment": Setting(changes={"randaugment_layers": 1}),
}


def proxies(setting: Setting, arguments: argparse.Namespace) -> tuple[Dataset, dict[str, Network]]:
    """The images and the network of each division."""
    options = Options(
        leverage=setting.leverage, executor="inline",
        proxy_width=arguments.proxy_width, proxy_resolution=arguments.proxy_resolution,
    )  # fmt: skip
    design = make_design(network(arguments.baseline), arguments.data, options)
    if arguments.proxy_depth is not None:
        design = replace(design, size=design.size.model_copy(update={"depth": arguments.proxy_depth}))
    return proxies_of(design)


def proxies_of(design: Design) -> tuple[Dataset, dict[str, Network]]:
    """The same of what a search would be made of."""
    source = open_source(str(design.data), cache=cache_folder(), seed=0)
    dataset = prepare(source, resolution=design.packed_resolution(len(source.classes)))
    base = design.base(len(dataset.classes))
    rule = make_space(design.question, base=base, full=design.full).rule
    points = {name: Point(coefficients=shares.coefficients()) for name, shares in DIVISIONS.items()}
    return dataset, {name: rule.apply(point, base).network for name, point in points.items()}


def train(
    dataset: Dataset, proxy: Network, used: Recipe, *, epochs: int, seed: int
) -> Iterator[dict[str, float | None]]:
    """The readings of one training, with the process's CPU seconds up to each."""
    from scaling_search.environment import use_one_thread
    from scaling_search.training.loop import train_epochs

    use_one_thread()
    started = time.process_time()
    for one in train_epochs(proxy, dataset, used, epochs=epochs, seed=seed):
        metrics = {name: getattr(one, name) for name in ("epoch", "train_loss", *METRICS)}
        yield {**metrics, "cpu_seconds": time.process_time() - started}


def train_missing(name: str, arguments: argparse.Namespace, done: pd.DataFrame) -> None:
    """Trains what readings.csv does not hold of a setting, seed by seed."""
    setting = SETTINGS[name]
    dataset, networks = proxies(setting, arguments)
    known = set(done[done["setting"] == name][["division", "seed"]].itertuples(index=False, name=None))
    for seed in range(arguments.seeds):
        for division, proxy in networks.items():
            if (division, seed) in known:
                continue
            rows = list(train(dataset, proxy, setting.made(), epochs=arguments.epochs, seed=seed))
            same = {"setting": name, "division": division, "seed": seed, "macs": proxy.cost().macs}
            _append(arguments.out / "readings.csv", [{**same, **row} for row in rows])
            print(f"{name}: {division} s{seed} {rows[-1]['cpu_seconds']:.0f} s {rows[-1]['top1']:.3f}", flush=True)


def take_recorded(run: Path, arguments: argparse.Namespace) -> None:
    """The centre's readings from a run of the same proxies; an epoch costs what one epoch is measured to cost."""
    dataset, networks = proxies(SETTINGS["centre"], arguments)
    candidates, trials = pd.read_csv(run / "candidates.csv"), pd.read_csv(run / "trials.csv")
    asked = candidates[["share_depth", "share_width", "share_resolution"]].to_numpy()
    for division, proxy in networks.items():
        nearest = candidates.loc[np.abs(asked - DIVISIONS[division].as_tuple()).sum(axis=1).argmin()]
        macs = proxy.cost().macs
        if nearest["macs"] != macs:
            raise SystemExit(
                f"{run}: {nearest['candidate']} has {nearest['macs']} MACs, {division} {macs}: other proxies"
            )
        (once,) = train(dataset, proxy, SETTINGS["centre"].made(), epochs=1, seed=0)
        rows = trials[trials["candidate"] == nearest["candidate"]].sort_values(["seed", "epoch"])
        cost = once["cpu_seconds"] * rows["epoch"]
        _append(
            arguments.out / "readings.csv",
            rows.assign(setting="centre", division=division, macs=macs, cpu_seconds=cost).to_dict("records"),
        )


def _append(path: Path, rows: Sequence[Mapping[Any, Any]]) -> None:
    table = pd.DataFrame(rows).reindex(columns=list(_COLUMNS))
    table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.6g")


@dataclass(frozen=True)
class Readings:
    """One metric of one setting after some epochs: values [n divisions, k seeds], CPU minutes of a trial [n]."""

    values: np.ndarray
    minutes: np.ndarray

    @property
    def squares(self) -> np.ndarray:
        """[n] squared errors beyond what all divisions of a seed share (randomised blocks), summed over seeds."""
        means, seeds = self.values.mean(axis=1, keepdims=True), self.values.mean(axis=0, keepdims=True)
        return np.asarray(((self.values - means - seeds + self.values.mean()) ** 2).sum(axis=1))

    def ratio(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Signal variance [d], noise variance [d] and minutes [d] over chosen divisions [d, m], which may repeat."""
        n, k = self.values.shape
        squares, means = self.squares[chosen], self.values.mean(axis=1)[chosen]
        noise = squares.mean(axis=1) * n / ((n - 1) * (k - 1))
        return means.var(axis=1, ddof=1) - noise / k, noise, self.minutes[chosen].mean(axis=1)

    def information(self, chosen: np.ndarray) -> np.ndarray:
        """Signal variance over noise variance, for a CPU minute [d]; below 0 where less than noise is seen."""
        signal, noise, minutes = self.ratio(chosen)
        return np.asarray(signal / noise / minutes)


def read(table: pd.DataFrame, metric: str, epoch: int, among: Sequence[str]) -> Readings | None:
    """The readings of whole seeds; None where there are fewer than two seeds, or the metric was not measured."""
    here = table[(table["epoch"] == epoch) & table["division"].isin(among)]
    values = here.pivot(index="division", columns="seed", values=metric).reindex(list(among)).dropna(axis=1)
    minutes = here.groupby("division")["cpu_seconds"].mean().reindex(list(among)) / 60
    return Readings(values.to_numpy(), minutes.to_numpy()) if values.shape[1] > 1 else None


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row a setting, metric and epoch: with all divisions, and without the corners."""
    random = np.random.default_rng(0)
    rows = []
    for label, among in (("all", list(DIVISIONS)), ("no corners", [one for one in DIVISIONS if one not in CORNERS])):
        chosen = random.integers(len(among), size=(DRAWS, len(among)))
        last = table.groupby("setting")["epoch"].max()
        base = read(table[table["setting"] == TODAY], "top1", int(last[TODAY]), among) if TODAY in last else None
        for name, found in table.groupby("setting", sort=False):
            nests = SETTINGS[str(name)].made().schedule.nests
            for epoch in range(1 if nests else int(last[name]), int(last[name]) + 1):
                for metric in METRICS:
                    if (readings := read(found, metric, epoch, among)) is not None:
                        rows.append({"divisions": label, "setting": name, "epochs": epoch, "metric": metric,
                                     **_row(readings, base, chosen)})  # fmt: skip
    return pd.DataFrame(rows)


def _row(readings: Readings, base: Readings | None, chosen: np.ndarray) -> dict[str, Any]:
    n, k = readings.values.shape
    signal, noise, minutes = (float(one[0]) for one in readings.ratio(np.arange(n)[None]))
    drawn = readings.information(chosen)
    low, high = np.quantile(drawn, [0.05, 0.95])
    row = {"n": n, "seeds": k, "f": 1 + k * signal / noise, "signal_sd": np.sqrt(max(signal, 0)),
           "noise_sd": np.sqrt(noise), "cpu_minutes": minutes, "information": signal / noise / minutes,
           "low": low, "high": high}  # fmt: skip
    if base is not None:
        today = base.information(np.arange(n)[None])[0]
        ratios = drawn / np.maximum(base.information(chosen), 1e-9)
        row |= {"times_today": row["information"] / today, "times_low": np.quantile(ratios, 0.05)}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--settings", default="", help=f"to be trained, by commas: {', '.join(SETTINGS)}")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--baseline", default="b0")
    parser.add_argument("--proxy-width", type=float, help="of the proxies' base; by default the program's own")
    parser.add_argument("--proxy-resolution", type=int, help="pixels of the proxies' base")
    parser.add_argument("--proxy-depth", type=float, help="multiplier of the baseline's layers")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recorded", type=Path, help="a run of the centre's proxies with at least these epochs")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "readings.csv"
    if arguments.recorded:
        take_recorded(arguments.recorded, arguments)
    for name in filter(None, map(str.strip, arguments.settings.split(","))):
        train_missing(name, arguments, pd.read_csv(path) if path.exists() else pd.DataFrame(columns=list(_COLUMNS)))
    table = summary(pd.read_csv(path))
    table.to_csv(arguments.out / "information.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
