"""torch's data sets in place of a folder: the same pixels, one sentence for what cannot be taken."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset

from scaling_search import data
from scaling_search.data import pack
from scaling_search.data.source import ImageSource
from scaling_search.data.torch_datasets import from_torch
from scaling_search.errors import InvalidInput

Pair = tuple[Any, Any]


class Pairs(torch.utils.data.Dataset[Any]):
    """Items made by a function of the index."""

    def __init__(self, count: int, item: Callable[[int], Any], **attributes: Any) -> None:
        self.count, self.item = count, item
        vars(self).update(attributes)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return self.item(index)


def array(index: int) -> np.ndarray:
    """uint8 [h, w, 3]: 20 × 12 pixels that differ from image to image."""
    return np.random.default_rng(index).integers(0, 256, (12, 20, 3), dtype=np.uint8)


def picture(index: int) -> Image.Image:
    return Image.fromarray(array(index))


def turned(index: int) -> Image.Image:
    """A picture that a camera has written down lying on its side."""
    image = picture(index)
    image.getexif()[0x0112] = 6
    return image


def good(count: int = 8, **attributes: Any) -> Pairs:
    return Pairs(count, lambda index: (picture(index), index % 2), **attributes)


def pixels_of(source: ImageSource, cache: Path, side: int = 12) -> np.ndarray:
    return np.array(data.prepare(source, resolution=side, cache=cache).train.images())


# --- what is taken

FORMS: dict[str, Callable[[int], Any]] = {
    "array [h, w, 3]": array,
    "array [3, h, w]": lambda index: array(index).transpose(2, 0, 1),
    "tensor [h, w, 3]": lambda index: torch.from_numpy(array(index)),
    "tensor [3, h, w]": lambda index: torch.from_numpy(array(index)).permute(2, 0, 1),
    "floats": lambda index: torch.from_numpy(array(index)).permute(2, 0, 1) / 255,
    "doubles": lambda index: array(index).transpose(2, 0, 1) / 255,
    "bfloat16": lambda index: (torch.from_numpy(array(index)).permute(2, 0, 1) / 255).to(torch.bfloat16),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_gives_the_same_pixels(form: str, tmp_path: Path) -> None:
    expected = pixels_of(from_torch(good(), good(4)), tmp_path)
    pairs = Pairs(8, lambda index: (FORMS[form](index), index % 2))
    found = pixels_of(from_torch(pairs, pairs), tmp_path)
    slack = 1 if "bfloat16" in form else 0
    assert np.abs(found.astype(int) - expected).max() <= slack
    assert expected.shape == (8, 12, 12, 3) and np.ptp(expected) > 100


@pytest.mark.parametrize("form", ["PIL", "uint8", "float"])
def test_grey_images_become_coloured(form: str, tmp_path: Path) -> None:
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    images = {"PIL": Image.fromarray(grey), "uint8": torch.from_numpy(grey)[None], "float": grey[None] / 255}
    pairs = Pairs(4, lambda index: (images[form], index % 2))
    assert (pixels_of(from_torch(pairs, pairs), tmp_path, 16) == grey[..., None]).all()


@pytest.mark.parametrize("label", [int, np.int64, np.uint8, torch.tensor, np.array])
def test_labels_are_whole_numbers_of_any_kind(label: Callable[[int], Any]) -> None:
    pairs = Pairs(6, lambda index: (picture(index), label(index % 3)))
    source = from_torch(pairs, pairs)
    assert source.train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert source.train.labels.dtype == np.int64 and source.classes == ("0", "1", "2")


def test_pixels_are_those_of_a_folder(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    root = make_folder({"train/a": 5, "train/b": 5, "val/a": 2, "val/b": 2})
    turned(0).save(root / "train" / "a" / "000.png", exif=turned(0).getexif())
    folder = data.prepare(str(root), resolution=8, cache=tmp_path)

    def opened(split: str) -> Pairs:
        files = sorted((root / split).rglob("*.png"))
        return Pairs(len(files), lambda index: (Image.open(files[index]), "ab".index(files[index].parent.name)))

    source = from_torch(opened("train"), opened("val"), classes=["a", "b"])
    found = data.prepare(source, resolution=8, cache=tmp_path)
    assert found.fingerprint == folder.fingerprint  # of pixels, labels and class names
    assert (found.name, found.native, found.flip) == ("pairs", 8, True)


def test_squares_of_one_size_are_kept_at_it(tmp_path: Path) -> None:
    pairs = TensorDataset(torch.randint(0, 256, (6, 3, 10, 10), dtype=torch.uint8), torch.arange(6) % 2)
    source = from_torch(pairs, pairs, name="ten pixels", flip=False)
    assert (source.native, source.name, source.flip) == (10, "ten pixels", False)
    with pytest.warns(UserWarning, match="ten pixels is 10 pixels wide; networks of up to 16"):
        dataset = data.prepare(source, resolution=16, cache=tmp_path)
    assert (torch.from_numpy(dataset.train.images()).permute(0, 3, 1, 2) == pairs.tensors[0]).all()


def test_class_names_and_names_come_from_the_set() -> None:
    named = good(classes=["cat", ("dog", "hound"), "never seen"])
    part: Any = Subset(named, [0, 1, 2, 3])
    joined: Any = ConcatDataset([Subset(named, [4, 5]), named])
    assert from_torch(named, part).classes == ("cat", "dog, hound", "never seen")
    assert from_torch(part, named).classes == from_torch(joined, named).classes == ("cat", "dog, hound", "never seen")
    assert from_torch(part, named).name == "pairs"
    assert from_torch(good(classes=["too few"]), good()).classes == ("0", "1")


@pytest.mark.zoo
def test_torchvisions_sets_are_taken(make_folder: Callable[..., Path], tmp_path: Path) -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    fake = datasets.FakeData(size=12, image_size=(3, 9, 9), num_classes=2)
    source = from_torch(fake, Subset(fake, range(6)))
    assert (source.name, source.native) == ("fakedata", 9)
    assert pixels_of(source, tmp_path, 9).shape == (12, 9, 9, 3)
    folder = datasets.ImageFolder(str(make_folder({"cat": 3, "dog": 3})))
    assert from_torch(folder, folder).classes == ("cat", "dog")


# --- the cache


def test_the_cache_is_found_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data.prepare(from_torch(good(), good(4)), resolution=8, cache=tmp_path)
    monkeypatch.setattr(pack, "_write", lambda *arguments: pytest.fail("packed again"))
    assert data.prepare(from_torch(good(), good(4)), resolution=8, cache=tmp_path) == first


@pytest.mark.parametrize(
    "other",
    [
        lambda: from_torch(Pairs(8, lambda index: (picture(index + (index == 7)), index % 2)), good(4)),
        lambda: from_torch(Pairs(8, lambda index: ((turned if index == 7 else picture)(index), index % 2)), good(4)),
        lambda: from_torch(Pairs(8, lambda index: (picture(index), int(index > 3))), good(4)),
        lambda: from_torch(good(), good(5)),
        lambda: from_torch(good(), good(4), flip=False),
        lambda: from_torch(good(), good(4), classes=["a", "b"]),
    ],
    ids=["an image", "which way is up", "labels", "validation", "flip", "classes"],
)
def test_other_content_has_another_key(other: Callable[[], ImageSource]) -> None:
    assert other().identity != from_torch(good(), good(4)).identity


def test_a_packed_set_is_found_without_its_source(tmp_path: Path) -> None:
    packed = data.prepare(from_torch(good(), good(4), name="a[1]"), resolution=8, cache=tmp_path)
    data.prepare(from_torch(good(6), good(4), name="a[1]"), resolution=8, cache=tmp_path)
    facts: dict[str, Any] = {"pixels": 8, "fingerprint": packed.fingerprint, "cache": tmp_path}
    assert data.reopen("a[1]", **facts) == packed
    assert data.reopen("a1", **facts) is None
    assert data.reopen("a[1]", **{**facts, "pixels": 16}) is None
    assert data.reopen("a[1]", **{**facts, "fingerprint": "0" * 16}) is None
    assert data.reopen("a[1]", **{**facts, "cache": tmp_path / "empty"}) is None


def test_a_set_is_read_by_one_thread_at_a_time(tmp_path: Path) -> None:
    busy = threading.Lock()

    def careful(index: int) -> Pair:
        assert busy.acquire(blocking=False), "two threads at once"
        time.sleep(0.002)
        busy.release()
        return picture(index), index % 2

    pairs = Pairs(24, careful)
    assert pixels_of(from_torch(pairs, Subset(pairs, [0, 1])), tmp_path).shape == (24, 12, 12, 3)


# --- what cannot be taken


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter([(picture(0), 0)])


def with_item(image: Any, label: Any = 0) -> Pairs:
    return Pairs(4, lambda index: (image, label))


REFUSALS: dict[str, tuple[Any, str]] = {
    "iterable": (Stream(), r"the training set is iterable only \(Stream\); give one that has indices"),
    "no length": (iter([1]), "is no map-style data set"),
    "loader": (DataLoader(good()), r"\(DataLoader\) is no map-style data set; give its \.dataset"),
    "empty": (Pairs(0, array), "the training set is empty"),
    "mapping": (
        Pairs(2, lambda index: {"image": 1, "label": 2}),
        r"is a mapping \(image, label\); give a set whose items",
    ),
    "three": (Pairs(2, lambda index: (1, 2, 3)), "item 0 of the training set is 3 things, not a pair"),
    "image alone": (Pairs(2, picture), "is of type Image, not a pair of an image and a class number"),
    "failing": (Pairs(2, lambda index: 1 / 0), "item 0 of the training set cannot be read: ZeroDivisionError"),
    "path": (with_item("cat.jpg"), "an image is a PIL image, uint8 .* not of type str"),
    "label": (with_item(picture(0), 0.5), "item 0 of the training set: its label is 0.5, not a class number"),
    "one-hot": (with_item(picture(0), torch.tensor([0, 1])), r"its label is tensor\(\[0, 1\]\), not a class number"),
    "negative": (with_item(picture(0), -1), "its label is -1; class numbers begin at 0"),
    "normalised": (with_item(torch.randn(3, 8, 8)), "give images before normalisation, from 0 to 1"),
    "not a number": (with_item(torch.full((3, 8, 8), torch.nan)), "give images before normalisation"),
    "up to 255": (with_item(torch.full((3, 8, 8), 255.0)), "its pixels go from 255 to 255; give images before"),
    "four channels": (with_item(torch.zeros(4, 8, 8)), r"not \[4, 8, 8\]"),
    "batch": (with_item(torch.zeros(1, 3, 8, 8)), r"not \[1, 3, 8, 8\]"),
    "no pixels": (with_item(torch.zeros(3, 0, 8)), r"not \[3, 0, 8\]"),
    "int64": (with_item(torch.zeros(3, 8, 8, dtype=torch.int64)), "not int64"),
    "one class": (with_item(picture(0)), r"the training set holds one class \(0\)"),
    "gaps": (Pairs(4, lambda index: (picture(index), 1000 * index)), "labels go up to 3000 in 4 images"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_taken_is_said_in_one_sentence(case: str) -> None:
    train, sentence = REFUSALS[case]
    with pytest.raises(InvalidInput, match=sentence) as refused:
        from_torch(train, good())
    assert "\n" not in str(refused.value)


def test_validation_is_looked_at_too() -> None:
    with pytest.raises(InvalidInput, match="the validation set holds classes that the training set does not: 2"):
        from_torch(good(), Pairs(6, lambda index: (picture(index), index % 3)))
    with pytest.raises(InvalidInput, match="item 3 of the validation set: its pixels go from 0 to 2"):
        from_torch(good(), Pairs(6, lambda index: (torch.eye(8).repeat(3, 1, 1) * (1 + (index == 3)), 0)))
    with pytest.warns(UserWarning, match="class 1 in the training set but not in the validation set"):
        from_torch(good(), Subset(good(), [0, 2]))


def test_classes_must_be_enough() -> None:
    with pytest.raises(InvalidInput, match="labels go up to 1, and 1 classes are named"):
        from_torch(good(), good(), classes=["cat"])


@pytest.mark.parametrize("name", ["a/b", "..", "", ".hidden"])
def test_names_must_be_those_of_a_folder(name: str) -> None:
    with pytest.raises(InvalidInput, match="a data set's name is also a folder's"):
        from_torch(good(), good(), name=name)


def test_random_transforms_are_refused(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    with pytest.raises(
        InvalidInput, match=r"item 0 of the training set is another image each time .* the recipe's affair"
    ):
        from_torch(Pairs(8, lambda index: (picture(int(draw.integers(1000))), index % 2)), good())
    source = from_torch(late := Pairs(20, lambda index: (picture(index), index % 2)), good())
    late.item = lambda index: (picture(index + (index == 17)), index % 2)
    with pytest.raises(InvalidInput, match="item 17 of the training set is another image each time"):
        data.prepare(source, resolution=8, cache=tmp_path)
