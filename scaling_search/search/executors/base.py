"""What an executor is given and what it owes: jobs in, records out. How they run is its own affair."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scaling_search.architecture import Network
from scaling_search.data import Dataset
from scaling_search.search.journal import Record, Trial
from scaling_search.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Job:
    """One trial, with all that a worker on another machine needs to train it. Small enough to be pickled."""

    trial: Trial
    network: Network
    dataset: Dataset
    recipe: Recipe
    epochs: int
    device: str
    checkpoint: Path
    deterministic: bool = False
    history: tuple[Record, ...] = ()
    """What the journal knows: an ended trial is told again, never trained again."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Jobs that one worker does one after the other, and that are judged by the mean of their last readings."""

    name: str
    jobs: tuple[Job, ...]


Train = Callable[[Job], Iterator[Record]]
"""Trains one job and yields its records as they arise; never raises for what a network or a data set can do wrong."""

OnRecord = Callable[[Record], object]


class Source(Protocol):
    """Where the next piece of work comes from."""

    @property
    def left(self) -> int:
        """Pieces of work not handed out yet."""

    def next(self) -> Work | None:
        """The next piece of work; None when there is no more."""

    def tell(self, work: Work, score: float | None) -> None:
        """The mean of the work's last readings, or None when it failed."""


class Executor(Protocol):
    """Runs work until its source is dry or the user interrupts; hands every record to on_record, in this process."""

    workers: int

    def run(self, source: Source, *, train: Train, on_record: OnRecord) -> None:
        """Returns when all is done or the run was interrupted: the caller compares what is done with what it wanted."""


class Planned:
    """A source whose work is known beforehand."""

    def __init__(self, works: Sequence[Work]) -> None:
        self._works = list(reversed(works))

    @property
    def left(self) -> int:
        return len(self._works)

    def next(self) -> Work | None:
        return self._works.pop() if self._works else None

    def tell(self, work: Work, score: float | None) -> None:
        pass  # a plan does not change with what comes out


def mean_score(records: Sequence[Record]) -> float | None:
    """The mean top-1 of the final records; None when there is none or one of them failed."""
    scores = [record.top1 for record in records if record.status in ("done", "stopped") and record.top1 is not None]
    failed = any(record.status == "failed" for record in records)
    return None if failed or not scores else sum(scores) / len(scores)
