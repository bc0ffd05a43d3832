"""Trials as Ray Tune trials: placement, reuse of workers, retries, a cluster, fractions of a GPU.

Tune is given jobs and brings back readings; its own saving and restoring is not relied on (ray#30838: under ASHA a
restored run stops the true best). What is finished is known from the run's journal alone.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from scaling_search.environment import cpu_count, describe_device
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.executors.base import Conditions, JobSource, OnReading, Scheduler, Train
from scaling_search.search.executors.elsewhere import Elsewhere
from scaling_search.search.executors.ray_address import joined_address, parse_address, remembered
from scaling_search.search.executors.ray_session import Session, started
from scaling_search.search.executors.stores import StorageStore, parse_storage


@dataclass(frozen=True, kw_only=True)
class Ray:
    """Runs jobs on Ray: the one that is named, else that which runs on this machine, else one started for them.

    Args:
        workers: trials at once; None: as many as there is room for.
        scheduler: one of Tune's; fifo trains every trial to its end.
        trials_per_gpu: trials that share one GPU.
        cpus_per_trial: cores that a trial keeps for itself, and threads that it has on a CPU.
        gpus_per_trial: part of a GPU that a trial keeps, 0 … 1; None: as trials_per_gpu says.
        address: of the Ray to join: auto, HOST:PORT, or local for none.
        storage: a place that all machines reach, for images and checkpoints; None: both come from the search's process.

    Raises:
        InvalidInput: a value is out of its range, or the address is none.
    """

    kind: ClassVar[Literal["ray"]] = "ray"
    workers: int | None = None
    scheduler: Scheduler = "fifo"
    trials_per_gpu: int = 2
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    address: str | None = None
    storage: str | None = None

    def __post_init__(self) -> None:
        if self.address is not None:
            parse_address(self.address)
        if self.storage is not None:
            object.__setattr__(self, "storage", parse_storage(self.storage))
        if self.cpus_per_trial < 1:
            raise InvalidInput(f"a trial needs at least one core, not {self.cpus_per_trial}")
        if self.gpus_per_trial is not None and not 0 < self.gpus_per_trial <= 1:
            raise InvalidInput(f"a trial has a GPU or a part of one, not {self.gpus_per_trial:g}")

    def workers_on(self, device: str) -> int:
        """Trials at once on this device.

        Raises:
            InvalidInput: the address does not answer, or a part of a GPU is wished for a CPU.
        """
        if device == "cpu" and self.gpus_per_trial is not None:
            raise InvalidInput("--gpus-per-trial is for --device cuda")
        if self.workers is not None:
            return self.workers
        address = joined_address(self.address)
        if address is not None:
            return max(1, self._room(device, *_there(address)))
        count = float(describe_device(device)["count"]) if device == "cuda" else 0.0
        return max(1, self._room(device, math.inf if count else float(cpu_count()), count))

    def _room(self, device: str, cpus: float, gpus: float) -> int:
        """Trials that so many CPUs and GPUs hold."""
        by_gpus = gpus / self._gpu(device) if device == "cuda" else math.inf
        return int(min(cpus / self.cpus_per_trial, by_gpus) + 1e-6)

    def run(self, source: JobSource, *, train: Train, on_reading: OnReading, conditions: Conditions) -> None:
        """Runs the source's jobs, as many at once as there are workers. Ctrl-C ends the run after a clean return."""
        cpus = self.workers_on(conditions.device) * self.cpus_per_trial
        try:
            with started(cpus, conditions.log, address=self.address) as session:
                _check_resources(self.cpus_per_trial, self._gpu(conditions.device))
                with self._everywhere(train, on_reading, conditions, session) as (trained, told):
                    self._tune(source, trained, told, conditions, session)
        except KeyboardInterrupt:  # while Ray starts or ends: Tune returns on the first
            return

    def _gpu(self, device: str) -> float:
        if device != "cuda":
            return 0.0
        return self.gpus_per_trial or 1 / self.trials_per_gpu

    @contextmanager
    def _everywhere(
        self, train: Train, on_reading: OnReading, conditions: Conditions, session: Session
    ) -> Iterator[tuple[Train, OnReading]]:
        """The same training and telling, for workers on any machine."""
        if not session.several and self.storage is None:
            yield train, on_reading
            return
        import ray

        home = str(ray.get_runtime_context().get_node_id())
        packed = None if conditions.dataset is None else conditions.dataset.train.folder
        if self.storage is not None:
            store = StorageStore(self.storage, conditions.run)
            store.check()
            if packed is not None:
                store.offer(packed)

            def told(reading: Reading) -> None:
                on_reading(reading)
                if reading.final:
                    store.drop(f"{reading.trial}.pt")

            yield Elsewhere(train, store, home, all_stored=True), told
            return
        from scaling_search.search.executors.post import PostStore, Shelf, served

        shelf = Shelf(packed, conditions.checkpoints or session.scratch / "checkpoints")
        with served(shelf.answers(), node=home) as post:
            yield Elsewhere(train, PostStore(post), home), on_reading

    def _tune(
        self, source: JobSource, train: Train, on_reading: OnReading, conditions: Conditions, session: Session
    ) -> None:
        from ray.tune import TuneError

        from scaling_search.search.executors.ray_parts import ReadingCallback, SourceSearcher

        room = self._now(conditions.device, session)
        searcher = SourceSearcher(source, room, ahead=math.inf if session.several else cpu_count())
        tuner = self._tuner(searcher, train, ReadingCallback(on_reading, searcher), conditions, session)
        try:
            tuner.fit()
        except TuneError:
            if searcher.error is not None:
                raise searcher.error from None
            raise

    def _now(self, device: str, session: Session) -> Callable[[], int]:
        """How many trials there is room for at this moment: on a cluster machines come and go."""
        fixed = self.workers
        if fixed is None and not session.several:
            fixed = self.workers_on(device)
        if fixed is not None:
            return lambda: fixed
        return remembered(lambda: self._room(device, *_cluster()))

    def _tuner(self, searcher: Any, train: Train, callback: Any, conditions: Conditions, session: Session) -> Any:
        from ray import tune

        from scaling_search.search.executors.ray_parts import TuneTrial

        gpu = self._gpu(conditions.device)
        needs = {"cpu": float(self.cpus_per_trial)} | ({"gpu": gpu} if gpu else {})
        return tune.Tuner(
            tune.with_resources(TuneTrial(train, threads=self.cpus_per_trial), needs),
            tune_config=tune.TuneConfig(
                metric="top1",
                mode="max",
                search_alg=searcher,
                scheduler=make_scheduler(self.scheduler, conditions.epochs),
                num_samples=-1,  # until the source is dry
                reuse_actors=True,  # a fresh worker costs an import of torch for each trial
            ),
            run_config=tune.RunConfig(
                name="search",
                storage_path=str(session.scratch),
                callbacks=[callback],
                failure_config=tune.FailureConfig(max_failures=0),  # the source asks for it again
                verbose=0,
            ),
        )


@cache
def _there(address: str) -> tuple[float, float]:
    """CPUs and GPUs of all machines of a Ray."""
    with started(1, Path(os.devnull), address=address):
        return _cluster()


def _cluster() -> tuple[float, float]:
    import ray

    found = ray.cluster_resources()
    return found.get("CPU", 0.0), found.get("GPU", 0.0)


def _check_resources(cpus: int, gpu: float) -> None:
    """A request that no machine can meet would wait for ever in silence."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    most = max((node.get("CPU", 0) for node in nodes), default=0)
    if most < cpus:
        raise InvalidInput(f"a trial asks for {cpus} CPU, and the largest machine of Ray's has {most:g}")
    if gpu and not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpu for node in nodes):
        most = max((node.get("GPU", 0) for node in nodes), default=0)
        raise InvalidInput(f"a trial asks for {gpu:g} GPU, and the largest machine of Ray's has {most:g}")


def make_scheduler(name: Scheduler, epochs: int) -> Any:
    """Tune's scheduler of that name, counting epochs; the metric and mode come from the TuneConfig.

    hyperband is Tune's asynchronous one with three brackets: the synchronous one pauses trials until a bracket is full,
    and with few workers no bracket ever is.
    """
    from ray.tune.schedulers import MedianStoppingRule

    from scaling_search.search.executors.ray_parts import Asha, Fifo

    grace = max(1, epochs // 4)
    halving = {"time_attr": "epoch", "max_t": epochs, "grace_period": grace, "reduction_factor": 3}
    match name:
        case "fifo":
            return Fifo()
        case "asha":
            return Asha(**halving, brackets=1)
        case "hyperband":
            return Asha(**halving, brackets=3)
        case "median":
            return MedianStoppingRule(time_attr="epoch", grace_period=grace, min_samples_required=3)
