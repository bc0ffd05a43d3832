"""Hugging Face's data sets in memory: the same pixels as from a folder, one sentence for what cannot be taken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scaling_search as ss
from scaling_search import data
from scaling_search.errors import InvalidInput

datasets = pytest.importorskip("datasets")
CLASSES = ("hat", "shoe", "bag")  # not sorted: the order is the data set's own
KINDS = datasets.Features(
    {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES)), "text": datasets.Value("string")}
)


def picture(number: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8))


def made(count: int = 6, *, first: int = 0, kinds: Any = KINDS, **columns: Any) -> Any:
    rows: dict[str, Any] = {
        "image": [picture(first + number) for number in range(count)],
        "label": [number % 3 for number in range(count)], "text": ["x"] * count,
    }  # fmt: skip
    return datasets.Dataset.from_dict(rows | columns, kinds)


def packed(source: Any, cache: Path) -> Any:
    return data.prepare(source, resolution=8, cache=cache)


def test_two_sets(tmp_path: Path) -> None:
    source = ss.dataset(made(9), made(3, first=50), name="clothes")
    assert (source.name, source.classes, len(source.train), len(source.val)) == ("clothes", CLASSES, 9, 3)
    found = packed(source, tmp_path)
    assert found.train.labels().tolist() == [0, 1, 2] * 3
    assert all(np.array_equal(image, np.asarray(picture(number))) for number, image in enumerate(found.train.images()))
    assert np.array_equal(found.val.images()[2], np.asarray(picture(52)))


@pytest.mark.parametrize("val", ["validation", "test"])
def test_a_dict_of_splits(val: str, tmp_path: Path) -> None:
    splits = datasets.DatasetDict({val: made(3, first=50), "train": made(9), "extra": made(3, first=70)})
    with pytest.warns(UserWarning, match="the splits extra are left out"):
        source = ss.dataset(splits)
    assert packed(source, tmp_path).train.labels().tolist() == [0, 1, 2] * 3
    assert np.array_equal(packed(source, tmp_path).val.images()[0], np.asarray(picture(50)))


@pytest.mark.parametrize("wrap", [lambda one: one, lambda one: datasets.DatasetDict(train=one)])
def test_without_validation_a_fifth_of_each_class_is_held_out(wrap: Any, tmp_path: Path) -> None:
    found = packed(ss.dataset(wrap(made(30))), tmp_path)
    assert np.bincount(found.val.labels()).tolist() == [2, 2, 2]
    both = [*map(bytes, found.train.images()), *map(bytes, found.val.images())]
    assert sorted(both) == sorted(bytes(np.asarray(picture(number))) for number in range(30))


def test_a_selection_and_torchs_format(tmp_path: Path) -> None:
    train = made(12).select([9, 10, 11, 0, 1, 2]).with_format("torch")
    found = packed(ss.dataset(train, made(3)), tmp_path)
    assert np.array_equal(found.train.images()[0], np.asarray(picture(9)))


def test_columns_by_name_where_there_are_several(tmp_path: Path) -> None:
    kinds = datasets.Features({**KINDS, "mask": datasets.Image(), "kind": datasets.ClassLabel(names=["a", "b"])})
    more: dict[str, Any] = {"mask": [picture(90)] * 6, "kind": [0, 1] * 3}
    found = packed(ss.dataset(made(kinds=kinds, **more), made(3)), tmp_path)
    assert found.classes == CLASSES and np.array_equal(found.train.images()[0], np.asarray(picture(0)))


def test_a_study_takes_them_as_they_are(place: Path, shared: Path) -> None:
    splits = datasets.DatasetDict(train=made(30), val=made(6, first=50))
    study = ss.Study(
        str(shared / "tiny.yaml"), splits, phi=1, strategy=ss.strategies.Lattice(parts=1, seeds=1, epochs=1),
        executor=ss.Inline(), device="cpu", folder="run", pilot=False,
    )  # fmt: skip
    assert study.plan().dataset.classes == CLASSES
    assert study.run()
    assert ss.Study.open("run").run()  # from the cache, without the set


NAMED = datasets.Features({**KINDS, "label": datasets.ClassLabel(names=["shoe", "hat", "bag"])})
TWO = datasets.Features({**KINDS, **{name: datasets.ClassLabel(names=["x"]) for name in "ab"}})
PLAIN = datasets.Features({**KINDS, "label": datasets.Value("int64")})


@pytest.mark.parametrize(
    ("train", "val", "sentence"),
    [
        (made().to_iterable_dataset(), made(), "training set .* is no datasets.Dataset; load it without streaming"),
        (made(), [(0, 0)], r"the validation set \(list\) is no datasets.Dataset"),
        (datasets.DatasetDict(test=made()), None, "no split called train; it has test"),
        (datasets.DatasetDict(train=made()), made(), r"a dict of splits \(train\); give one of them"),
        (made().remove_columns("image"), None, "training set has no column of images; its columns are label, text"),
        (made(kinds=PLAIN), None, r'no column of ClassLabel; .*; give set.class_encode_column\("label"\)'),
        (made(kinds=TWO, a=[0] * 6, b=[0] * 6).remove_columns("label"), None,
         r"several columns of ClassLabel \(a, b\); call one label"),
        (made(), made(kinds=NAMED), "other classes, or another order"),
        (made(label=[0, 1, 2, None, 1, 2]), made(3), "item 3 of the training set: its label is None"),
        (made().with_transform(lambda rows: rows), None, r"has a transform; .* give set.with_format\(None\)"),
        (made(image=[None, *map(picture, range(5))]), made(3), "item 0 of the training set: an image is"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken(train: Any, val: Any, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        ss.dataset(train, val)


def test_a_study_says_what_it_cannot_take(place: Path, shared: Path) -> None:
    with pytest.raises(InvalidInput, match="give a validation set too"):
        ss.Study(str(shared / "tiny.yaml"), [(picture(0), 0)], phi=1).plan()  # type: ignore[arg-type]
