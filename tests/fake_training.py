"""Training without training: instant readings of a known landscape, for tests of what runs around it."""

import errno
import time
from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from typing import Any

from scaling_search.evidence import Reading, Status, Trial
from scaling_search.search.executors import Job
from scaling_search.strategies import DONE, Decision
from scaling_search.training.recipe import recipe

EPOCHS = 4


def job(candidate: int, seed: int = 0, history: tuple[Reading, ...] = (), *, epochs: int = EPOCHS) -> Job:
    """A job for the trainings below, which look at neither network nor data."""
    nothing: Any = None
    return Job(
        trial=Trial(candidate=f"c{candidate:02d}", seed=seed), network=nothing, dataset=nothing,
        recipe=recipe("proxy"), epochs=epochs, device="cpu", checkpoint=Path("none") / "x.pt", history=history,
    )  # fmt: skip


class Listed:
    """A source of jobs that are known beforehand."""

    def __init__(self, jobs: list[Job]) -> None:
        self._jobs = list(reversed(jobs))
        self.told: list[Job] = []
        self.troubles: dict[str, str] = {}
        self.interrupted: list[Job] = []
        self.display = RLock()  # a terminal's: an engine that pickles what it is given must not meet it

    def next(self) -> Job | Decision:
        return self._jobs.pop() if self._jobs else DONE

    def ended(self, job: Job, *, trouble: str = "", interrupted: bool = False) -> None:
        self.told.append(job)
        if interrupted:
            self.interrupted.append(job)
        if trouble:
            self.troubles[job.trial.candidate] = trouble


def quick(job: Job) -> Iterator[Reading]:
    """Candidates c00, c01 … reach 0.10, 0.11 … at the end, on a straight line; c03 always fails in epoch 2."""
    if job.trained:
        yield from job.history
        return
    top = 0.1 + 0.01 * (0 if job.trial.candidate == "base" else int(job.trial.candidate[1:])) + 0.001 * job.trial.seed
    for epoch in range(1, job.epochs + 1):
        if job.trial.candidate == "c03" and epoch == 2:
            yield Reading(trial=job.trial, epoch=epoch, status="failed", reason="planted")
            return
        status: Status = "running" if epoch < job.epochs else "paused" if job.pauses else "done"
        top1 = top * epoch / job.epochs
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top1, images_seen=10 * epoch)


def hindered(job: Job) -> Iterator[Reading]:
    """Like quick, but the disk is full for c01 after its first epoch, every time."""
    for reading in quick(job):
        yield reading
        if job.trial.candidate == "c01":
            raise OSError(errno.ENOSPC, "No space left on device", "c01-s0.pt")


def dying(job: Job) -> Iterator[Reading]:
    """Like quick, but the worker process of c01 dies, every time."""
    if job.trial.candidate == "c01":
        import os

        os._exit(1)
    yield from quick(job)


def lingering(job: Job) -> Iterator[Reading]:
    """Like quick, but takes longer to end than Tune waits by itself (two seconds) before it takes a worker again."""
    try:
        yield from quick(job)
    finally:
        time.sleep(2.5)
