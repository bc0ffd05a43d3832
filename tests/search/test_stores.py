"""Where a trial on another machine has its images and checkpoint: on storage, and in its own cache. Starts no Ray."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from fake_training import job
from tiny_run import write_images

from scaling_search.data import Dataset, prepare
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.executors import Job, elsewhere
from scaling_search.search.executors.elsewhere import Elsewhere, dataset_here
from scaling_search.search.executors.stores import StorageStore, parse_storage


@pytest.fixture(params=["folder", "file://", "memory://"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StorageStore:
    """A folder, pyarrow's own kind of URL, and one that only fsspec knows."""
    place = {
        "folder": str(tmp_path / "shared"),
        "file://": f"file://{tmp_path}/shared",
        "memory://": f"memory://{tmp_path}",
    }
    return StorageStore(place[request.param], "run-1")


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Packed in the search's cache; from then on this process is on another machine, with another cache."""
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "home"))
    found = prepare(str(write_images(tmp_path / "images", train=4, val=2)), resolution=16)
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "away"))
    return found


def test_a_checkpoint_is_kept_replaced_and_dropped(store: StorageStore) -> None:
    store.check()
    assert store.checkpoint("c00-s0.pt") is None
    for content in (b"one", b"two"):
        store.keep("c00-s0.pt", content)
        assert store.checkpoint("c00-s0.pt") == content
    assert StorageStore(store.url, "run-2").checkpoint("c00-s0.pt") is None
    store.drop("c00-s0.pt")
    store.drop("c00-s0.pt")
    assert store.checkpoint("c00-s0.pt") is None


def test_packed_images_arrive_in_another_cache_once(
    store: StorageStore, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.offer(dataset.train.folder)
    read: list[str] = []
    fetch = StorageStore.data

    def counted(self: StorageStore, name: str) -> Iterator[bytes]:
        read.append(name)
        return fetch(self, name)

    monkeypatch.setattr(StorageStore, "data", counted)
    here = dataset_here(dataset, store)
    assert here.train.folder.is_relative_to(tmp_path / "away")
    assert np.array_equal(here.train.images(), dataset.train.images())
    assert np.array_equal(here.val.labels(), dataset.val.labels())
    assert dataset_here(dataset, store) == here
    assert len(read) == len(set(read)) == 5


def test_what_arrives_damaged_is_refused(
    store: StorageStore, dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StorageStore, "data", lambda self, name: iter([b"\0" * 100]))
    with pytest.raises(InvalidInput, match="not those that the search has packed"):
        dataset_here(dataset, store)


def writing(job: Job) -> Iterator[Reading]:
    """Goes on from its checkpoint, which counts its epochs."""
    job.checkpoint.parent.mkdir(parents=True, exist_ok=True)
    done = int(job.checkpoint.read_text()) if job.checkpoint.exists() else 0
    for epoch in range(done + 1, job.epochs + 1):
        job.checkpoint.write_text(f"{epoch}")
        yield Reading(trial=job.trial, epoch=epoch, status="running" if epoch < job.epochs else "paused", top1=0.5)


def test_a_trial_goes_on_from_the_store_on_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each checkpoint is there before its reading is told, so that a machine that goes costs no more than an epoch."""
    monkeypatch.setattr(elsewhere, "_node", lambda: "away")
    store = StorageStore(str(tmp_path / "shared"), "run")
    train = Elsewhere(writing, store, home="home")
    for machine, epochs in (("one", [1, 2]), ("two", [3, 4])):
        monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / machine))
        readings = cast("Generator[Reading]", train(job(0)))
        told = []
        for reading in readings:
            told.append(reading.epoch)
            assert store.checkpoint("x.pt") == f"{reading.epoch}".encode()
            if len(told) == 2:
                break
        readings.close()
        assert told == epochs
        assert not list((tmp_path / machine).glob(".unfinished*"))


def test_at_home_a_trial_has_the_runs_own_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "_node", lambda: "home")
    monkeypatch.chdir(tmp_path)
    store = StorageStore(str(tmp_path / "shared"), "run")
    assert [reading.epoch for reading in Elsewhere(writing, store, home="home")(job(0))] == [1, 2, 3, 4]
    assert (tmp_path / "none" / "x.pt").exists()
    assert store.checkpoint("x.pt") is None


def test_storage_is_made_absolute_and_never_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_storage("shared") == str(tmp_path / "shared")
    assert parse_storage("s3://bucket/path") == "s3://bucket/path"
    for text in ("", " ", "a\0b"):
        with pytest.raises(InvalidInput, match="--storage is empty"):
            parse_storage(text)


def test_storage_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be written"):
        StorageStore(str(tmp_path / "file"), "run").check()
    with pytest.raises(InvalidInput, match="cannot be opened"):
        StorageStore("nosuch://place", "run").check()
