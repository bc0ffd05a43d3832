"""Hugging Face's data sets in memory, `datasets.Dataset` and `DatasetDict`, by way of torch's map-style data sets.

What they saved on a disk is read without their library: `data/arrow.py`.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scaling_search.data.arrow import LABELS
from scaling_search.data.folder import VAL_NAMES, held_out_places
from scaling_search.data.records import TRAIN_NAMES
from scaling_search.data.source import ImageSource
from scaling_search.data.torch_datasets import from_torch
from scaling_search.errors import InvalidInput


def is_hugging_face(thing: Any) -> bool:
    """Whether it is of the library `datasets`, which is not imported for that."""
    return any(kind.__module__.partition(".")[0] == "datasets" for kind in type(thing).__mro__)


def from_hugging_face(
    train: Any, val: Any = None, *, classes: Sequence[str] | None = None, name: str | None = None, flip: bool = True
) -> ImageSource:
    """A `DatasetDict`, or one or two `Dataset`s, as a source; see `from_torch` for what reading them costs.

    Args:
        train: has one column of images (called «image» where there are several) and one of `ClassLabel` («label»). Of
            a dict, the split «train», and for validation the first of «val», «valid», «validation», «test».
        val: None: what the dict has, else a fifth of each class is held out.
        classes: their names; by default those of the `ClassLabel`.
        name: of the set; by default what the data set is called on the hub, else "dataset".
        flip: whether images may be mirrored.

    Raises:
        InvalidInput: what is given cannot be taken; says why and what would work.
    """
    from datasets import Dataset, DatasetDict

    if isinstance(train, DatasetDict):
        if val is not None:
            raise InvalidInput(f"the training set is a dict of splits ({', '.join(train)}); give one of them")
        train, val = _splits(train)
    for split, one in (("training", train), ("validation", val)):
        if not isinstance(one, Dataset) and (one is not None or split == "training"):
            kind = type(one).__name__
            hint = "; load it without streaming=True" if "Iterable" in kind else ""
            raise InvalidInput(f"the {split} set ({kind}) is no datasets.Dataset{hint}")
    image, label = _columns(train, "training")
    if val is None:
        numbers = np.array([-1 if number is None else number for number in train[label]], np.int64)
        places = held_out_places([str(index) for index in range(len(train))], numbers, seed=0)
        train, val = (train.select(part) for part in places)
    pairs = _Pairs.of(train, image, label), _Pairs.of(val, *_columns(val, "validation"))
    names = train.features[label].names
    if (others := val.features[pairs[1].label].names) != names:
        raise InvalidInput(f"training and validation have other classes, or another order of them: {names}, {others}")
    return from_torch(*pairs, classes=classes or names, name=name or train.info.dataset_name or "dataset", flip=flip)


@dataclass(frozen=True, kw_only=True)
class _Pairs:
    """The rows as torch's data sets give them: (image, class number)."""

    dataset: Any
    image: str
    label: str

    @classmethod
    def of(cls, dataset: Any, image: str, label: str) -> "_Pairs":
        """Of these two columns alone: others are not decoded."""
        return cls(dataset=dataset.select_columns([image, label]), image=image, label=label)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        row = self.dataset[index]
        return row[self.image], row[self.label]


def _splits(found: Any) -> tuple[Any, Any]:
    """Training and validation; the latter is None where the dict has none."""
    train, val = (next((name for name in names if name in found), None) for names in (TRAIN_NAMES, VAL_NAMES))
    if train is None:
        raise InvalidInput(f"the data set has no split called train; it has {', '.join(found)}")
    if left := [name for name in found if name not in (train, val)]:
        warnings.warn(f"the splits {', '.join(left)} are left out", stacklevel=4)
    return found[train], None if val is None else found[val]


def _columns(dataset: Any, split: str) -> tuple[str, str]:
    """The columns of images and of classes."""
    from datasets import ClassLabel, Image

    if dataset.format["type"] == "custom":
        raise InvalidInput(
            f"the {split} set has a transform; augmentation is the recipe's affair: give set.with_format(None)"
        )
    image = _column(dataset, split, kind=Image, called=("image",), what="images")
    try:
        return image, _column(dataset, split, kind=ClassLabel, called=LABELS, what="ClassLabel")
    except InvalidInput as error:
        plain = next((name for name in LABELS if name in dataset.features), None)
        hint = f'; give set.class_encode_column("{plain}")' if plain in dataset.features else ""
        raise InvalidInput(f"{error}{hint}") from None


def _column(dataset: Any, split: str, *, kind: type, called: Sequence[str], what: str) -> str:
    found = [name for name, feature in dataset.features.items() if isinstance(feature, kind)]
    chosen = next((name for name in called if name in found), found[0] if len(found) == 1 else None)
    if chosen is None:
        several = f"several columns of {what} ({', '.join(found)}); call one {called[0]}"
        raise InvalidInput(f"the {split} set has {several if found else f'no column of {what}'}; "
                           f"its columns are {', '.join(dataset.features)}")  # fmt: skip
    return chosen
