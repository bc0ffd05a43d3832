"""torchvision's data sets by name, downloaded into the cache. Needs the zoo extra."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scaling_search.data.decode import to_square
from scaling_search.data.source import ImageSource, Items
from scaling_search.errors import InvalidInput


@dataclass(frozen=True, kw_only=True)
class ZooEntry:
    """How one torchvision data set is opened."""

    factory: str  # in torchvision.datasets
    train: Mapping[str, Any] = field(default_factory=lambda: {"train": True})
    val: Mapping[str, Any] = field(default_factory=lambda: {"train": False})
    native: int | None = None  # pixels, where all images are squares of one size
    flip: bool = True


_BY_SPLIT: dict[str, Any] = {"train": {"split": "train"}, "val": {"split": "test"}}

ZOO: Mapping[str, ZooEntry] = {
    "cifar10": ZooEntry(factory="CIFAR10", native=32),
    "cifar100": ZooEntry(factory="CIFAR100", native=32),
    "mnist": ZooEntry(factory="MNIST", native=28, flip=False),
    "fashionmnist": ZooEntry(factory="FashionMNIST", native=28),
    "svhn": ZooEntry(factory="SVHN", native=32, flip=False, **_BY_SPLIT),
    "stl10": ZooEntry(factory="STL10", native=96, **_BY_SPLIT),
    "food101": ZooEntry(factory="Food101", **_BY_SPLIT),
    "flowers102": ZooEntry(factory="Flowers102", **_BY_SPLIT),
    "oxfordiiitpet": ZooEntry(factory="OxfordIIITPet", train={"split": "trainval"}, val={"split": "test"}),
}


def open_zoo(name: str, *, cache: Path) -> ImageSource:
    """A torchvision data set as a source, downloaded if need be.

    Raises:
        InvalidInput: torchvision is not installed, or the download failed.
    """
    entry = ZOO[name]
    try:
        from torchvision import datasets
    except ImportError as error:
        raise InvalidInput(f"--data {name} needs torchvision: pip install 'scaling-search[zoo]'") from error
    root = cache / "downloads"
    factory = getattr(datasets, entry.factory)
    try:
        root.mkdir(parents=True, exist_ok=True)
        train = factory(root=str(root), download=True, **entry.train)
        val = factory(root=str(root), download=True, **entry.val)
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong checksum is a RuntimeError
        raise InvalidInput(
            f"{name} could not be downloaded ({error}); connect to the network, put its files into {root}, "
            "or pass a folder of images"
        ) from error
    labels = _labels(train)
    return ImageSource(
        name=name,
        classes=_classes(train, int(labels.max()) + 1),
        train=_items("train", train, labels),
        val=_items("val", val, _labels(val)),
        flip=entry.flip,
        identity={"torchvision": name},
        native=entry.native,
    )


def _items(split: str, images: Any, labels: np.ndarray) -> Items:
    return Items(
        names=[f"{split}/{index}" for index in range(len(labels))],
        labels=labels,
        read=lambda index, pixels: to_square(images[index][0], pixels),
    )


def _labels(images: Any) -> np.ndarray:
    """int64 [n]; torchvision has no one name for them."""
    for attribute in ("targets", "labels", "_labels"):
        if hasattr(images, attribute):
            return np.asarray(getattr(images, attribute), dtype=np.int64)
    return np.asarray([images[index][1] for index in range(len(images))], dtype=np.int64)


def _classes(images: Any, count: int) -> tuple[str, ...]:
    names = getattr(images, "classes", None)
    return tuple(map(str, names)) if names and len(names) == count else tuple(map(str, range(count)))
