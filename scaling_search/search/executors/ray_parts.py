"""What Ray Tune calls: a searcher that hands out jobs, a trainable that does them, a callback that listens.

In a module of its own because each derives from a class of ray.tune, whose import takes a second.
"""

from dataclasses import replace
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from scaling_search.evidence import Reading, Trial
from scaling_search.search.executors.base import Job, JobSource, OnReading, Train
from scaling_search.search.journal import decode, encode
from scaling_search.strategies import DONE, WAIT


class TuneTrial:
    """The function that a worker runs: one job, each reading reported as it arises."""

    def __init__(self, train: Train) -> None:
        self._train = train
        self.__name__ = "trial"  # Tune asks a trainable for its name

    def __call__(self, config: dict[str, Any]) -> None:
        for reading in self._train(config["job"]):
            # A NaN or a missing value is never stopped by a scheduler; a failed trial counts as the worst.
            tune.report({"reading": encode(reading), "top1": reading.top1 or 0.0, "epoch": reading.epoch})


class SourceSearcher(Searcher):
    """Tune's question «what next?» passed on to a source. Its state is the journal's, so it saves nothing itself."""

    def __init__(self, source: JobSource) -> None:
        super().__init__(metric="top1", mode="max")
        self._source = source
        self._open: dict[str, Job] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:
        job = self._source.next()
        if job is DONE:
            return str(Searcher.FINISHED)
        if job is WAIT:
            return None  # Tune asks again later
        assert isinstance(job, Job)
        self._open[trial_id] = job
        return {"job": job}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        job = self._open.pop(trial_id, None)
        if job is not None:
            self._source.ended(job)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune would keep a copy of what the journal knows."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a run is resumed from its journal."""


class ReadingCallback(tune.Callback):
    """Hands every reading to on_reading in the driver, and turns a scheduler's stop or a dead worker into a reading."""

    def __init__(self, on_reading: OnReading) -> None:
        self._on_reading: OnReading | None = on_reading
        self._last: dict[Trial, Reading] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_on_reading": None, "_last": {}}  # Tune pickles its callbacks; a progress display cannot be

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        reading = decode(result["reading"])
        assert isinstance(reading, Reading)
        if result.get("done") and reading.status == "running":  # a scheduler's decision, before it is carried out
            reading = replace(reading, status="stopped", reason="stopped early by the scheduler")
        self._emit(reading)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        job: Job = trial.config["job"]
        last = self._last.get(job.trial)
        if last is None or not last.resting:
            epoch = last.epoch + 1 if last else 1
            reason = "its worker process died twice (killed, or out of memory); see ray.log"
            self._emit(Reading(trial=job.trial, epoch=epoch, status="failed", reason=reason))

    def _emit(self, reading: Reading) -> None:
        assert self._on_reading is not None, "a pickled callback has no listener"
        self._last[reading.trial] = reading
        self._on_reading(reading)
