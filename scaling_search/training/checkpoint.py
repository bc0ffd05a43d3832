"""Checkpoints on disk: written atomically, the one before kept, read without running code from the file."""

import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import torch

from scaling_search.errors import InvalidInput
from scaling_search.files import atomically, to_disk

State = dict[str, Any]  # tensors, numbers, strings, and lists and dicts of them: what weights_only=True can load


def fingerprint(description: State) -> str:
    """A short hash of JSON-able content: equal for equal trainings."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest is kept: last.pt → last.pt.previous."""
    return path.with_name(f"{path.name}.previous")


def write(path: Path, state: State) -> None:
    """Make state the newest checkpoint at path; a crash at any moment leaves a readable one.

    Raises:
        OSError: the disk is full or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomically(path) as file:
        torch.save(state, file)
        to_disk(file)  # the old one makes room only for a new one that is whole
        if path.exists():
            path.replace(previous(path))
    _sync_folder(path.parent)


def read(path: Path, *, fingerprint: str) -> State | None:
    """The newest readable checkpoint at path, else the one before it, else None.

    Raises:
        InvalidInput: the checkpoint belongs to another training than the one with this fingerprint.
    """
    for file in (path, previous(path)):
        state = _load(file)
        if state is None:
            continue
        if state.get("fingerprint") != fingerprint:
            raise InvalidInput(f"{file} is the checkpoint of another training; remove it or choose another place")
        return state
    return None


def weights(path: Path) -> State:
    """The weights that the newest epoch of a checkpoint was evaluated with, by name; averaged if there are averages."""
    learner = torch.load(path, map_location="cpu", weights_only=True)["learner"]
    return {**learner["module"], **(learner["average"] or {})}


def epochs_done(path: Path) -> int:
    """How many epochs the newest checkpoint holds."""
    return len(torch.load(path, map_location="cpu", weights_only=True, mmap=True)["history"])


def remove(path: Path) -> None:
    """Delete the checkpoint and the one before it, if they are there."""
    for file in (path, previous(path)):
        file.unlink(missing_ok=True)


def _load(file: Path) -> State | None:
    if not file.exists():
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file; whichever it is, the older one serves
        warnings.warn(f"{file} is damaged and is skipped ({type(error).__name__})", stacklevel=3)
        return None
    return state if isinstance(state, dict) else None


def _sync_folder(folder: Path) -> None:
    """Make the renames themselves last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
