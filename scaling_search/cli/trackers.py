"""Trackers of a command: told of everything, and closed whatever becomes of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling_search.loggers import Tracker


@contextmanager
def told(
    names: Sequence[str] | None, optuna_storage: str | None, folder: Path | None = None
) -> "Iterator[Sequence[Tracker]]":
    """The trackers that were asked for, and those that the run in the folder has had.

    Raises:
        InvalidInput: one cannot be had; nothing has been trained then.
    """
    from scaling_search.loggers import make_trackers

    trackers = make_trackers(names or (), optuna_storage=optuna_storage, folder=folder)
    try:
        yield trackers
    finally:
        for tracker in trackers:
            tracker.finish()
