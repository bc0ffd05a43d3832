"""What scaled networks of the libraries came to, kept on the disk from one command to the next.

Counting one takes a quarter of a second, and a plan counts some hundred. Only timm's and torchvision's are kept: what a
name means there changes with the versions alone, while a person's own file may change under its name.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

import scaling_search
from scaling_search.notes import Notes

LIBRARIES = ("timm", "torchvision")
_COUNTING = ("networks", "architecture")  # the rooms whose code decides what a network costs


_folder: Path | None = None


def keep_in(folder: Path | None) -> None:
    """From here on, counts are read from this folder and added to it; None: they are kept in memory alone."""
    global _folder
    if folder != _folder:
        _folder = folder
        table.cache_clear()


@cache
def table(source: str) -> Notes | None:
    """The counts of a library's network, by the versions of all that they depend on.

    None for other sources, and where the file cannot be read.
    """
    library = source.partition(":")[0]
    if _folder is None or library not in LIBRARIES:
        return None
    versions = [f"{name} {version(name)}" for name in ("torch", *LIBRARIES) if name in ("torch", library)]
    digest = hashlib.sha256(json.dumps([source, *versions, _code()]).encode()).hexdigest()
    try:
        return Notes(_folder / f"{digest[:24]}.jsonl")
    except OSError:
        return None


@cache
def _code() -> str:
    """A digest of the code that counts: a version's number may stay the same while it changes."""
    package = Path(scaling_search.__file__).parent
    files = sorted(path for room in _COUNTING for path in (package / room).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
