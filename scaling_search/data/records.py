"""Images that are listed somewhere (a table, an archive) instead of lying in class folders → a source."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from scaling_search.data.decode import decode
from scaling_search.data.folder import VAL_NAMES, held_out
from scaling_search.data.source import ImageSource, Items
from scaling_search.errors import InvalidInput

TRAIN_NAMES = ("train", "training")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One image of a list.

    Attributes:
        name: what a message calls it; also what it is held out by, where nothing is split.
        label: its class.
        split: «train», «val» …; None where the list does not say.
        open: where its bytes are; called from several threads.
    """

    name: str
    label: str
    split: str | None
    open: Callable[[], Path | BinaryIO]


def from_entries(
    where: Path, entries: Sequence[Entry], *, seed: int, stamps: Any, classes: Sequence[str] | None = None
) -> ImageSource:
    """The listed images as a source; nothing is decoded yet.

    Args:
        where: the file or folder that lists them.
        seed: which images validate where no split is named.
        stamps: what tells that the files have changed: part of the cache's key.
        classes: in their order; None: sorted, numbers as numbers.

    Raises:
        InvalidInput: no images, one class, or splits without training or validation.
    """
    if not entries:
        raise InvalidInput(f"{where} lists no images")
    train, val = _split(where, entries)
    present = {entry.label for entry in train}
    names = sorted(present, key=_order) if classes is None else [name for name in classes if name in present]
    if len(names) < 2:
        raise InvalidInput(f"{where} has one class ({names[0]}); at least two are needed to learn to tell apart")
    if extra := sorted({entry.label for entry in val} - present):
        raise InvalidInput(f"{where}: classes in validation that training does not have: {', '.join(extra[:5])}")
    numbers = {name: number for number, name in enumerate(names)}
    train_items = _items(train, numbers)
    train_items, val_items = (train_items, _items(val, numbers)) if val else held_out(train_items, seed)
    return ImageSource(
        name=(where.resolve().stem if where.is_file() else where.resolve().name) or "root",
        classes=tuple(names),
        train=train_items,
        val=val_items,
        flip=True,
        identity={"listed": stamps, "val": bool(val) or seed},
    )


def split_of(words: Sequence[str]) -> str | None:
    """The split that a file's or folder's name is about; None where it names none."""
    return next((word for word in words if word in TRAIN_NAMES or word in VAL_NAMES), None)


def stamp(path: Path) -> tuple[str, int, int]:
    """Name, size and time of change: what make and rsync go by."""
    stat = path.stat()
    return path.name, stat.st_size, stat.st_mtime_ns


def _split(where: Path, entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    named = {entry.split.lower(): entry.split for entry in entries if entry.split}
    if not named:
        return list(entries), []
    train = next((named[name] for name in TRAIN_NAMES if name in named), None)
    val = next((named[name] for name in VAL_NAMES if name in named), None)
    if train is None:
        raise InvalidInput(f"{where} has no split called train; it has {', '.join(sorted(named.values()))}")
    chosen = [[entry for entry in entries if entry.split == split] if split else [] for split in (train, val)]
    if left := len(entries) - sum(map(len, chosen)):
        kept = train if val is None else f"{train} and {val}"
        warnings.warn(f"{where}: {left} images are in other splits than {kept}; left out", stacklevel=4)
    return chosen[0], chosen[1]


def _items(entries: Sequence[Entry], numbers: dict[str, int]) -> Items:
    return Items(
        names=[entry.name for entry in entries],
        labels=np.array([numbers[entry.label] for entry in entries], np.int64),
        read=lambda index, pixels: decode(entries[index].open(), pixels),
    )


def _order(label: str) -> tuple[bool, int, str]:
    number = label.isascii() and label.isdigit() and len(label) < 18
    return not number, int(label) if number else 0, label
