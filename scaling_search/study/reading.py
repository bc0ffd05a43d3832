"""A run folder's tables, for the analysis: which takes tables and knows no folder."""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from scaling_search.analysis.trials import Trials, trials_from_tables
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import COLUMNS
from scaling_search.search.record import RunRecord
from scaling_search.study.tables import read_candidates, read_readings


def read_trials(folder: RunFolder) -> Trials:
    """What a run folder holds so far; a half-written last row is left out.

    Raises:
        InvalidInput: a file is missing or lacks a column, or no trial has finished.
    """
    record = folder.record()
    candidates, readings = read_candidates(folder.candidates), read_readings(folder.path / "trials.csv")
    try:
        return make_trials(candidates, readings, record)
    except InvalidInput as error:
        raise InvalidInput(f"{folder.path}: {error}") from error


def make_trials(
    candidates: pd.DataFrame, readings: pd.DataFrame, record: RunRecord, *, epochs: int | None = None
) -> Trials:
    """The tables with what the record says of the run.

    Args:
        epochs: at which trials are compared; None: at the run's.
    """
    return trials_from_tables(
        candidates, readings,
        growth=record.growth, classes=record.data.classes, epochs=epochs or record.epochs,
        longer=record.lengths.epochs if record.lengths else None,
        validation=record.data.val,
    )  # fmt: skip


def readings_table(readings: Iterable[Reading]) -> pd.DataFrame:
    """Readings with the columns of trials.csv."""
    rows = [asdict(reading) | asdict(reading.trial) for reading in readings]
    return pd.DataFrame(rows, columns=list(COLUMNS)).fillna({"reason": ""})
