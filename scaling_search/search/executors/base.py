"""What an executor is given and what it owes: jobs in, readings out. How they run is its own affair."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from scaling_search.architecture import Network
from scaling_search.evidence import Reading, Trial
from scaling_search.strategies import Decision
from scaling_search.training.recipe import Recipe

if TYPE_CHECKING:
    from scaling_search.data import Dataset

Scheduler = Literal["fifo", "asha", "hyperband", "median"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A trial to be trained until it has `epochs` epochs, with all that a worker on another machine needs for it.

    Small enough to be pickled.
    """

    trial: Trial
    network: Network
    dataset: "Dataset"
    recipe: Recipe
    epochs: int
    device: str
    checkpoint: Path
    deterministic: bool = False
    threads: int = 1
    """Of a training on a CPU."""
    history: tuple[Reading, ...] = ()
    """What the journal knows: a trial that has all its epochs is told again, never trained again."""

    @property
    def trained(self) -> bool:
        """Whether its history has all that is asked."""
        last = self.history[-1] if self.history else None
        return last is not None and (last.final or (last.resting and last.epoch >= self.epochs))

    @property
    def pauses(self) -> bool:
        """Whether the trial can go on from its checkpoint afterwards: its learning rate does not depend on the end."""
        return self.recipe.schedule.nests


Train = Callable[[Job], Iterator[Reading]]
"""Trains one job and yields its readings as they arise.

What the network cannot do is a reading. What it raises is taken for trouble with the environment, and is no result.
"""

OnReading = Callable[[Reading], object]


class JobSource(Protocol):
    """Where the next job comes from: the driver, to an executor."""

    def next(self) -> Job | Decision:
        """The next job; WAIT while others may bring one, DONE when there is no more."""

    def ended(self, job: Job, *, trouble: str = "", interrupted: bool = False) -> None:
        """Nothing more comes of this job.

        Args:
            trouble: why the environment failed it, in one line.
            interrupted: the user did not wait for it.
        """


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a run tells its executor.

    Attributes:
        device: "cpu" or "cuda".
        epochs: the longest trial: the schedulers' largest budget.
        log: the file for what an engine and its workers print.
        run: a name for the run that no other has, where its trials keep something on storage of their own.
        dataset: what all jobs are trained on, for engines that bring it to other machines.
        checkpoints: the folder of the jobs' checkpoints, for the same.
    """

    device: Literal["cpu", "cuda"]
    epochs: int
    log: Path | None = None
    run: str = "run"
    dataset: "Dataset | None" = None
    checkpoints: Path | None = None


class Executor(Protocol):
    """Runs jobs until their source is dry or the user interrupts; hands every reading on, in this process."""

    @property
    def kind(self) -> str:
        """The word that `--executor` knows it by, or a person's own."""

    @property
    def scheduler(self) -> Scheduler:
        """What may end a trial early; «fifo» ends none."""

    @property
    def trials_per_gpu(self) -> int: ...

    def workers_on(self, device: str) -> int:
        """Trials at once."""

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        """Returns when the source is dry or the run was interrupted: the caller asks its strategy what is missing."""
