"""One trial from its job to its readings: the only place where what a network cannot do becomes a row of the table."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from scaling_search.environment import use_threads
from scaling_search.evidence import READING_METRICS, Reading, Status, Trial
from scaling_search.search.executors.base import Job
from scaling_search.search.executors.trouble import reason_of
from scaling_search.strategies import Ask


def train_trial(job: Job) -> Iterator[Reading]:
    """Trains one job, or tells its history again when that is all there is; what its network cannot do is a reading.

    Raises:
        Exception: anything else that goes wrong, which says nothing of the network.
    """
    if job.trained:
        yield from job.history
        return
    done = job.history[-1].epoch if job.history else 0
    try:
        for reading in _readings(job):
            yield reading
            done = max(done, reading.epoch)
    except Exception as error:
        if not _is_result(error):
            raise
        yield Reading(trial=job.trial, epoch=done + 1, status="failed", reason=reason_of(error))


class Replay:
    """Trains nothing: yields what was recorded for the job's trial, as far as the job asks.

    There it is paused, as a training would be; where the record ends before, it fails.

    Args:
        histories: the recorded readings of each trial.
    """

    def __init__(self, histories: Mapping[Trial, tuple[Reading, ...]]) -> None:
        self._histories = histories

    def __call__(self, job: Job | Ask) -> Iterator[Reading]:
        recorded = [reading for reading in self._histories.get(job.trial, ()) if reading.epoch <= job.epochs]
        for reading in recorded:
            whole = reading.epoch == job.epochs and not reading.resting
            yield replace(reading, status="paused") if whole else reading
        last = recorded[-1] if recorded else None
        if last is None or (last.epoch < job.epochs and not last.final):
            epoch = 1 if last is None else last.epoch + 1
            yield Reading(trial=job.trial, epoch=epoch, status="failed", reason="not in the recorded run")


def _readings(job: Job) -> Iterator[Reading]:
    if job.device == "cpu":
        use_threads(job.threads)
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
        measured = {name: values[name] for name in READING_METRICS}
        yield Reading(trial=job.trial, epoch=metrics.epoch, status=_status(job, metrics.epoch), **measured)


def _status(job: Job, epoch: int) -> Status:
    if epoch < job.epochs:
        return "running"
    return "paused" if job.pauses else "done"


def _is_result(error: Exception) -> bool:
    from scaling_search.training.failure import MachineFailed, TrainingFailed

    return isinstance(error, TrainingFailed) and not isinstance(error, MachineFailed)
