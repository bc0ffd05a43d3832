"""What large searches cost the process that runs them: many trials at once, and very many candidates.

OMP_NUM_THREADS=1 PYTHONPATH=.:tests python benchmarks/scale.py slots [TRIALS SLOTS SECONDS]
OMP_NUM_THREADS=1 PYTHONPATH=.:tests python benchmarks/scale.py replay [CANDIDATES]

slots: trials that only sleep, on a Ray of this machine with so many slots. Busy is the time that trials slept over the
time that slots had: from the first trial on, and (steady) from when all slots had begun one until the last was begun.
replay: random points over recorded readings, one seed; seconds on the clock, and memory of the process, as it goes on.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import driven_run
from fake_training import Listed, job

from scaling_search.evidence import Reading, Status, Trial
from scaling_search.search.driver import Driver
from scaling_search.search.executors import Conditions, Job, Ray, Replay
from scaling_search.search.journal import Journal, Readings
from scaling_search.strategies import Ask, Point, Random

EPOCHS = 4


@dataclass(frozen=True)
class Sleeping:
    """So many seconds an epoch."""

    seconds: float

    def __call__(self, job: Job) -> Iterator[Reading]:
        for epoch in range(1, EPOCHS + 1):
            time.sleep(self.seconds)
            status: Status = "running" if epoch < EPOCHS else "done"
            yield Reading(trial=job.trial, epoch=epoch, status=status, top1=0.5, seconds=time.time())


class Watched(Listed):
    """Notes when jobs have ended, and how large this process is then."""

    def __init__(self, jobs: list[Job]) -> None:
        super().__init__(jobs)
        self.begun = time.time()
        self.ends: list[float] = []
        self.sizes: list[float] = []

    def tell(self, journal: Journal, reading: Reading) -> None:
        journal.add(reading)
        assert reading.seconds is not None
        if reading.final:
            self.ends.append(reading.seconds)
            self.sizes.append(megabytes())


def megabytes() -> float:
    """What this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def slots(trials: int = 1000, count: int = 64, seconds: int = 20) -> None:
    """Whether many slots are kept busy."""
    each = seconds / EPOCHS
    source = Watched([job(number) for number in range(trials)])
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        Ray(workers=count, address="local").run(
            source, train=Sleeping(each), on_reading=lambda reading: source.tell(journal, reading),
            conditions=Conditions(device="cpu", epochs=EPOCHS),
        )  # fmt: skip
    starts = sorted(end - seconds for end in source.ends)
    began, last = starts[0], max(source.ends)
    full, dry = starts[count - 1], starts[-1]
    inside = sum(max(0.0, min(end, dry) - max(end - seconds, full)) for end in source.ends)
    print(
        f"{trials} trials of {seconds} s on {count} slots: the first began after {began - source.begun:.1f} s, "
        f"all slots after {full - source.begun:.1f} s, done after {last - source.begun:.0f} s"
    )
    print(f"busy {trials * seconds / count / (last - began):.1%}, steady {inside / count / (dry - full):.1%}")
    tenth = len(source.sizes) // 10
    print(
        "memory of the driver after each tenth of the trials, MB:",
        *(f"{source.sizes[number * tenth - 1]:.0f}" for number in range(1, 11)),
    )


class Place(driven_run.Place):
    """Each point is a candidate of its own."""

    @property
    def key(self) -> tuple[float, ...]:
        return self.shares.as_tuple()


class Everywhere(driven_run.Triangle):
    """Nothing is refused."""

    def candidate(self, point: Point) -> Place:
        return Place(id="", coefficients=point.coefficients)


def replay(candidates: int = 10_000) -> None:
    """A strategy that asks for so many candidates, over recorded readings, through the driver of real searches."""
    strategy = Random(samples=candidates, seeds=1, epochs=EPOCHS, random=0)
    places = [Everywhere().candidate(point).with_id(f"c{number:02d}") for number, point in enumerate(strategy.points())]
    trials = [Trial(candidate=place.id, seed=0) for place in places]
    driver = Driver(strategy, Everywhere(), places, journal=Readings(), checkpoints=Path("none"), write=lambda _: None)
    train = Replay({trial: tuple(recorded(trial)) for trial in trials})
    began, before = time.perf_counter(), megabytes()
    for told in range(1, candidates + 1):
        ask = driver.ask()
        assert isinstance(ask, Ask)
        for reading in train(ask):
            driver.tell(reading)
        driver.release(ask)
        if told % (candidates // 5) == 0:
            print(f"{told:,} trials: {time.perf_counter() - began:.1f} s, {megabytes() - before:+.0f} MB")
    assert driver.complete


def recorded(trial: Trial) -> Iterator[Reading]:
    """What a trial has shown."""
    for epoch in range(1, EPOCHS + 1):
        yield Reading(trial=trial, epoch=epoch, status="running" if epoch < EPOCHS else "done", top1=0.5)


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[2:]]
    if sys.argv[1] == "slots":
        slots(*numbers)
    else:
        replay(*numbers)
