"""webdataset's shards: tar files in which 000.jpg and 000.cls lie side by side. Nothing is unpacked."""

import re
import tarfile
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from scaling_search.data.records import Entry, from_entries, split_of, stamp
from scaling_search.data.source import ImageSource
from scaling_search.errors import InvalidInput

IMAGES = ("jpg", "jpeg", "png", "webp", "bmp", "gif", "ppm", "tif", "tiff")
_CODE = ("pyd", "pickle", "pkl", "pth", "pt")
"""Members that run code when they are read."""
_LONGEST = 256  # bytes of a label


def shards(root: Path) -> list[Path]:
    """The tar files in a folder and one level below it; a file is a shard itself."""
    return [root] if root.is_file() else sorted([*root.glob("*.tar"), *root.glob("*/*.tar")])


def open_webdataset(root: Path, *, seed: int = 0) -> ImageSource:
    """The images of all shards; where their or their folders' names say «train» and «val», these are the splits.

    Args:
        seed: which images validate where no name says.

    Raises:
        InvalidInput: no shards, a broken one, one with pickles, or images without labels; says which.
    """
    paths = shards(root)
    if not paths:
        raise InvalidInput(f"{root} holds no tar files")
    entries = [entry for path in paths for entry in _entries(root, path)]
    stamps = [(path.parent.name if path.parent != root else "", *stamp(path)) for path in paths]
    return from_entries(root, entries, seed=seed, stamps=stamps)


def _entries(root: Path, path: Path) -> Iterator[Entry]:
    """The samples of one shard, in their order."""
    words = re.split(r"[^a-z]+", path.stem.lower())
    split = split_of(words if path.parent == root or path == root else [*words, path.parent.name.lower()])
    for key, members in _samples(path).items():
        images = [kind for kind in members if kind in IMAGES]
        if not images and "cls" not in members:
            continue
        if not images or "cls" not in members:
            missing = "label (.cls)" if images else f"image ({', '.join(IMAGES[:3])} …)"
            raise InvalidInput(f"{path}: {key} has no {missing}")
        label = _bytes(path, *members["cls"]).read(_LONGEST).decode(errors="replace").strip()
        if not label:
            raise InvalidInput(f"{path}: the label of {key} is empty")
        place = members[images[0]]
        yield Entry(name=f"{path.name}/{key}", label=label, split=split, open=partial(_bytes, path, *place))


def _samples(path: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Of each sample: what it has, and where that lies in the shard (first byte, bytes)."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                folder, slash, name = member.name.rpartition("/")
                key, _, kind = name.partition(".")
                if not member.isreg() or member.issparse() or not kind or not key:
                    continue
                kind = kind.lower()
                if kind.rpartition(".")[2] in _CODE:
                    raise InvalidInput(f"{path} holds {member.name}: a pickle runs code when it is read; leave it out")
                found.setdefault(f"{folder}{slash}{key}", {})[kind] = (member.offset_data, member.size)
    except (tarfile.TarError, EOFError) as error:
        raise InvalidInput(f"{path} is no whole uncompressed tar file: {error}") from error
    return found


def _bytes(path: Path, start: int, size: int) -> BinaryIO:
    """A part of a file."""
    with path.open("rb") as file:
        file.seek(start)
        return BytesIO(file.read(size))
