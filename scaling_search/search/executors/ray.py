"""Trials as Ray Tune trials: placement, reuse of workers, retries, a cluster, fractions of a GPU.

Tune is given jobs and brings back readings; its own saving and restoring is not relied on (ray#30838: under ASHA a
restored run stops the true best). What is finished is known from the run's journal alone.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from scaling_search.environment import cpu_count, describe_device
from scaling_search.errors import InvalidInput
from scaling_search.search.executors.base import Conditions, JobSource, OnReading, Scheduler, Train
from scaling_search.search.executors.ray_session import started


@dataclass(frozen=True, kw_only=True)
class Ray:
    """Runs jobs on Ray, started here unless RAY_ADDRESS names a cluster or Ray already runs in this process.

    Args:
        workers: trials at once; None: one a core, or as the GPUs hold.
        scheduler: one of Tune's; fifo trains every trial to its end.
        trials_per_gpu: trials that share one GPU.
    """

    kind: ClassVar[Literal["ray"]] = "ray"
    workers: int | None = None
    scheduler: Scheduler = "fifo"
    trials_per_gpu: int = 2

    def workers_on(self, device: str) -> int:
        """Trials at once on this device."""
        if self.workers is not None:
            return self.workers
        if device == "cuda":
            return int(describe_device("cuda")["count"]) * self.trials_per_gpu
        return cpu_count()

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        """Runs the source's jobs, as many at once as there are workers. Ctrl-C ends the run after a clean return."""
        workers = self.workers_on(conditions.device)
        gpu = 1 / self.trials_per_gpu if conditions.device == "cuda" else 0.0
        try:
            with started(workers, conditions.log) as storage:
                _check_resources(gpu)
                self._tune(source, train, on_reading, conditions, storage)
        except KeyboardInterrupt:  # while Ray starts or ends: Tune returns on the first
            return

    def _tune(
        self, source: JobSource, train: Train, on_reading: OnReading, conditions: Conditions, storage: Path
    ) -> None:
        from ray.tune import TuneError

        from scaling_search.search.executors.ray_parts import ReadingCallback, SourceSearcher

        searcher = SourceSearcher(source)
        tuner = self._tuner(searcher, train, ReadingCallback(on_reading, searcher), conditions, storage)
        try:
            tuner.fit()
        except TuneError:
            if searcher.error is not None:
                raise searcher.error from None
            raise

    def _tuner(self, searcher: Any, train: Train, callback: Any, conditions: Conditions, storage: Path) -> Any:
        from ray import tune

        from scaling_search.search.executors.ray_parts import TuneTrial

        gpu = {"gpu": 1 / self.trials_per_gpu} if conditions.device == "cuda" else {}
        return tune.Tuner(
            tune.with_resources(TuneTrial(train), {"cpu": 1.0} | gpu),
            tune_config=tune.TuneConfig(
                metric="top1",
                mode="max",
                search_alg=searcher,
                scheduler=make_scheduler(self.scheduler, conditions.epochs),
                num_samples=-1,  # until the source is dry
                max_concurrent_trials=self.workers_on(conditions.device),
                reuse_actors=True,  # a fresh worker costs an import of torch for each trial
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=str(storage),
                callbacks=[callback],
                failure_config=tune.FailureConfig(max_failures=0),  # the source asks for it again
                verbose=0,
            ),
        )


def _check_resources(gpu: float) -> None:
    """A request that no node can meet would wait for ever in silence."""
    import ray

    there = ray.cluster_resources()
    if there.get("CPU", 0) < 1:
        raise InvalidInput("Ray has no CPU to run a trial on")
    if gpu and there.get("GPU", 0) < gpu:
        raise InvalidInput(f"a trial asks for {gpu:g} GPU, and Ray has {there.get('GPU', 0):g}")


def make_scheduler(name: Scheduler, epochs: int) -> Any:
    """Tune's scheduler of that name, counting epochs; the metric and mode come from the TuneConfig.

    hyperband is Tune's asynchronous one with three brackets: the synchronous one pauses trials until a bracket is full,
    and with few workers no bracket ever is.
    """
    from ray.tune import schedulers

    grace = max(1, epochs // 4)
    halving = {"time_attr": "epoch", "max_t": epochs, "grace_period": grace, "reduction_factor": 3}
    match name:
        case "fifo":
            return schedulers.FIFOScheduler()
        case "asha":
            return schedulers.AsyncHyperBandScheduler(**halving, brackets=1)
        case "hyperband":
            return schedulers.AsyncHyperBandScheduler(**halving, brackets=3)
        case "median":
            return schedulers.MedianStoppingRule(time_attr="epoch", grace_period=grace, min_samples_required=3)
