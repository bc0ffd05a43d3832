"""Trials as Ray Tune trials: placement, reuse of workers, retries, a cluster, fractions of a GPU.

Tune is given work and brings back records; its own saving and restoring is not relied on (ray#30838: under ASHA a
restored run stops the true best). What is finished is known from the run's journal alone.
"""

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scaling_search.errors import InvalidInput
from scaling_search.search.executors.base import OnRecord, Source, Train

Scheduler = Literal["fifo", "asha", "hyperband", "median"]

# Must be set before ray is imported or started; each silences something or keeps it off.
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a CPU trial on a GPU machine leaves the GPUs' variable alone
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the journal is the record; three more copies of it cost time
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "OMP_NUM_THREADS": "1",
}


@dataclass(kw_only=True)
class RayTuneExecutor:
    """Runs work on Ray, started here unless RAY_ADDRESS names a cluster or Ray already runs in this process.

    Args:
        workers: trials at once.
        scheduler: one of Tune's; fifo trains every trial to its end.
        epochs: the longest trial, in epochs: the schedulers' largest budget.
        gpu_fraction: the part of a GPU that one trial takes; 0 trains on CPUs.
        log: the file for what Ray and the workers print.
    """

    workers: int
    scheduler: Scheduler = "fifo"
    epochs: int = 1
    gpu_fraction: float = 0.0
    log: Path | None = None

    def run(self, source: Source, *, train: Train, on_record: OnRecord) -> None:
        with self._started():
            self._check_resources()
            with _scratch() as storage:
                self._fit(source, train, on_record, storage)

    def _fit(self, source: Source, train: Train, on_record: OnRecord, storage: Path) -> None:
        from ray import tune

        from scaling_search.search.executors.ray_parts import RecordCallback, SourceSearcher, TuneTrial

        resources = {"cpu": 1.0} | ({"gpu": self.gpu_fraction} if self.gpu_fraction else {})
        tuner = tune.Tuner(
            tune.with_resources(TuneTrial(train), resources),
            tune_config=tune.TuneConfig(
                metric="top1",
                mode="max",
                search_alg=SourceSearcher(source),
                scheduler=make_scheduler(self.scheduler, self.epochs),
                num_samples=-1,  # until the source is dry
                max_concurrent_trials=self.workers,
                reuse_actors=True,  # a fresh worker costs an import of torch for each trial
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=str(storage),
                callbacks=[RecordCallback(on_record)],
                failure_config=tune.FailureConfig(max_failures=1),
                verbose=0,
            ),
        )
        tuner.fit()

    @contextlib.contextmanager
    def _started(self) -> Iterator[None]:
        """Ray for the time of the block. What runs already (a cluster's driver, the test suite's) is left running."""
        os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
        if not os.access(Path.home(), os.W_OK):
            os.environ["HOME"] = tempfile.mkdtemp(prefix="scaling-search-home-")  # Ray keeps its token there
        import ray

        with _logged_to(self.log):
            if ray.is_initialized():
                yield
                return
            started = ray.init(**self._init_options())
            try:
                yield
            finally:
                session = Path(started.address_info.get("session_dir") or "")
                ray.shutdown()
                self._keep_worker_output(session)

    def _init_options(self) -> dict[str, Any]:
        quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
        if os.environ.get("RAY_ADDRESS"):
            return {"log_to_driver": False, "logging_level": logging.ERROR}
        # The object store carries only pickled configs; images are shared through memory maps.
        return quiet | {"num_cpus": self.workers, "object_store_memory": 100 * 2**20}

    def _check_resources(self) -> None:
        """A request that no node can meet would wait for ever in silence."""
        import ray

        there = ray.cluster_resources()
        if there.get("CPU", 0) < 1:
            raise InvalidInput("Ray has no CPU to run a trial on")
        if self.gpu_fraction and there.get("GPU", 0) < self.gpu_fraction:
            raise InvalidInput(f"a trial asks for {self.gpu_fraction:g} GPU, and Ray has {there.get('GPU', 0):g}")

    def _keep_worker_output(self, session: Path) -> None:
        """Appends what the workers printed to the log; Ray's own daemons' logs stay where Ray put them."""
        if self.log is None or not session.name:
            return
        with self.log.open("a", encoding="utf-8") as log:
            for path in sorted((session / "logs").glob("worker-*.[eo]*")):
                text = path.read_text(encoding="utf-8", errors="replace")
                lines = [line for line in text.splitlines() if line and not line.startswith(":")]  # :actor_name: marks
                if lines:
                    log.write("\n".join([f"# {path.name}", *lines, ""]))


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


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder for Tune's bookkeeping: never inside the run folder, since a socket path over 107 bytes fails."""
    folder = Path(tempfile.mkdtemp(prefix="scaling-search-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _logged_to(path: Path | None) -> Iterator[None]:
    """Ray's log records go to the file instead of the terminal."""
    if path is None:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("ray")
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        handler.close()
