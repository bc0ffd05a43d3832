"""The trackers by name, and those that a run has had."""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.loggers.to_mlflow import MLflow
from scaling_search.loggers.to_optuna import OptunaStorage
from scaling_search.loggers.to_tensorboard import TensorBoard
from scaling_search.loggers.to_trackio import Trackio
from scaling_search.loggers.to_wandb import WandB
from scaling_search.loggers.tracker import FOLDER, Tracker
from scaling_search.notes import Notes

TRACKERS: Mapping[str, type[Tracker]] = {one.name: one for one in (TensorBoard, MLflow, WandB, Trackio)}


def make_trackers(
    names: Iterable[str] = (), *, optuna_storage: str | None = None, folder: Path | None = None
) -> list[Tracker]:
    """The trackers that are asked for, and those that a run has had before.

    Args:
        names: of TRACKERS.
        optuna_storage: see `OptunaStorage`.
        folder: of a run that goes on.

    Raises:
        InvalidInput: there is no tracker of that name, a package is missing, or the storage cannot be opened. What a
            run has had before and cannot have now is a warning.
    """
    asked = dict.fromkeys([*names, *([OptunaStorage.name] if optuna_storage else [])])
    found = [_made(name, optuna_storage) for name in asked]
    for name, storage in _before(folder).items():
        if name not in asked:
            try:
                found.append(_made(name, storage))
            except InvalidInput as error:
                warnings.warn(f"the run goes on without a tracker that it had: {error}", stacklevel=2)
    return found


def _made(name: str, storage: str | None) -> Tracker:
    if name == OptunaStorage.name and storage:
        return OptunaStorage(storage)
    if name not in TRACKERS:
        hint = nearest_hint(name, TRACKERS) or f"; there are {', '.join(TRACKERS)}"
        raise InvalidInput(f"there is no tracker {name!r}{hint}")
    return TRACKERS[name]()


def _before(folder: Path | None) -> dict[str, str]:
    """The trackers of a run, each with the storage that it was given, if it was."""
    paths = [] if folder is None else sorted((folder / FOLDER).glob("*.jsonl"))
    return {path.stem: Notes(path).get("storage") or "" for path in paths}
