"""Hugging Face's data sets on disk: folders of `save_to_disk` and of parquet files.

Both are Arrow tables whose schema says which column holds images and which classes. They are read by pyarrow, which Ray
brings: `datasets` itself would import much and could run a data set's own code.
"""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from scaling_search.data.records import Entry, from_entries, split_of, stamp
from scaling_search.data.source import ImageSource, Unreadable
from scaling_search.errors import InvalidInput
from scaling_search.files import inside

_DICT, _STATE = "dataset_dict.json", "state.json"
LABELS = ("label", "labels", "class", "target", "category")
Read = Callable[[int], Any]


def is_saved(root: Path) -> bool:
    """Whether `save_to_disk` wrote the folder."""
    return (root / _DICT).is_file() or (root / _STATE).is_file()


def parquet_files(root: Path) -> list[Path]:
    """The parquet files in a folder and one level below it; a file is one itself."""
    return [root] if root.is_file() else sorted([*root.glob("*.parquet"), *root.glob("*/*.parquet")])


def open_arrow(root: Path, *, seed: int = 0) -> ImageSource:
    """The images of a folder that `save_to_disk` wrote, or of parquet files.

    Args:
        seed: which images validate where nothing is split.

    Raises:
        InvalidInput: it is neither, a file is broken, or a column is missing; says which.
    """
    files = list(_saved(root) if is_saved(root) else _parquet(root))
    if not files:
        raise InvalidInput(f"{root} holds neither what save_to_disk writes nor parquet files")
    entries: list[Entry] = []
    names: Sequence[str] | None = None
    for path, split in files:
        found, names = _entries(path, split)
        entries += found
    stamps = [(str(path.parent.relative_to(root.parent)), *stamp(path)) for path, _ in files]
    return from_entries(root, entries, seed=seed, stamps=stamps, classes=names)


def _saved(root: Path) -> Iterator[tuple[Path, str | None]]:
    """The files of each split, in their order."""
    if (root / _DICT).is_file():
        for split in _listed(root / _DICT, "splits"):
            folder = inside(root, str(split))
            yield from ((path, str(split)) for path, _ in _saved(folder))
        return
    if _listed(root / _STATE, "_indices_data_files"):
        raise InvalidInput(f"{root} is a selection of a data set; save what .flatten_indices() gives")
    for file in _listed(root / _STATE, "_data_files"):
        yield inside(root, str(file.get("filename"))), None


def _listed(path: Path, key: str) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")).get(key) or []
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidInput(f"{path} is damaged: {error}") from error
    return list(found)


def _parquet(root: Path) -> Iterator[tuple[Path, str | None]]:
    for path in parquet_files(root):
        words = re.split(r"[^a-z]+", path.stem.lower())
        yield path, split_of([*words, path.parent.name.lower()] if path.parent != root else words)


def _entries(path: Path, split: str | None) -> tuple[list[Entry], Sequence[str] | None]:
    """The rows of one file, and the names of its classes where it has them."""
    import pyarrow as pa

    try:
        schema, read_column, read_row = _opened(path)
        features = _features(schema)
        image, label = _image_column(path, schema, features), _label_column(path, schema, features)
        labels = read_column(label)
    except (pa.ArrowException, OSError) as error:
        raise InvalidInput(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    names = features.get(label, {}).get("names")
    entries = []
    for index, value in enumerate(labels):
        name = f"{path.name}/{index}"
        if value is None or (names is not None and not 0 <= value < len(names)):
            raise InvalidInput(f"{path}: row {index} has no label ({value})")
        entries.append(
            Entry(name=name, label=str(value if names is None else names[value]), split=split,
                  open=partial(_image, read_row, image, index))
        )  # fmt: skip
    return entries, names


def _opened(path: Path) -> tuple[Any, Callable[[str], list[Any]], Callable[[str, int], Any]]:
    """Its schema, and readers of a column and of a cell. Images stay on the disk until they are asked for."""
    import pyarrow as pa

    if path.suffix != ".parquet":
        table = pa.ipc.open_stream(pa.memory_map(str(path))).read_all()
        return table.schema, lambda name: table[name].to_pylist(), lambda name, index: table[name][index].as_py()
    import pyarrow.parquet as pq

    file, reading = pq.ParquetFile(path), Lock()
    ends = list(accumulate(file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)))

    @lru_cache(maxsize=2)
    def read_group(group: int, name: str) -> Any:
        return file.read_row_group(group, columns=[name])[name]

    def read_row(name: str, index: int) -> Any:
        group = bisect_right(ends, index)
        with reading:
            return read_group(group, name)[index - (ends[group - 1] if group else 0)].as_py()

    return file.schema_arrow, lambda name: file.read(columns=[name])[name].to_pylist(), read_row


def _features(schema: Any) -> dict[str, Any]:
    """What `datasets` wrote of the columns; nothing where somebody else wrote the file."""
    try:
        found = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    return {name: kind for name, kind in found.items() if isinstance(kind, dict)}


def _image_column(path: Path, schema: Any, features: dict[str, Any]) -> str:
    import pyarrow as pa

    marked = [name for name, kind in features.items() if kind.get("_type") == "Image"]
    likely = [field.name for field in schema if _holds_bytes(pa, field.type)]
    found = marked or likely
    if len(found) != 1 and "image" not in found:
        what = f"several columns of images ({', '.join(found)}); call one image" if found else "no column of images"
        raise InvalidInput(f"{path} has {what}; its columns are {', '.join(schema.names)}")
    return "image" if "image" in found else found[0]


def _holds_bytes(pa: Any, kind: Any) -> bool:
    if pa.types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _label_column(path: Path, schema: Any, features: dict[str, Any]) -> str:
    marked = [name for name, kind in features.items() if kind.get("_type") == "ClassLabel"]
    found = [name for name in LABELS if name in (marked or schema.names)] or marked
    if not found or (len(found) > 1 and found[0] not in LABELS):
        what = f"several columns of classes ({', '.join(found)}); call one label" if found else "no column of labels"
        raise InvalidInput(f"{path} has {what}; its columns are {', '.join(schema.names)}")
    return found[0]


def _image(read_row: Callable[[str, int], Any], column: str, index: int) -> BinaryIO:
    """The encoded bytes of one image.

    Raises:
        Unreadable: the row names a file instead of holding one.
    """
    cell = read_row(column, index)
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if not content:
        raise Unreadable("the row holds no bytes of an image")
    return BytesIO(content)
