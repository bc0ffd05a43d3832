"""Packed files that are damaged are packed again, or refused; they are never trained on."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scaling_search import data
from scaling_search.data.dataset import Dataset
from scaling_search.data.seal import check, is_whole, seal
from scaling_search.errors import InvalidInput

Prepare = Callable[[], Dataset]


@pytest.fixture
def prepare(make_folder: Callable[..., Path], tmp_path: Path) -> Prepare:
    root = make_folder({"a": 6, "b": 6})
    return lambda: data.prepare(str(root), resolution=16, cache=tmp_path / "cache")


def zeroed(path: Path) -> None:
    """What a lost page cache leaves: the length is right, the content is not."""
    path.write_bytes(bytes(path.stat().st_size))


def halved(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def black(path: Path) -> None:
    """Only pixels are lost, so the header and the mark still look right."""
    content = bytearray(path.read_bytes())
    content[200:400] = bytes(200)
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [zeroed, halved, black, Path.unlink])
@pytest.mark.parametrize("name", ["train-16.npy", "val-16.npy", "train-labels.npy", "meta.json"])
def test_what_is_damaged_is_packed_again(prepare: Prepare, damage: Callable[[Path], None], name: str) -> None:
    first = prepare()
    images, labels = first.train.images().copy(), first.train.labels()
    damage(first.train.folder / name)
    with pytest.warns(UserWarning, match="is damaged, or of an older version, and is packed again"):
        again = prepare()
    assert again == first
    assert (again.train.images() == images).all() and (again.train.labels() == labels).all()


def test_a_worker_refuses_what_is_damaged(prepare: Prepare) -> None:
    split = prepare().train
    black(split.file(16))
    with pytest.raises(InvalidInput, match=r"train-16.npy is damaged, and is packed again when"):
        split.images()
    zeroed(split.labels_file)
    with pytest.raises(InvalidInput, match=r"train-labels.npy is damaged"):
        split.labels()


def test_a_smaller_copy_that_is_damaged_is_made_again(prepare: Prepare) -> None:
    split = prepare().train
    small = np.array(data.at_resolution(split, 8))
    black(split.file(8))
    assert (data.at_resolution(split, 8) == small).all()


def test_a_changed_description_is_noticed(prepare: Prepare) -> None:
    path = prepare().train.folder / "meta.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"mean": [0.1, 0.1, 0.1]}))
    with pytest.warns(UserWarning, match="packed again"):
        assert prepare().mean != (0.1, 0.1, 0.1)


@pytest.mark.parametrize("size", [0, 1, 14, 15, 5_000_000])
def test_seals(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(250)) * (size // 250) + b"x" * (size % 250))
    assert not is_whole(path)
    seal(path)
    assert check(path) == path
    assert path.stat().st_size == size + 15
