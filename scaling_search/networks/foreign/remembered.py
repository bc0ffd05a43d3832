"""What scaled networks of the libraries came to, kept on the disk from one command to the next.

Counting one takes a quarter of a second, and a plan counts some hundred. Only timm's and torchvision's are kept: what a
name means there changes with the versions alone, while a person's own file may change under its name.
"""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from pathlib import Path

from scaling_search.environment import code_digest
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
    if _folder is None or not is_library(source):
        return None
    content = [source, *versions_of(source), code_digest(*_COUNTING)]
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    try:
        return Notes(_folder / f"{digest[:24]}.jsonl")
    except OSError:
        return None


def is_library(source: str) -> bool:
    """Whether a source means the same as long as the versions are the same."""
    return source.partition(":")[0] in LIBRARIES


def versions_of(source: str) -> list[str]:
    """Those that a library's network depends on: torch's and its own."""
    return [f"{name} {version(name)}" for name in ("torch", source.partition(":")[0])]
