"""Trials as Ray Tune trials: placement, reuse of workers, retries, a cluster, fractions of a GPU.

Tune is given jobs and brings back readings; its own saving and restoring is not relied on (ray#30838: under ASHA a
restored run stops the true best). What is finished is known from the run's journal alone.
"""

import contextlib
import logging
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from scaling_search.environment import cpu_count, describe_device
from scaling_search.errors import InvalidInput
from scaling_search.files import sweep, unfinished
from scaling_search.search.executors.base import Conditions, JobSource, OnReading, Scheduler, Train

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
        """Runs the source's jobs, as many at once as there are workers."""
        workers = self.workers_on(conditions.device)
        gpu = 1 / self.trials_per_gpu if conditions.device == "cuda" else 0.0
        with _started(workers, conditions.log):
            _check_resources(gpu)
            with _scratch() as storage:
                self._tune(source, train, on_reading, conditions, storage)

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


@contextlib.contextmanager
def _started(workers: int, log: Path | None) -> Iterator[None]:
    """Ray for the time of the block. What runs already (a cluster's driver, the test suite's) is left running."""
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    if not os.access(Path.home(), os.W_OK):
        home = unfinished(Path(tempfile.gettempdir()))  # Ray keeps its token there; a later run sweeps it
        home.mkdir(mode=0o700)
        os.environ["HOME"] = str(home)
    if not os.environ.get("RAY_ADDRESS"):  # a cluster has its own token, or none
        _guard_token()
    import ray

    with _logged_to(log):
        if ray.is_initialized():
            yield
            return
        started = ray.init(**_init_options(workers))
        try:
            yield
        finally:
            session = Path(started.address_info.get("session_dir") or "")
            ray.shutdown()
            _keep_worker_output(session, log)


def _guard_token() -> None:
    """Nobody else on this machine may read the token that opens Ray's ports: Ray would write it for all to read."""
    if any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    path = Path.home() / ".ray" / "auth_token"
    with contextlib.suppress(PermissionError):  # of another person, who looks after it
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)
        else:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))  # as Ray does, which takes what is there


def _init_options(workers: int) -> dict[str, Any]:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if os.environ.get("RAY_ADDRESS"):
        return quiet
    # The object store carries only pickled configs; images are shared through memory maps.
    return quiet | {"include_dashboard": False, "num_cpus": workers, "object_store_memory": 100 * 2**20}


def _check_resources(gpu: float) -> None:
    """A request that no node can meet would wait for ever in silence."""
    import ray

    there = ray.cluster_resources()
    if there.get("CPU", 0) < 1:
        raise InvalidInput("Ray has no CPU to run a trial on")
    if gpu and there.get("GPU", 0) < gpu:
        raise InvalidInput(f"a trial asks for {gpu:g} GPU, and Ray has {there.get('GPU', 0):g}")


def _keep_worker_output(session: Path, log: Path | None) -> None:
    """Appends what the workers printed to the log; Ray's own daemons' logs stay where Ray put them."""
    if log is None or not session.name:
        return
    with log.open("a", encoding="utf-8") as file:
        for path in sorted((session / "logs").glob("worker-*.[eo]*")):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line for line in text.splitlines() if line and not line.startswith(":")]  # :actor_name: marks
            if lines:
                file.write("\n".join([f"# {path.name}", *lines, ""]))


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
    folder = unfinished(Path(tempfile.gettempdir()))
    sweep(folder.parent)
    folder.mkdir(mode=0o700)
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
