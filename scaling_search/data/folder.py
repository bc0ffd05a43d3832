"""Image folders: class folders inside train/ and val/, or one level of class folders that is split here."""

import errno
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from scaling_search.data.decode import decode
from scaling_search.data.source import ImageSource, Items, stratified_order
from scaling_search.errors import InvalidInput

VAL_NAMES = ("val", "valid", "validation", "test")  # the first that is there validates
VAL_SHARE = 0.2  # of the images, where the folder is not split
_NO_PICTURES = {"EPS", "MPEG", "HDF5", "GRIB", "BUFR", "WMF"}
"""Formats whose pictures Pillow leaves to other programs: documents, films, measurements."""
_LAYOUT = "name/train/<class>/*.jpg and name/val/<class>/*.jpg, or name/<class>/*.jpg"


def open_folder(root: Path, *, seed: int = 0) -> ImageSource:
    """The images below root as a source; nothing is decoded yet.

    Args:
        seed: which images validate where the folder itself is not split.

    Raises:
        InvalidInput: missing, not a folder, no images, one class, or classes that only validation has.
    """
    if not root.is_dir():
        raise InvalidInput(f"{root} is {'a file' if root.exists() else 'missing'}; a data folder looks like {_LAYOUT}")
    train, val = _split_folders(root)
    train_files = _files_by_class(train)
    val_files = _files_by_class(val) if val else {}
    classes = tuple(sorted(train_files))
    _check_classes(root, train, classes, val, val_files)
    train_items = _items(train, train_files, classes)
    val_items = _items(val, val_files, classes) if val else None
    if val_items is None:
        train_items, val_items = held_out(train_items, seed)
    return ImageSource(
        name=_text(root.resolve().name) or "root",
        classes=tuple(map(_text, classes)),
        train=train_items,
        val=val_items,
        flip=True,
        identity={"folder": _stamps(train, train_files), "val": _stamps(val, val_files) if val else seed},
    )


def _split_folders(root: Path) -> tuple[Path, Path | None]:
    """The folders that hold the class folders of training and, if there is one, of validation."""
    inner = {path.name.lower(): path for path in _folders(root)}
    train = inner.get("train")
    if train is None or not _folders(train):  # a class may be called «train»
        return root, None
    return train, next((inner[name] for name in VAL_NAMES if name in inner), None)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _files_by_class(parent: Path) -> dict[str, list[Path]]:
    """Image files at any depth below each class folder, sorted; classes without images are left out with a warning."""
    found = {folder.name: image_files(folder) for folder in _folders(parent)}
    empty = [name for name, files in found.items() if not files]
    if empty and len(empty) < len(found):
        warnings.warn(f"{parent}: no images in {_some(empty)}; left out", stacklevel=2)
    return {name: files for name, files in found.items() if files}


def image_files(folder: Path) -> list[Path]:
    """The image files at any depth below a folder, sorted."""
    return sorted(_walk(folder, _suffixes(), seen=set()))


def has_images(folder: Path) -> bool:
    """Whether there is one at any depth."""
    return any(_walk(folder, _suffixes(), seen=set()))


def _walk(folder: Path, suffixes: frozenset[str], *, seen: set[tuple[int, int]]) -> Iterator[Path]:
    """Files with these suffixes at any depth; links are followed, but into no folder twice. No pipes and devices."""
    stat = folder.stat()
    if (stat.st_dev, stat.st_ino) in seen:
        return
    seen.add((stat.st_dev, stat.st_ino))
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is(entry.is_dir):
                yield from _walk(Path(entry.path), suffixes, seen=seen)
            elif not entry.name.startswith(".") and Path(entry.name).suffix.lower() in suffixes and _is(entry.is_file):
                yield Path(entry.path)


def _is(kind: Callable[[], bool]) -> bool:
    """False where a link leads in a circle, or to where this user may not look."""
    try:
        return kind()
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EACCES):
            raise  # the disk fails: its images are not to be left out in silence
        return False


@cache
def _suffixes() -> frozenset[str]:
    """Of files that Pillow itself reads as pictures."""
    known = Image.registered_extensions()  # loads the readers
    return frozenset(suffix for suffix, kind in known.items() if kind in Image.OPEN and kind not in _NO_PICTURES)


def _check_classes(
    root: Path, train: Path, classes: Sequence[str], val: Path | None, val_files: dict[str, list[Path]]
) -> None:
    if not classes:
        found = "images but no class folders" if image_files(train) else "no images"
        raise InvalidInput(f"{train} holds {found}; a data folder looks like {_LAYOUT}")
    if len(classes) == 1:
        raise InvalidInput(
            f"{train} holds one class ({_text(classes[0])}); at least two are needed to learn to tell apart"
        )
    if val is None:
        return
    if not val_files:
        raise InvalidInput(f"{val} holds no images in class folders; fill it, or remove it to have some held out")
    if extra := sorted(set(val_files) - set(classes)):
        raise InvalidInput(f"{val} holds classes that {train} does not: {_some(extra)}")
    if missing := sorted(set(classes) - set(val_files)):
        warnings.warn(f"{root}: {_some(missing)} in {train.name} but not in {val.name}", stacklevel=3)


def _items(parent: Path, files: dict[str, list[Path]], classes: Sequence[str]) -> Items:
    paths = [path for name in classes for path in files.get(name, [])]
    counts = [len(files.get(name, [])) for name in classes]
    return Items(
        names=[_text(path.relative_to(parent).as_posix()) for path in paths],
        labels=np.repeat(np.arange(len(classes)), counts),
        read=lambda index, pixels: decode(paths[index], pixels),
    )


def held_out(items: Items, seed: int) -> tuple[Items, Items]:
    """Training and validation from one split: every class by its share, the same for the same names and seed."""
    train, val = held_out_places(items.names, items.labels, seed=seed)
    return items.take(train), items.take(val)


def held_out_places(names: Sequence[str], labels: np.ndarray, *, seed: int) -> tuple[list[int], list[int]]:
    """Where the items of training and of validation stand, see `held_out`."""
    order = stratified_order(names, labels, seed=seed)
    held = max(1, round(VAL_SHARE * len(order)))
    return sorted(order[held:]), sorted(order[:held])


def _stamps(parent: Path, files: dict[str, list[Path]]) -> list[tuple[str, int, int]]:
    """Path, size and time of change of every file: what make and rsync go by. Reading the bytes would cost a start
    of every run as much as a large data set takes to read."""
    stats = [(path.relative_to(parent).as_posix(), path.stat()) for paths in files.values() for path in paths]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def _text(name: str) -> str:
    """A file's name as text that can be written anywhere: bytes that are no UTF-8 as \\xff."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(_text, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
