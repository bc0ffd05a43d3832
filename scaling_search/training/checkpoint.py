"""Checkpoints on disk: written atomically, the one before kept, read without running code from the file."""

import hashlib
import json
import os
import warnings
from pathlib import Path
from typing import Any

import torch

from scaling_search.errors import InvalidInput
from scaling_search.files import atomically, to_disk, unfinished

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
            _keep(path)


def _keep(path: Path) -> None:
    """The checkpoint under its second name too, so that at no moment there is none under its first."""
    scratch = unfinished(path.parent)
    try:
        os.link(path, scratch)
    except OSError:  # a file system without second names: `read` finds the one before, should this be the last moment
        path.replace(previous(path))
        return
    try:
        scratch.replace(previous(path))
    finally:
        scratch.unlink(missing_ok=True)  # where both names were the same file already, the system has left this one


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
    """The weights that the newest epoch of a checkpoint was evaluated with, by name; averaged if there are averages.

    Raises:
        InvalidInput: there is no checkpoint that can be read.
    """
    state = _load(path) or _load(previous(path))
    if state is None:
        raise InvalidInput(f"{path} is missing or damaged, and so is the checkpoint before it")
    return {**state["learner"]["module"], **(state["learner"]["average"] or {})}


def epochs_done(path: Path) -> int:
    """How many epochs the newest readable checkpoint holds; 0 where there is none."""
    state = _load(path, mmap=True) or _load(previous(path), mmap=True)
    return 0 if state is None else len(state["history"])


def remove(path: Path) -> None:
    """Delete the checkpoint and the one before it, if they are there."""
    for file in (path, previous(path)):
        file.unlink(missing_ok=True)


def _load(file: Path, *, mmap: bool = False) -> State | None:
    if not file.exists():
        return None
    try:
        state = torch.load(file, map_location="cpu", weights_only=True, mmap=mmap)
    except Exception as error:  # torch raises many kinds for a damaged file; whichever it is, the older one serves
        warnings.warn(f"{file} is damaged and is skipped ({type(error).__name__})", stacklevel=3)
        return None
    return state if isinstance(state, dict) else None
