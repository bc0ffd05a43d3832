"""A CSV of paths and labels, with a column of splits where there is one."""

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scaling_search.data.records import Entry, from_entries, stamp
from scaling_search.data.source import ImageSource
from scaling_search.errors import InvalidInput

PATHS = ("path", "file_name", "filename", "file", "filepath", "image_path", "image")
LABELS = ("label", "class", "target", "category")
SPLITS = ("split", "subset", "partition", "set")


def open_csv(path: Path, *, seed: int = 0) -> ImageSource:
    """The images that a table lists, by paths that begin at its folder.

    Args:
        seed: which images validate where no column says.

    Raises:
        InvalidInput: no table, a column is missing, or a file is; says which.
    """
    rows = _rows(path)
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    at, label = (_column(path, header, names, what) for names, what in ((PATHS, "paths"), (LABELS, "labels")))
    split = next((header.index(name) for name in SPLITS if name in header), None)
    entries, stamps = [], []
    for line, cells in rows[1:]:
        if len(cells) < len(header):
            raise InvalidInput(f"{path}, line {line}: {len(cells)} cells instead of {len(header)}")
        file = path.parent / cells[at].strip()
        if not file.is_file():
            raise InvalidInput(f"{path}, line {line}: there is no file {file}")
        if not cells[label].strip():
            raise InvalidInput(f"{path}, line {line}: {cells[at]} has no label")
        stamps.append((cells[at], cells[label], "" if split is None else cells[split], *stamp(file)[1:]))
        entries.append(
            Entry(
                name=cells[at], label=cells[label].strip(),
                split=None if split is None else cells[split].strip() or None, open=partial(Path, file),
            )
        )  # fmt: skip
    return from_entries(path, entries, seed=seed, stamps=stamps)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """Every line that is not empty, with its number."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
            return [(reader.line_num, cells) for cells in reader if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"{path} is no table in UTF-8: {error}") from error


def _column(path: Path, header: Sequence[str], names: Sequence[str], what: str) -> int:
    found = next((name for name in names if name in header), None)
    if found is None:
        there = ", ".join(header) or "nothing"
        raise InvalidInput(f"{path} has no column of {what} ({', '.join(names)}); its first line has {there}")
    return header.index(found)
