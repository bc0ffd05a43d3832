"""Layouts of image folders, and what is said about those that cannot be used."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scaling_search.data.folder import open_folder
from scaling_search.errors import InvalidInput

MakeFolder = Callable[..., Path]


@pytest.mark.parametrize("val", ["val", "valid", "validation", "test", "Test"])
def test_split_folders_are_recognised(make_folder: MakeFolder, val: str) -> None:
    source = open_folder(make_folder({"train/cat": 3, "train/dog": 2, f"{val}/cat": 1, f"{val}/dog": 1}))
    assert source.classes == ("cat", "dog")
    assert list(source.train.labels) == [0, 0, 0, 1, 1]
    assert list(source.val.names) == ["cat/000.png", "dog/000.png"]
    assert source.flip and source.name == "photos"


def test_validation_is_preferred_to_test(make_folder: MakeFolder) -> None:
    counts = {f"{split}/{name}": 1 + (split == "test") for split in ("train", "test", "validation") for name in "ab"}
    assert len(open_folder(make_folder(counts)).val) == 2


def test_one_level_is_split_by_class_share_and_always_alike(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 40, "dog": 20, "train": 10})  # a class may be called train
    first, again, other = open_folder(root), open_folder(root), open_folder(root, seed=1)
    assert list(np.bincount(first.val.labels)) == [8, 4, 2]
    assert list(np.bincount(first.train.labels)) == [32, 16, 8]
    assert first.val.names == again.val.names != other.val.names
    assert not set(first.val.names) & set(first.train.names)


def test_a_new_image_leaves_most_of_the_split_as_it_was(make_folder: MakeFolder) -> None:
    before = set(open_folder(make_folder({"a": 40, "b": 40})).val.names)
    after = set(open_folder(make_folder({"a": 41, "b": 40})).val.names)
    assert len(before & after) >= len(before) - 1


def test_train_without_validation_has_some_held_out(make_folder: MakeFolder) -> None:
    source = open_folder(make_folder({"train/a": 10, "train/b": 10}))
    assert (len(source.train), len(source.val)) == (16, 4)


def test_pixels_are_those_of_the_named_file(make_folder: MakeFolder) -> None:
    source = open_folder(make_folder({"a": 5, "b": 5}))
    for index, (name, label) in enumerate(zip(source.train.names, source.train.labels, strict=True)):
        expected = [20 * label, 10 * int(name[2:5]), 100]
        assert (source.train.read(index, 8) == expected).all()


def test_hidden_and_other_files_are_ignored_and_nested_images_found(make_folder: MakeFolder) -> None:
    root = make_folder({"a": 2, "b/deep/deeper": 2, ".cache/x": 3})
    (root / "a" / "._000.png").write_bytes(b"resource fork")
    (root / "a" / "notes.txt").write_text("not an image")
    source = open_folder(root)
    assert source.classes == ("a", "b") and len(source.train) + len(source.val) == 4


def test_identity_follows_content_changes(make_folder: MakeFolder) -> None:
    root = make_folder({"a": 3, "b": 3})
    before = open_folder(root).identity
    assert open_folder(root).identity == before
    os.utime(root / "a" / "000.png", ns=(0, 1))
    assert open_folder(root).identity != before


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({}, "holds no images"),
        ({"a": 0, "b": 0}, "holds no images"),
        ({".": 3}, "images but no class folders"),
        ({"a": 3}, r"one class \(a\)"),
        ({"train/a": 2, "train/b": 2, "val/a": 1, "val/c": 1}, "that .* does not: c"),
        ({"train/a": 2, "train/b": 2, "val/a": 0}, "val holds no images"),
    ],
)
def test_unusable_folders_are_explained(
    make_folder: MakeFolder, tmp_path: Path, counts: dict[str, int], message: str
) -> None:
    (tmp_path / "photos").mkdir()
    with warnings.catch_warnings(), pytest.raises(InvalidInput, match=message):
        warnings.simplefilter("ignore")
        open_folder(make_folder(counts))


def test_missing_folder_and_file_are_explained(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is missing"):
        open_folder(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="is a file"):
        open_folder(tmp_path / "file")


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"train/a": 2, "train/b": 2, "train/c": 0, "val/a": 1, "val/b": 1}, "no images in c"),
        ({"train/a": 2, "train/b": 2, "val/a": 1}, "b in train but not in val"),
    ],
)
def test_odd_but_usable_folders_warn(make_folder: MakeFolder, counts: dict[str, int], message: str) -> None:
    with pytest.warns(UserWarning, match=message):
        open_folder(make_folder(counts))


def test_links_in_circles_pipes_and_devices_are_passed_by(make_folder: MakeFolder) -> None:
    root = make_folder({"train/cat": 2, "train/dog": 2, "val/cat": 1, "val/dog": 1})
    cat = root / "train" / "cat"
    (cat / "up").symlink_to(root, target_is_directory=True)
    (cat / "self").symlink_to("self")
    (cat / "zero.png").symlink_to("/dev/zero")
    os.mkfifo(cat / "pipe.png")
    names = open_folder(root).train.names
    assert [name for name in names if name.startswith("cat/")].count("cat/000.png") == 1
    assert len(names) == 2 + 2 + 2 + 1 + 1  # with those that the link leads to, each once
    assert not [name for name in names if "pipe" in name or "zero" in name]


def test_documents_and_films_are_no_images(make_folder: MakeFolder) -> None:
    root = make_folder({"cat": 4, "dog": 4})
    for name in ("a.pdf", "b.mpg", "c.hdf5", "d.eps"):
        (root / "cat" / name).write_bytes(b"no image")
    source = open_folder(root)
    assert len(source.train) + len(source.val) == 8


def test_names_that_are_no_text(make_folder: MakeFolder) -> None:
    root = make_folder({"train/cat": 2, "train/dog": 2, "val/cat": 1, "val/dog": 1})
    for split in ("train", "val"):
        (root / split / "cat").rename(os.fsdecode(os.fsencode(root / split) + b"/c\xff"))
    source = open_folder(root)
    assert source.classes == ("c\\xff", "dog")
    assert source.train.names[0] == "c\\xff/000.png"
    assert source.train.read(0, 8).shape == (8, 8, 3)
