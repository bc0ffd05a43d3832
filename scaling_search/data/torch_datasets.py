"""torch's map-style data sets as images: items are pairs of an image and a class number."""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.data import IterableDataset

from scaling_search.data.decode import to_square
from scaling_search.data.source import ImageSource, Items
from scaling_search.data.torch_items import class_number, pair, picture
from scaling_search.errors import InvalidInput

_READ_TWICE = 8  # images of each split, to find random transforms before all are read
_DIGEST = 8  # bytes


def from_torch(
    train: Any, val: Any, *, classes: Sequence[str] | None = None, name: str | None = None, flip: bool = True
) -> ImageSource:
    """Two map-style data sets as a source: what `prepare` takes in place of a name.

    Every image is read here once, one after the other, and hashed, and once more when it is packed: about twice the
    time of one pass over both sets without workers. What is packed is kept by that hash, so that later sessions with
    the same images only pay the first pass.

    Args:
        train, val: have `len` and indices; each item is a pair of an image and a class number from 0. An image is a PIL
            image, a tensor or array of uint8 or of floats from 0 to 1 [3, h, w] or [1, h, w], or of uint8 [h, w, 3].
            Without random transforms and before normalisation: both are the recipe's affair.
        classes: their names; by default the data set's own `classes`, else "0", "1", …
        name: of the set; by default that of its class, in lower case.
        flip: whether images may be mirrored: not where left and right tell classes apart.

    Raises:
        InvalidInput: what is given cannot be taken; says why and what would work.
    """
    reading = Lock()  # one for both: they may be parts of one set, and few sets may be read from several threads
    pictures = _Pictures("training", train, reading), _Pictures("validation", val, reading)
    for one in pictures:
        one.check_repeatable()
    seen = [one.look() for one in pictures]
    names = _classes(classes, train, seen[0].labels)
    _check_labels(seen[0].labels, seen[1].labels, names)
    digest = hashlib.sha256(b"".join(part for one in seen for part in (one.labels.tobytes(), one.digests)))
    sides = {size for one in seen for size in one.sizes}
    width, height = next(iter(sides))
    return ImageSource(
        name=_name(name, train),
        classes=names,
        train=pictures[0].items(seen[0]),
        val=pictures[1].items(seen[1]),
        flip=flip,
        identity={"torch": digest.hexdigest(), "classes": names, "flip": flip},
        native=width if len(sides) == 1 and width == height else None,
    )


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What one pass over a split found."""

    labels: np.ndarray  # int64 [n]
    digests: bytes  # of each image, 8 bytes
    sizes: frozenset[tuple[int, int]]  # (width, height)


class _Pictures:
    """The items of one data set as pictures and class numbers.

    Args:
        split: what messages call it.
        reading: held while the data set itself is at work.

    Raises:
        InvalidInput: it is no map-style data set, or empty.
    """

    def __init__(self, split: str, dataset: Any, reading: Lock) -> None:
        self._split = split
        self._dataset = dataset
        self._reading = reading
        self._check()

    def _check(self) -> None:
        kind = type(self._dataset)
        if isinstance(self._dataset, IterableDataset):
            raise InvalidInput(f"the {self._split} set is iterable only ({kind.__name__}); give one that has indices")
        if not hasattr(kind, "__len__") or not hasattr(kind, "__getitem__"):
            hint = "; give its .dataset" if hasattr(self._dataset, "dataset") else ""
            raise InvalidInput(f"the {self._split} set ({kind.__name__}) is no map-style data set{hint}")
        if len(self._dataset) == 0:
            raise InvalidInput(f"the {self._split} set is empty")

    def __len__(self) -> int:
        return len(self._dataset)

    def check_repeatable(self) -> None:
        """Whether the first items are the same when they are read again.

        Raises:
            InvalidInput: one is not.
        """
        for index in range(min(_READ_TWICE, len(self))):
            if _digest(self.read(index)[0]) != _digest(self.read(index)[0]):
                raise self._changed(index)

    def look(self) -> _Seen:
        """Every item, once.

        Raises:
            InvalidInput: an item cannot be taken.
        """
        labels = np.empty(len(self), np.int64)
        digests = bytearray()
        sizes: set[tuple[int, int]] = set()
        for index in range(len(self)):
            seen, labels[index] = self.read(index)
            digests += _digest(seen)
            sizes.add(seen.size)
        return _Seen(labels=labels, digests=bytes(digests), sizes=frozenset(sizes))

    def items(self, seen: _Seen) -> Items:
        """The split, read again when it is packed; every image has to be the one that was seen."""

        def read(index: int, pixels: int) -> np.ndarray:
            again, _ = self.read(index)
            if _digest(again) != seen.digests[_DIGEST * index : _DIGEST * (index + 1)]:
                raise self._changed(index)
            return to_square(again, pixels)

        return Items(names=[f"{self._split}/{index}" for index in range(len(self))], labels=seen.labels, read=read)

    def read(self, index: int) -> tuple[Image.Image, int]:
        """One item: an upright RGB picture and its class.

        Raises:
            InvalidInput: it cannot be read, or is not a picture and a class number.
        """
        where = f"item {index} of the {self._split} set"
        try:
            with self._reading:
                item = self._dataset[index]
        except Exception as error:
            raise InvalidInput(f"{where} cannot be read: {type(error).__name__}: {error}") from error
        image, label = pair(item, where)
        try:
            return picture(image), class_number(label)
        except (ValueError, TypeError, OSError) as error:  # OSError: a file that Pillow opens only now
            raise InvalidInput(f"{where}: {error}") from error

    def _changed(self, index: int) -> InvalidInput:
        return InvalidInput(
            f"item {index} of the {self._split} set is another image each time it is read; augmentation is the "
            "recipe's affair: give the set without random transforms"
        )


def _digest(picture: Image.Image) -> bytes:
    content = b"%d %d " % picture.size + picture.tobytes()
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()


# --- classes


def _classes(given: Sequence[str] | None, train: Any, labels: np.ndarray) -> tuple[str, ...]:
    """A name for every class number."""
    highest = int(labels.max())
    if given is None:
        own = _own_classes(train)
        given = own if own is not None and len(own) > highest else None
    if given is not None:
        return tuple(map(str, given))
    if highest >= len(labels):
        raise InvalidInput(f"labels go up to {highest} in {len(labels)} images; class numbers go from 0, without gaps")
    return tuple(map(str, range(highest + 1)))


def _own_classes(dataset: Any) -> list[str] | None:
    """The names that a torchvision data set has, also inside a Subset or ConcatDataset."""
    inner = getattr(dataset, "dataset", None) or next(iter(getattr(dataset, "datasets", ())), None)
    names = getattr(dataset, "classes", None)
    if names is None:
        return None if inner is None else _own_classes(inner)
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]  # ImageNet's are synonyms


def _check_labels(train: np.ndarray, val: np.ndarray, classes: tuple[str, ...]) -> None:
    if len(classes) <= train.max():
        raise InvalidInput(f"labels go up to {train.max()}, and {len(classes)} classes are named")
    if len(present := np.unique(train)) < 2:
        raise InvalidInput(f"the training set holds one class ({present[0]}); at least two are needed to tell apart")
    if len(extra := np.setdiff1d(val, present)):
        raise InvalidInput(f"the validation set holds classes that the training set does not: {_some(extra)}")
    if len(missing := np.setdiff1d(present, val)):
        warnings.warn(f"class {_some(missing)} in the training set but not in the validation set", stacklevel=3)


def _some(numbers: np.ndarray) -> str:
    return ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")


def _name(given: str | None, train: Any) -> str:
    """What messages and the cache's folder call the set."""
    if given is None:
        while hasattr(train, "dataset"):  # what a Subset is part of
            train = train.dataset
        return type(train).__name__.lower()
    if not given or given.startswith(".") or PurePath(given).name != given:
        raise InvalidInput(f"a data set's name is also a folder's; {given!r} cannot be one")
    return given
