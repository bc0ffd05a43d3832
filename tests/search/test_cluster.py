"""A search on several machines: nodes of Ray on this one, each with a cache of its own. One goes, another one comes."""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cluster import TOKEN, Cluster, cluster
from fake_training import Listed, job
from tiny_run import write_images

from scaling_search.data import Dataset, prepare
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.search.executors import Conditions, Job, Ray

pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.skipif(
        "CLUSTER" not in os.environ,
        reason="Ray keeps the first token of a process: CLUSTER=1 pytest tests/search/test_cluster.py, alone",
    ),
]

EPOCHS = 4


@pytest.fixture(scope="module")
def machines() -> Iterator[Cluster]:
    """A head and another node, one trial each. A short path: Ray's sockets lie below it."""
    with (
        tempfile.TemporaryDirectory(prefix="c", ignore_cleanup_errors=True) as place,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("RAY_AUTH_TOKEN", TOKEN)
        patch.setenv("RAY_TMPDIR", f"{place}/t")
        patch.setenv("SCALING_SEARCH_CACHE", f"{place}/home")
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        Path(place, "t").mkdir()
        with cluster(Path(place), 1, 1) as found:
            yield found


@pytest.fixture(scope="module")
def dataset(machines: Cluster) -> Dataset:
    return prepare(str(write_images(machines.place / "images", train=4, val=2)), resolution=16)


@dataclass(frozen=True)
class Noted:
    """A training of half a second an epoch that goes on from its checkpoint, and notes where it is done.

    The trials from the first one on that is named wait until these machines have begun one.
    """

    notes: Path
    machines: tuple[str, ...] = ()
    first: str = "c00"

    def __call__(self, job: Job) -> Iterator[Reading]:
        self.notes.with_name(Path(os.environ["SCALING_SEARCH_CACHE"]).name).touch()
        for _ in range(600 if job.trial.candidate >= self.first else 0):
            if all(self.notes.with_name(name).exists() for name in self.machines):
                break
            time.sleep(0.1)
        done = int(job.checkpoint.read_text()) if job.checkpoint.exists() else 0
        job.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        for epoch in range(done + 1, job.epochs + 1):
            assert len(job.dataset.train.images()) == 12
            time.sleep(0.5)
            job.checkpoint.write_text(f"{epoch}")
            cache = Path(os.environ["SCALING_SEARCH_CACHE"]).name
            note = f"{job.trial} {epoch} {cache} {job.dataset.train.folder.parents[1].name}\n"
            with self.notes.open("a") as file:
                file.write(note)
            status: Status = "running" if epoch < job.epochs else "done"
            yield Reading(trial=job.trial, epoch=epoch, status=status, top1=0.1 * epoch)


@dataclass
class Search:
    """Jobs on the cluster, and what became of them."""

    machines: Cluster
    dataset: Dataset
    folder: Path
    storage: str | None = None
    readings: list[Reading] = field(default_factory=list)

    def run(self, count: int, *machines: str, first: str = "c00") -> Listed:
        self.folder.mkdir(exist_ok=True)
        jobs = [replace_data(job(number, epochs=EPOCHS), self) for number in range(count)]
        source = Asked(jobs)
        Ray(address=self.machines.address, storage=self.storage).run(
            source, train=Noted(self.folder / "notes", machines, first), on_reading=self.told,
            conditions=Conditions(device="cpu", epochs=EPOCHS, dataset=self.dataset, log=self.folder / "ray.log",
                                  checkpoints=self.folder / "checkpoints"),
        )  # fmt: skip
        return source

    def told(self, reading: Reading) -> None:
        self.readings.append(reading)

    @property
    def notes(self) -> list[list[str]]:
        """Trial, epoch, the machine's cache, and the cache that its images were in."""
        return [line.split() for line in (self.folder / "notes").read_text().splitlines()]


class Asked(Listed):
    """Hands out a job again whose machine went away, as a driver does."""

    def ended(self, job: Job, *, trouble: str = "", interrupted: bool = False) -> None:
        super().ended(job, trouble=trouble, interrupted=interrupted)
        if interrupted:
            self._jobs.append(job)


def replace_data(one: Job, search: Search) -> Job:
    from dataclasses import replace

    return replace(one, dataset=search.dataset, checkpoint=search.folder / "checkpoints" / f"{one.trial}.pt")


def test_every_machine_has_its_own_images_and_checkpoints_come_home(
    machines: Cluster, dataset: Dataset, tmp_path: Path
) -> None:
    search = Search(machines, dataset, tmp_path / "run")
    assert not search.run(8, "cache-0", "cache-1").troubles
    assert Counter(reading.status for reading in search.readings) == {"running": 24, "done": 8}
    assert {(cache, images) for _, _, cache, images in search.notes} == {("cache-0", "home"), ("cache-1", "cache-1")}
    away = {trial for trial, _, cache, _ in search.notes if cache == "cache-1"}
    assert {path.name for path in (search.folder / "checkpoints").iterdir()} >= {f"{trial}.pt" for trial in away}
    assert len(list(machines.cache(1).glob("*/meta.json"))) == 1
    assert not list((machines.place / "cache-1").glob(".unfinished*"))


def test_with_storage_nothing_stays_with_the_search(machines: Cluster, dataset: Dataset, tmp_path: Path) -> None:
    search = Search(machines, dataset, tmp_path / "run", storage=str(tmp_path / "shared"))
    assert not search.run(3).troubles
    assert sum(reading.final for reading in search.readings) == 3
    assert not (search.folder / "checkpoints").exists()
    assert not list((tmp_path / "shared" / "run" / "checkpoints").iterdir())  # of trials that have ended
    assert (tmp_path / "shared" / "data" / dataset.train.folder.name / "meta.json").exists()


def test_a_cluster_without_room_is_a_sentence(machines: Cluster) -> None:
    with pytest.raises(InvalidInput, match="asks for 64 CPU, and the largest machine of Ray's has 1"):
        Ray(address=machines.address, cpus_per_trial=64).run(
            Listed([job(0)]), train=Noted(Path("x")), on_reading=print, conditions=Conditions(device="cpu", epochs=1)
        )


def test_the_wrong_token_is_a_sentence(machines: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "wrong")
    with pytest.raises(InvalidInput, match=r"refuses.*[Tt]oken"):
        Ray(address=machines.address, workers=1).run(
            Listed([job(0)]), train=Noted(Path("x")), on_reading=print, conditions=Conditions(device="cpu", epochs=1)
        )


def test_a_machine_that_goes_costs_its_trials_an_epoch_and_one_that_comes_is_used(
    machines: Cluster, dataset: Dataset, tmp_path: Path
) -> None:
    search = Search(machines, dataset, tmp_path / "run")

    def told(reading: Reading) -> None:
        search.readings.append(reading)
        lost = [trial for trial, epoch, cache, _ in search.notes if cache == "cache-1" and epoch == "2"]
        if len(machines.nodes) == 2 and lost:
            machines.kill(1)
            machines.add(1)

    search.told = told  # type: ignore[method-assign]
    source = search.run(10, "cache-2", first="c05")
    assert not source.troubles
    assert len(machines.nodes) == 3, "no machine was lost"
    assert len({(reading.trial, reading.epoch) for reading in search.readings}) == 10 * EPOCHS
    trained = Counter((trial, epoch) for trial, epoch, _, _ in search.notes)
    assert sum(trained.values()) <= 10 * EPOCHS + 1  # the epoch that the machine was lost in
    assert {cache for _, _, cache, _ in search.notes} == {"cache-0", "cache-1", "cache-2"}
