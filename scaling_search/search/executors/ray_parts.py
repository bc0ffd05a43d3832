"""What Ray Tune calls: a searcher that hands out jobs, schedulers, a trainable that does them, a callback that listens.

In a module of its own because each derives from a class of ray.tune, whose import takes a second.
"""

import math
import os
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune import schedulers
from ray.tune.search import Searcher

from scaling_search.evidence import Reading, Trial
from scaling_search.search.executors.base import Job, JobSource, OnReading, Train
from scaling_search.search.executors.trouble import DIED, LOST, reason_of, troubled
from scaling_search.search.journal import decode, encode
from scaling_search.strategies import DONE, WAIT

_MOST_LOSSES = 5  # machines that may go under one trial
_PATIENCE = "60"  # seconds for a stopped training to return, before its worker is given up; Tune's own are two


class TuneTrial:
    """The function that a worker runs: one job, each reading reported as it arises."""

    def __init__(self, train: Train, *, threads: int = 1) -> None:
        self._train = train
        self._threads = threads
        self.__name__ = "trial"  # Tune asks a trainable for its name

    def __call__(self, config: dict[str, Any]) -> None:
        os.environ.setdefault("TUNE_FUNCTION_THREAD_TIMEOUT_S", _PATIENCE)  # read here, when the next trial comes
        for reading in troubled(self._train, replace(config["job"], threads=self._threads)):
            # A NaN or a missing value is never stopped by a scheduler; a failed trial counts as the worst.
            tune.report({"reading": encode(reading), "top1": reading.top1 or 0.0, "epoch": reading.epoch})


class SourceSearcher(Searcher):
    """Tune's question «what next?» passed on to a source. Its state is the journal's, so it saves nothing itself.

    Args:
        room: how many trials may be under way now. (Tune's own limit cannot change; without one it asks for the next
            trial only when the last has begun, and short trials then run one after the other.)
        ahead: trials that may wait for a worker of their own to start: that is seconds of one core, and where there
            are more workers than cores all would wait for one another.

    Attributes:
        error: what the run's own code raised first, which Tune wraps into an error of its own.
    """

    def __init__(self, source: JobSource, room: Callable[[], int], *, ahead: float = math.inf) -> None:
        super().__init__(metric="top1", mode="max")
        self._source = source
        self._room = room
        self._ahead = ahead
        self._begun: set[str] = set()
        self._workers = 0  # as many as were at work at once
        self._open: dict[str, Job] = {}
        self._losses: Counter[Trial] = Counter()
        self.error: Exception | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {
            "_source": None,
            "_room": None,
            "_open": {},
            "error": None,
        }  # Tune pickles it; a display cannot be

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Around the run's own code."""
        try:
            yield
        except Exception as error:
            self.error = self.error or error
            raise

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        if len(self._open) >= min(self._room(), self._workers + self._ahead):
            return None  # Tune asks again later
        with self.remembering():
            job = self._source.next()
        if job is DONE:
            return str(Searcher.FINISHED)
        if job is WAIT:
            return None
        assert isinstance(job, Job)
        self._open[trial_id] = job
        return {"job": job}

    def begin(self, trial_id: str) -> None:
        """A worker has begun a job."""
        self._begun.add(trial_id)
        self._workers = max(self._workers, len(self._begun))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if not error:  # an error's reason is not known here: the callback hears of it next
            self.end(trial_id)

    def end(self, trial_id: str, trouble: str = "") -> None:
        """Tells the source that nothing more comes of a job."""
        job = self._taken(trial_id)
        if job is not None:
            with self.remembering():
                self._source.ended(job, trouble=trouble)

    def lose(self, trial_id: str) -> None:
        """A job's machine is gone, which is nobody's fault: it is wanted again, unless its machines go too often."""
        job = self._taken(trial_id)
        if job is not None:
            self._losses[job.trial] += 1
            often = self._losses[job.trial] > _MOST_LOSSES
            with self.remembering():
                self._source.ended(job, trouble=LOST if often else "", interrupted=not often)

    def given_up(self, trials: list[Any]) -> None:
        """Of Tune's trials, those that it gave up before they began are lost: of them it tells nobody. That is so where
        the worker that they were to have is not free in time.
        """
        for trial in trials:
            if trial.status == "ERROR" and trial.trial_id in self._open:
                self.lose(trial.trial_id)

    def _taken(self, trial_id: str) -> Job | None:
        self._begun.discard(trial_id)
        return self._open.pop(trial_id, None)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune would keep a copy of what the journal knows."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a run is resumed from its journal."""


class ReadingCallback(tune.Callback):
    """Hands every reading to on_reading in the driver, and tells the searcher why a worker failed."""

    def __init__(self, on_reading: OnReading, searcher: SourceSearcher) -> None:
        self._on_reading: OnReading | None = on_reading
        self._searcher: SourceSearcher | None = searcher

    def __getstate__(self) -> dict[str, Any]:
        return {"_on_reading": None, "_searcher": None}  # as above

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        assert self._searcher is not None, "a pickled callback has no searcher"
        self._searcher.begin(trial.trial_id)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        reading = decode(result["reading"])
        assert isinstance(reading, Reading)
        if result.get("done") and reading.status == "running":  # a scheduler's decision, before it is carried out
            reading = replace(reading, status="stopped", reason="stopped early by the scheduler")
        assert self._on_reading is not None and self._searcher is not None, "a pickled callback has no listener"
        with self._searcher.remembering():
            self._on_reading(reading)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        # Tune keeps every trial, and means, extremes and last values of all that it reported: two thirds of its memory.
        trial.run_metadata.metric_analysis.clear()
        trial.run_metadata.metric_n_steps.clear()

    def on_step_end(self, iteration: int, trials: list[Any], **info: Any) -> None:
        assert self._searcher is not None, "a pickled callback has no searcher"
        self._searcher.given_up(trials)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        assert self._searcher is not None, "a pickled callback has no searcher"
        error = _kept_error(trial.pickled_error_file)
        if is_loss(error):
            self._searcher.lose(trial.trial_id)
        else:
            cause = getattr(error, "cause", None)
            self._searcher.end(trial.trial_id, reason_of(cause) if isinstance(cause, Exception) else DIED)


class _InTurn:
    """A scheduler that does not say which trial is next. Tune's say: the first that is not running. It takes whatever
    worker is free, and the one that was started for it, and is nearly there, is ended: where trials are shorter than it
    takes to start the workers that are still missing, those are started and ended for ever. (The median rule pauses
    trials, and whoever pauses has to say.)
    """

    def choose_trial_to_run(self, tune_controller: Any) -> None:
        """None: then those that have no worker yet come first."""


class Fifo(_InTurn, schedulers.FIFOScheduler):
    """Tune's."""


class Asha(_InTurn, schedulers.AsyncHyperBandScheduler):
    """Tune's."""


def _kept_error(path: str | None) -> BaseException | None:
    """What a worker failed of, from where Tune has just kept it. (`Trial.get_pickled_error` looks in the place to which
    that is copied later.)
    """
    if path is None or not Path(path).is_file():
        return None
    found = pickle.loads(Path(path).read_bytes())
    return found if isinstance(found, BaseException) else None


def is_loss(error: BaseException | None) -> bool:
    """Whether a worker is gone because its machine is: switched off, taken back by a cloud, cut off.

    Whose machine goes is unavailable at first, and is known to have died some seconds later; a worker that dies alone
    has died at once.
    """
    import ray

    if isinstance(error, ray.exceptions.NodeDiedError | ray.exceptions.ActorUnavailableError):
        return True
    died = isinstance(error, ray.exceptions.ActorDiedError)
    return died and (getattr(error, "preempted", False) or "node has died" in str(error))
