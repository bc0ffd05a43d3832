"""Packing once, atomically, addressed by content; what is skipped and what is refused."""

import errno
import json
import multiprocessing
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scaling_search import data
from scaling_search.data import cache, pack
from scaling_search.data.dataset import Dataset
from scaling_search.errors import InvalidInput

MakeFolder = Callable[..., Path]


def broken(root: Path, count: int) -> None:
    for index in range(count):
        (root / "a" / f"{index:03}.png").write_bytes(b"broken")


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.startswith(".unfinished")]


def test_packed_pixels_labels_and_numbers(random_dataset: Dataset) -> None:
    assert (len(random_dataset.train), len(random_dataset.val)) == (40, 20)
    images = random_dataset.train.images()
    expected = np.random.default_rng(1).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    assert isinstance(images, np.memmap) and (images == expected).all()
    assert random_dataset.train.labels().tolist() == [0, 1, 2, 3] * 10
    assert random_dataset.train.labels().dtype == np.int64
    assert random_dataset.mean == pytest.approx(expected.mean((0, 1, 2)) / 255, abs=1e-4)
    assert random_dataset.std == pytest.approx(expected.std((0, 1, 2)) / 255, abs=1e-4)
    assert len(pickle.dumps(random_dataset)) < 2000


def test_second_preparation_reads_the_cache(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_folder({"a": 10, "b": 10})
    calls: list[tuple[str, int, int]] = []
    first = data.prepare(str(root), resolution=8, cache=tmp_path, progress=lambda *call: calls.append(call))
    assert calls == [("packing train", 16, 16), ("packing val", 4, 4)]
    monkeypatch.setattr(pack, "_write", lambda *arguments: pytest.fail("packed again"))
    assert data.prepare(str(root), resolution=8, cache=tmp_path) == first


def test_fingerprint_follows_pixels_not_dates(make_folder: MakeFolder, tmp_path: Path) -> None:
    prepared = [
        data.prepare(str(make_folder({"a": 4, "b": count}, name=name)), resolution=8, cache=tmp_path / name)
        for name, count in (("one", 4), ("two", 4), ("three", 5))
    ]
    first, same, different = [dataset.fingerprint for dataset in prepared]
    assert first == same != different


def test_limits_keep_the_shares_of_classes(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"train/a": 40, "train/b": 20, "val/a": 4, "val/b": 4})
    dataset = data.prepare(str(root), resolution=8, cache=tmp_path, limit_train=30, limit_val=2)
    assert np.bincount(dataset.train.labels()).tolist() == [20, 10]
    assert np.bincount(dataset.val.labels()).tolist() == [1, 1]


def test_another_seed_keeps_other_images_of_a_limited_set(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"train/a": 20, "train/b": 20, "val/a": 2, "val/b": 2})
    kept = [
        data.prepare(str(root), resolution=8, cache=tmp_path, limit_train=10, seed=seed).train.images()[:].tolist()
        for seed in (0, 1, 0)
    ]
    assert kept[0] == kept[2] != kept[1]


def test_few_unreadable_images_are_named_counted_and_skipped(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"train/a": 200, "train/b": 200, "val/a": 2, "val/b": 2})
    broken(root / "train", 4)
    with pytest.warns(UserWarning, match="4 unreadable of 400 train images skipped: a/000.png"):
        dataset = data.prepare(str(root), resolution=4, cache=tmp_path)
    assert len(dataset.train) == 396 == len(dataset.train.labels())
    assert [name.split(" ")[0] for name in dataset.skipped] == [f"a/{index:03}.png" for index in range(4)]
    assert np.bincount(dataset.train.labels()).tolist() == [196, 200]
    assert dataset.train.images()[0, 0, 0].tolist() == [0, 40, 100]  # the first readable one is a/004.png


def test_more_unreadable_images_are_refused_and_nothing_is_left(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"train/a": 200, "train/b": 200, "val/a": 2, "val/b": 2})
    broken(root / "train", 5)
    with pytest.raises(InvalidInput, match=re.escape("over 1% of the 400 train images cannot be read: a/000.png")):
        data.prepare(str(root), resolution=4, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "data").iterdir()) == []


def test_a_full_disk_is_explained_and_nothing_is_left(
    make_folder: MakeFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: cache.ImageWriter, images: np.ndarray) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.ImageWriter, "append", full)
    with pytest.raises(InvalidInput, match="the disk is full"):
        data.prepare(str(make_folder({"a": 4, "b": 4})), resolution=8, cache=tmp_path / "cache")
    assert list((tmp_path / "cache" / "data").iterdir()) == []


def test_an_unwritable_cache_is_explained(make_folder: MakeFolder, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="set SCALING_SEARCH_CACHE"):
        data.prepare(str(make_folder({"a": 4, "b": 4})), resolution=8, cache=tmp_path / "file")


def test_an_interrupted_packing_leaves_nothing_behind(make_folder: MakeFolder, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    root = make_folder({"a": 4, "b": 4})
    with pytest.raises(KeyboardInterrupt):
        data.prepare(str(root), resolution=8, cache=tmp_path / "cache", progress=interrupt)
    assert leftovers(tmp_path) == []
    assert len(data.prepare(str(root), resolution=8, cache=tmp_path / "cache").train) == 6


def test_old_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    import os

    old, young = tmp_path / ".unfinished-old", tmp_path / ".unfinished-young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    with cache.new_folder(tmp_path / "final"):
        pass
    assert not old.exists() and young.exists()


def test_the_loser_of_a_race_takes_the_winners_folder(tmp_path: Path) -> None:
    with cache.new_folder(tmp_path / "final") as slow:
        (slow / "content").write_text("slow")
        with cache.new_folder(tmp_path / "final") as fast:
            (fast / "content").write_text("fast")
    assert (tmp_path / "final" / "content").read_text() == "fast"
    assert leftovers(tmp_path) == []


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SCALING_SEARCH_CACHE", raising=False)
    assert cache.cache_folder() == tmp_path / "scaling-search"
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "own"))
    assert cache.cache_folder() == tmp_path / "own"


def _prepare(root: Path, folder: Path, barrier: Any, out: Any) -> None:
    barrier.wait()
    dataset = data.prepare(str(root), resolution=8, cache=folder)
    small = data.at_resolution(dataset.train, 4)
    out.put((dataset.fingerprint, small.shape, int(small.sum())))


@pytest.mark.slow
def test_processes_that_prepare_at_once_agree(make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder({"a": 300, "b": 300})
    context = multiprocessing.get_context("spawn")
    barrier, out = context.Barrier(3), context.Queue()
    workers = [context.Process(target=_prepare, args=(root, tmp_path / "cache", barrier, out)) for _ in range(3)]
    for worker in workers:
        worker.start()
    results = {out.get(timeout=120) for _ in workers}
    for worker in workers:
        worker.join()
    assert len(results) == 1
    assert leftovers(tmp_path) == []
    assert json.loads(next((tmp_path / "cache").rglob("meta.json")).read_text())["counts"] == {"train": 480, "val": 120}
