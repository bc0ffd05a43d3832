"""What Ray Tune calls: a searcher that hands out work, a trainable that does it, a callback that listens.

In a module of its own because each derives from a class of ray.tune, whose import takes a second.
"""

from dataclasses import replace
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from scaling_search.search.executors.base import Job, OnRecord, Source, Train, Work, mean_score
from scaling_search.search.journal import Record, Trial


class TuneTrial:
    """The function that a worker runs: all jobs of one piece of work, each record reported as it arises."""

    def __init__(self, train: Train) -> None:
        self._train = train
        self.__name__ = "trial"  # Tune asks a trainable for its name

    def __call__(self, config: dict[str, Any]) -> None:
        ends: list[Record] = []
        for job in config["work"].jobs:
            for record in self._train(job):
                if record.final:
                    ends.append(record)
                # A NaN or a missing value is never stopped by a scheduler; a failed trial counts as the worst.
                tune.report(
                    {
                        "record": record.to_line(),
                        "top1": record.top1 or 0.0,
                        "epoch": record.epoch,
                        "score": mean_score(ends),
                    }
                )


class SourceSearcher(Searcher):
    """Tune's question «what next?» passed on to a source. Its state is the journal's, so it saves nothing itself."""

    def __init__(self, source: Source) -> None:
        super().__init__(metric="top1", mode="max")
        self._source = source
        self._open: dict[str, Work] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | str:
        work = self._source.next()
        if work is None:
            return str(Searcher.FINISHED)
        self._open[trial_id] = work
        return {"work": work}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        work = self._open.pop(trial_id, None)
        if work is not None:
            self._source.tell(work, None if error or not result else result.get("score"))

    def save(self, checkpoint_path: str) -> None:
        """Nothing: Tune would keep a copy of what the journal knows."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing: a run is resumed from its journal."""


class RecordCallback(tune.Callback):
    """Hands every record to on_record in the driver, and turns a scheduler's stop or a dead worker into a record."""

    def __init__(self, on_record: OnRecord) -> None:
        self._on_record: OnRecord | None = on_record
        self._last: dict[Trial, Record] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"_on_record": None, "_last": {}}  # Tune pickles its callbacks; a progress display cannot be

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        record = Record.from_line(result["record"])
        if result.get("done") and record.status == "running":  # a scheduler's decision, seen before it is carried out
            record = replace(record, status="stopped", reason="stopped early by the scheduler")
        self._emit(record)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        for job in trial.config["work"].jobs:
            self._emit_death(job)

    def _emit_death(self, job: Job) -> None:
        last = self._last.get(job.trial)
        if last is None or not last.final:
            epoch = last.epoch + 1 if last else 1
            reason = "its worker process died twice (killed, or out of memory); see ray.log"
            self._emit(Record(trial=job.trial, epoch=epoch, status="failed", reason=reason))

    def _emit(self, record: Record) -> None:
        assert self._on_record is not None, "a pickled callback has no listener"
        self._last[record.trial] = record
        self._on_record(record)
