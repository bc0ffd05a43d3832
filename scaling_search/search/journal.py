"""The record of a run: an append-only journal of finished segments, and the trials table written from it.

The journal is the truth that resuming, analysis and replay read. One line is one finished segment of one trial (from
epoch `start`, to epoch `epoch`), flushed to the disk before anyone is told of it. A half-written last line, the trace
of a kill, is dropped; a segment that arrives twice (a retried worker repeats itself) is kept once.
"""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically

Status = Literal["running", "done", "stopped", "failed"]
METRICS = ("images_seen", "train_loss", "val_loss", "top1", "top5", "seconds", "images_per_second")
COLUMNS = ("candidate", "seed", "epoch", *METRICS, "status", "reason")


@dataclass(frozen=True, kw_only=True, order=True)
class Trial:
    """One candidate trained with one seed."""

    candidate: str
    seed: int

    def __str__(self) -> str:
        return f"{self.candidate}-s{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One finished segment: the metrics of one epoch, or the end of a trial that brings no metrics (failed, stopped).

    status is «running» while epochs remain, «done» on the last one, «stopped» when a scheduler ended the trial early,
    «failed» (with a reason) when it could not go on.
    """

    trial: Trial
    epoch: int
    status: Status
    reason: str = ""
    images_seen: int | None = None
    train_loss: float | None = None
    val_loss: float | None = None
    top1: float | None = None
    top5: float | None = None
    seconds: float | None = None
    images_per_second: float | None = None

    @property
    def final(self) -> bool:
        return self.status != "running"

    def to_line(self) -> str:
        return json.dumps({"start": max(self.epoch - 1, 0), **asdict(self)}, separators=(",", ":")) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "Record":
        content: dict[str, Any] = json.loads(line)
        known = {field.name for field in fields(cls)}
        values = {key: value for key, value in content.items() if key in known}
        return cls(**{**values, "trial": Trial(**content["trial"])})

    def row(self) -> dict[str, Any]:
        """The record as a row of trials.csv; what was not measured is empty."""
        metrics = {name: getattr(self, name) for name in METRICS}
        return {**asdict(self.trial), "epoch": self.epoch, **metrics, "status": self.status, "reason": self.reason}


class Journal:
    """journal.jsonl and trials.csv of one run. Opening it reads what is there and rewrites trials.csv from it.

    Raises:
        InvalidInput: a line other than the last is not a record, so the file is not a journal of this program.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.jsonl"
        self.table = folder / "trials.csv"
        self._records: dict[Trial, dict[int, Record]] = {}
        for record in _read(self.path):
            self._keep(record)
        self._write_table()

    def add(self, record: Record) -> bool:
        """Writes one record down; False when it was known already or its trial had ended."""
        known = self._records.get(record.trial, {})
        ended = next((old for old in known.values() if old.final), None)
        if ended or (record.epoch in known and not record.final):
            return False
        amends = record.epoch in known
        self._keep(record)
        _append(self.path, record.to_line())
        if amends:
            self._write_table()
        else:
            _append(self.table, _csv_text([self._records[record.trial][record.epoch]]))
        return True

    def history(self, trial: Trial) -> tuple[Record, ...]:
        """The trial's records in the order of epochs."""
        return tuple(record for _, record in sorted(self._records.get(trial, {}).items()))

    def ending(self, trial: Trial) -> Record | None:
        """The record that ended the trial; None while it has not ended."""
        return next((record for record in self.history(trial) if record.final), None)

    def records(self) -> Iterator[Record]:
        """All records, by trial in the order of their first arrival."""
        for trial in self._records:
            yield from self.history(trial)

    def _keep(self, record: Record) -> None:
        """Ends without metrics (stopped, failed) at an epoch that has some keep those metrics."""
        epochs = self._records.setdefault(record.trial, {})
        old = epochs.get(record.epoch)
        if old is not None and record.top1 is None:
            record = replace(old, status=record.status, reason=record.reason)
        epochs[record.epoch] = record

    def _write_table(self) -> None:
        header = ",".join(COLUMNS) + "\n"
        write_atomically(self.table, header + _csv_text(self.records()))


def _read(path: Path) -> list[Record]:
    if not path.exists():
        return []
    content = path.read_bytes()
    whole, _, torn = content.rpartition(b"\n")
    if torn:  # a kill in the middle of a write: cut it off, or the next line would be glued to it
        with path.open("r+b") as file:
            file.truncate(len(whole) + 1 if whole else 0)
    try:
        return [Record.from_line(line) for line in whole.decode().splitlines()]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(f"{path} is not a journal of a run: {error}") from error


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _csv_text(records: Iterable[Record]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(record.row() for record in records)
    return text.getvalue()
