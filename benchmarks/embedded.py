"""Is the embedded data set learned gradually, and does each dimension pay on it?

    python benchmarks/embedded.py --out results/embedded --job base:19:0-4 --job depth,width,resolution,uniform:4:0-1
    python benchmarks/embedded.py --out results/embedded --show
    python benchmarks/embedded.py --out results/embedded/muted/greens --job base:5:0-5 --mute greens

Trains the proxies' base of B0 and the candidates of eight times its cost (all to depth, all to width, all to
resolution, and uniform) as a search does, one after the other on one thread, and appends one line an epoch to
DIR/readings.csv: accuracy after so many CPU seconds of this process. Trainings that are in the file already are not
repeated; a longer one replaces a shorter one. --show prints the tables of what is there. --mute draws images whose
attributes of that kind differ as they did, and tell nothing of the class: what each kind is worth, and its luck.
"""

import argparse
import csv
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one thread, set before torch is imported

import torch

from scaling_search.architecture import Network
from scaling_search.coefficients import REFERENCES
from scaling_search.configuration import Strict
from scaling_search.data import Dataset, prepare, shapes
from scaling_search.data.source import ImageSource
from scaling_search.files import write_atomically
from scaling_search.search.proxy import ProxySize, proxy_base
from scaling_search.search.searchspace import load
from scaling_search.search.space import Rule
from scaling_search.strategies import Point
from scaling_search.training.loop import train_epochs
from scaling_search.training.recipe import recipe

LEVERAGE = 8.0
BASE = ProxySize(width=0.25, resolution=52).shrunk(LEVERAGE / 2)  # as a search on CPUs takes it
MARKS = (5, 10, 20, 40, 60, 120, 240, 600)  # seconds


class Reading(Strict):
    """One line of readings.csv: what a training shows after an epoch."""

    network: str
    seed: int
    epoch: int
    cpu_seconds: float  # of this process since the training began, evaluations included
    top1: float
    val_loss: float


class Job(Strict):
    """Some trainings: networks × seeds, each for so many epochs."""

    networks: tuple[str, ...]
    epochs: int
    seeds: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Job":
        """Reads «base:19:0-4» or «depth,width:4:0-1»."""
        names, epochs, seeds = text.split(":")
        first, _, last = seeds.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        return cls(networks=tuple(names.split(",")), epochs=int(epochs), seeds=tuple(numbers))


def make_network(name: str, classes: int) -> Network:
    """The proxies' base, or a candidate of it that costs eight times as much, by its reference's name."""
    base = proxy_base(load("b0").network(), BASE, classes=classes)
    if name == "base":
        return base
    return Rule(growth=LEVERAGE).apply(Point(coefficients=REFERENCES[name].coefficients()), base).network


def train(name: str, dataset: Dataset, *, epochs: int, seed: int) -> Iterator[Reading]:
    """One training, by the recipe whose every epoch is a valid reading."""
    network, started = make_network(name, len(dataset.classes)), time.process_time()
    for epoch in train_epochs(network, dataset, recipe("averaged"), epochs=epochs, seed=seed):
        seconds = time.process_time() - started
        yield Reading(
            network=name,
            seed=seed,
            epoch=epoch.epoch,
            cpu_seconds=round(seconds, 1),
            top1=round(epoch.top1, 4),
            val_loss=round(epoch.val_loss, 4),
        )


def read(file: Path) -> list[Reading]:
    """The readings of a file; none where there is no file."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [Reading.model_validate_strings(row) for row in csv.DictReader(lines)]


def write(file: Path, readings: Sequence[Reading]) -> None:
    """Writes all readings; a crash leaves the old file."""
    rows = [",".join(map(str, reading.model_dump().values())) for reading in readings]
    write_atomically(file, "\n".join([",".join(Reading.model_fields), *rows, ""]))


def muted(kinds: str) -> ImageSource:
    """The embedded images of which some kinds of attributes, by commas, have the same middle in each class."""
    for kind in kinds.split(","):
        for attribute in getattr(shapes, kind.upper()):
            shapes._MEANS[shapes.ATTRIBUTES.index(attribute)] = 0.5
    source = shapes.open_shapes()
    return replace(source, identity={**source.identity, "muted": kinds})


def run(job: Job, dataset: Dataset, file: Path) -> None:
    """Trains what the file does not hold as long already."""
    for seed in job.seeds:
        for name in job.networks:
            known = read(file)
            own = [reading for reading in known if (reading.network, reading.seed) == (name, seed)]
            if len(own) >= job.epochs:
                continue
            found = list(train(name, dataset, epochs=job.epochs, seed=seed))
            write(file, [*(reading for reading in known if reading not in own), *found])
            print(f"{name} seed {seed}: {found[-1].top1:.1%} after {found[-1].cpu_seconds:.0f} s", flush=True)


def curves(readings: Sequence[Reading]) -> Iterator[tuple[str, list[list[Reading]]]]:
    """Each network with the readings of its seeds, one list a seed."""
    for name in dict.fromkeys(reading.network for reading in readings):
        own = [reading for reading in readings if reading.network == name]
        yield name, [[one for one in own if one.seed == seed] for seed in sorted({one.seed for one in own})]


def show_times(readings: Sequence[Reading]) -> None:
    """Accuracy at some CPU times, at the last epoch that ended by then: mean, deviation of seeds, lowest, highest."""
    print("network     CPU s   n   top-1 %    ±     from    to")
    for name, seeds in curves(readings):
        for mark in MARKS:
            lasting = [seed for seed in seeds if seed[0].cpu_seconds <= mark <= 1.05 * seed[-1].cpu_seconds]
            if lasting:
                ended = [[one.top1 for one in seed if one.cpu_seconds <= mark][-1] for seed in lasting]
                print(f"{name:<11}{mark:>6}{_spread(ended)}")


def show_epochs(readings: Sequence[Reading]) -> None:
    """Accuracy after equal numbers of epochs, at which candidates are compared."""
    print("network     epoch   n   top-1 %    ±     from    to    CPU s")
    for name, seeds in curves(readings):
        for epoch in range(1, min(map(len, seeds)) + 1):
            if epoch in (1, 2, 4, 8, 16, 19):
                there = [seed[epoch - 1] for seed in seeds]
                seconds = mean(one.cpu_seconds for one in there)
                print(f"{name:<11}{epoch:>6}{_spread([one.top1 for one in there])}{seconds:>9.0f}")


def _spread(values: Sequence[float]) -> str:
    deviation = f"{100 * stdev(values):5.1f}" if len(values) > 1 else "    –"
    return f"{len(values):>4}{100 * mean(values):>10.1f}{deviation}{100 * min(values):>8.1f}{100 * max(values):>7.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--job", type=Job.parse, action="append", default=[], help="NETWORKS:EPOCHS:SEEDS")
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--mute", help="warmths, greens, directions, lengths or shapes, by commas")
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.out.mkdir(parents=True, exist_ok=True)  # now: a training of an hour is written at its end
    file = options.out / "readings.csv"
    source = muted(options.mute) if options.mute else options.data
    for job in options.job:
        run(job, prepare(source, resolution=128), file)
    if options.show:
        show_times(read(file))
        show_epochs(read(file))


if __name__ == "__main__":
    main()
