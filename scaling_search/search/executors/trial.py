"""One trial from its job to its records: the only place where training's failures become rows of the table."""

from collections.abc import Iterator
from dataclasses import asdict

from scaling_search.environment import use_one_thread
from scaling_search.search.executors.base import Job
from scaling_search.search.journal import METRICS, Record, Status, Trial


def train_trial(job: Job) -> Iterator[Record]:
    """Trains one job, or tells its history again when it has ended; a failure is a record with its reason.

    The checkpoint is removed when the trial ends, so that a run holds at most one for each trial under way.
    """
    if job.history and job.history[-1].final:
        yield from job.history
        return
    done = 0
    try:
        for record in _readings(job):
            yield record
            done = record.epoch
    except Exception as error:  # whatever one network does wrong, the run goes on
        yield Record(trial=job.trial, epoch=done + 1, status="failed", reason=_reason(error))
    from scaling_search.training import checkpoint

    checkpoint.remove(job.checkpoint)


class Replay:
    """Trains nothing: yields what a journal recorded for the job's trial."""

    def __init__(self, records: dict[Trial, tuple[Record, ...]]) -> None:
        self._records = records

    def __call__(self, job: Job) -> Iterator[Record]:
        recorded = self._records.get(job.trial)
        if not recorded:
            recorded = (Record(trial=job.trial, epoch=1, status="failed", reason="not in the recorded run"),)
        yield from recorded


def _readings(job: Job) -> Iterator[Record]:
    if job.device == "cpu":
        use_one_thread()
    from scaling_search.training.loop import train_epochs

    job.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    for metrics in train_epochs(
        job.network,
        job.dataset,
        job.recipe,
        epochs=job.epochs,
        seed=job.trial.seed,
        device=job.device,
        checkpoint=job.checkpoint,
        deterministic=job.deterministic,
    ):
        values = asdict(metrics)
        status: Status = "done" if metrics.epoch == job.epochs else "running"
        yield Record(trial=job.trial, epoch=metrics.epoch, status=status, **{name: values[name] for name in METRICS})


def _reason(error: Exception) -> str:
    """One line for the table: TrainingFailed says it itself, anything else is named with its type."""
    own = getattr(error, "reason", None)
    text = own if isinstance(own, str) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:300]
