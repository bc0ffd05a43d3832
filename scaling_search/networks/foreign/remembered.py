"""What scaled networks of the libraries came to, kept on the disk from one command to the next.

Counting one takes a quarter of a second, and a plan counts some hundred. Only timm's and torchvision's are kept: what a
name means there changes with the versions alone, while a person's own file may change under its name.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

import scaling_search

LIBRARIES = ("timm", "torchvision")
_COUNTING = ("networks", "architecture")  # the rooms whose code decides what a network costs


@dataclass
class Remembered:
    """A table of texts by text, a line of JSON each in a file that several processes may append to.

    What cannot be read or written is as if it were not there.

    Args:
        file: made with its folder when something is added.
    """

    file: Path
    _rows: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError):
            for line in self.file.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValueError, TypeError):  # cut off by a kill, or by a full disk
                    key, value = json.loads(line)
                    self._rows[str(key)] = str(value)

    def get(self, key: str) -> str | None:
        """None where it is not known."""
        return self._rows.get(key)

    def add(self, key: str, value: str) -> None:
        """One write, which others that append at the same time do not cut in two."""
        self._rows[key] = value
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                os.write(handle, f"\n{json.dumps([key, value])}\n".encode())
            finally:
                os.close(handle)


_folder: Path | None = None


def keep_in(folder: Path | None) -> None:
    """From here on, counts are read from this folder and added to it; None: they are kept in memory alone."""
    global _folder
    if folder != _folder:
        _folder = folder
        table.cache_clear()


@cache
def table(source: str) -> Remembered | None:
    """The counts of a library's network, by the versions of all that they depend on; None for other sources."""
    library = source.partition(":")[0]
    if _folder is None or library not in LIBRARIES:
        return None
    versions = [f"{name} {version(name)}" for name in ("torch", *LIBRARIES) if name in ("torch", library)]
    digest = hashlib.sha256(json.dumps([source, *versions, _code()]).encode()).hexdigest()
    return Remembered(_folder / f"{digest[:24]}.jsonl")


@cache
def _code() -> str:
    """A digest of the code that counts: a version's number may stay the same while it changes."""
    package = Path(scaling_search.__file__).parent
    files = sorted(path for room in _COUNTING for path in (package / room).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
