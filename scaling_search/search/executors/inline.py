"""Trials one after the other in this process: for tests, notebooks, quick runs and machines with one core."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from scaling_search.search.executors.base import Conditions, JobSource, OnReading, Scheduler, Train
from scaling_search.search.executors.trouble import hand_on, troubled
from scaling_search.strategies import DONE, Decision


@dataclass(frozen=True)
class Inline:
    """Runs the same trials as Ray Tune would, without starting Ray. Ctrl-C ends the run after a clean return.

    No scheduler: those are Ray Tune's, and one trial at a time has none beside it to be compared with.
    """

    kind: ClassVar[Literal["inline"]] = "inline"
    scheduler: ClassVar[Scheduler] = "fifo"
    trials_per_gpu: ClassVar[int] = 1

    def workers_on(self, device: str) -> int:
        """One, on any device."""
        return 1

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        """Trains each job to its end before the next is asked for."""
        try:
            while not isinstance(job := source.next(), Decision):
                try:
                    trouble = hand_on(troubled(train, job), on_reading)
                except BaseException:
                    source.ended(job, interrupted=True)
                    raise
                source.ended(job, trouble=trouble)
            assert job is DONE, "nothing is being trained, so there is nothing to wait for"
        except KeyboardInterrupt:
            return
