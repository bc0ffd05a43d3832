"""The record of a run: a journal that is only appended to, and the trials table written from it.

The journal is the truth that resuming, strategies, analysis and replay read. A line is a reading (or an end) of a
trial, or a proposal of a sampling strategy, flushed to the disk before anyone is told of it. A half-written last line,
the trace of a kill (or, to a reader, of a writer at work), is dropped; a reading that arrives twice (a retried worker
repeats itself) is kept once. One process writes (see `locks`); readers change nothing.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scaling_search.configuration import first_problem
from scaling_search.errors import InvalidInput
from scaling_search.evidence import (
    READING_METRICS,
    UNSCALED,
    Choices,
    Division,
    Evidence,
    Proposal,
    Reading,
    Realised,
    Trial,
)
from scaling_search.files import read_bytes, sync_folder, to_disk, write_atomically

JOURNAL = "journal.jsonl"
COLUMNS = ("candidate", "seed", "epoch", *READING_METRICS, "status", "reason")
"""Of trials.csv."""
_MOST_BYTES = 1 << 32
_AMENDED = 0.1
"""Of the rows of a large trials.csv may be there twice, the later one counting, before it is written anew: were it so
for each, a search of 100,000 readings would write 100,000 rows for each trial that a scheduler stops."""
_SMALL = 100  # rows: as many as a table of 1,000 could have twice, which is written anew in milliseconds
_READING, _PROPOSAL = TypeAdapter(Reading), TypeAdapter(Proposal)


class Readings:
    """Readings and proposals as they come, in memory: the record of a replay, and what a journal keeps on the disk.

    Args:
        entries: what is known from the start.
    """

    def __init__(self, entries: Iterable[Reading | Proposal] = ()) -> None:
        self._histories: dict[Trial, tuple[Reading, ...]] = {}
        self._proposals: list[Proposal] = []
        self._take(entries)

    def add(self, reading: Reading) -> bool:
        """Takes one reading in; False when it was known already or its trial had ended.

        A reading that brings no news but its status (paused where an earlier ask would have run on) amends the old.
        """
        if self.ending(reading.trial) is not None:
            return False
        old = next((known for known in self.history(reading.trial) if known.epoch == reading.epoch), None)
        if old is not None and (old.status == reading.status or not reading.resting):
            return False
        self._keep(reading)
        self._written(reading, amends=old is not None)
        return True

    def propose(self, proposal: Proposal) -> None:
        """Writes down what a sampling strategy asked for, before anything is done about it."""
        self._proposals.append(proposal)

    def settle(self) -> None:
        """Called when nothing more is to come for now."""

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        return tuple(self._proposals)

    def history(self, trial: Trial) -> tuple[Reading, ...]:
        """The trial's readings in the order of epochs."""
        return self._histories.get(trial, ())

    def ending(self, trial: Trial) -> Reading | None:
        """The reading that ended the trial; None while it has not ended."""
        history = self.history(trial)
        return history[-1] if history and history[-1].final else None

    def readings(self) -> Iterator[Reading]:
        """All readings, by trial in the order of their first arrival."""
        for history in self._histories.values():
            yield from history

    def evidence(
        self,
        candidates: Mapping[str, Division],
        realised: Mapping[str, Realised] | None = None,
        choices: Mapping[str, Choices] | None = None,
    ) -> Evidence:
        """All that is known, of these candidates."""
        scaled = dict(self._histories)  # by epoch already: of 10,000 trials in half a millisecond
        unscaled = {trial: scaled.pop(trial) for trial in self._histories if trial.candidate == UNSCALED}
        return Evidence(
            dict(candidates), scaled, self.proposals, dict(realised or {}), unscaled, dict(choices or {})
        )  # fmt: skip

    def _take(self, entries: Iterable[Reading | Proposal]) -> None:
        for entry in entries:
            if isinstance(entry, Proposal):
                self._proposals.append(entry)
            else:
                self._keep(entry)

    def _keep(self, reading: Reading) -> None:
        """Ends without metrics (stopped, failed) at an epoch that has some keep those metrics."""
        by_epoch = {known.epoch: known for known in self.history(reading.trial)}
        old = by_epoch.get(reading.epoch)
        if old is not None and reading.top1 is None:
            reading = replace(old, status=reading.status, reason=reading.reason)
        by_epoch[reading.epoch] = reading
        self._histories[reading.trial] = tuple(by_epoch[epoch] for epoch in sorted(by_epoch))

    def _written(self, reading: Reading, *, amends: bool) -> None:
        """Called with each reading that is new, or that amends one of the same epoch."""


class Journal(Readings):
    """journal.jsonl and trials.csv of one run, to be written to by one process.

    Opening it reads what is there, cuts a torn last line off, and rewrites trials.csv.

    Raises:
        InvalidInput: a line other than the last is neither a reading nor a proposal, so the file is no journal.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL
        self.table = folder / "trials.csv"
        _cut_torn(self.path)  # or the next line would be glued to it
        self._rows = self._amended = 0
        super().__init__(read_entries(self.path))
        self._write_table()

    def propose(self, proposal: Proposal) -> None:
        """Writes down what a sampling strategy asked for, before anything is done about it."""
        super().propose(proposal)
        _append(self.path, encode(proposal))

    def forget_failures(self) -> int:
        """Takes the trials that failed for ones that were never ended, in the file too; how many they are."""
        failed = [reading.trial for reading in self.readings() if reading.status == "failed"]
        entries = [entry for entry in read_entries(self.path) if not _is_failure(entry)]
        write_atomically(self.path, "".join(map(encode, entries)))
        self._histories, self._proposals = {}, []
        self._take(entries)
        self._write_table()
        return len(failed)

    def _written(self, reading: Reading, *, amends: bool) -> None:
        _append(self.path, encode(reading))
        self._rows += 1
        self._amended += amends
        if amends and self._amended > _AMENDED * self._rows - _SMALL:
            self._write_table()
        else:
            _append(self.table, _csv_text([reading]))

    def settle(self) -> None:
        """Leaves trials.csv with one row a reading, where amended ones were appended a second time."""
        if self._amended:
            self._write_table()

    def _write_table(self) -> None:
        header = ",".join(COLUMNS) + "\n"
        rows = list(self.readings())
        write_atomically(self.table, header + _csv_text(rows))
        self._rows, self._amended = len(rows), 0


def encode(entry: Reading | Proposal) -> str:
    """An entry as a line of the journal."""
    content = asdict(entry)
    if isinstance(entry, Reading):
        content = {"start": max(entry.epoch - 1, 0), **content}
    elif not entry.choices:
        del content["choices"]
    return json.dumps(content, separators=(",", ":")) + "\n"


def decode(line: str | bytes) -> Reading | Proposal:
    """The inverse of `encode`; keys of later versions are left out.

    Raises:
        InvalidInput: the line is no entry, or a value is out of its range; names the key.
    """
    text = line.encode() if isinstance(line, str) else line
    kind: TypeAdapter[Any] = _PROPOSAL if b'"shares":' in text.partition(b'"trial":')[0] else _READING
    try:
        entry: Reading | Proposal = kind.validate_json(text)
    except ValidationError as error:
        raise InvalidInput(first_problem(error)) from error
    return entry


def read_entries(path: Path) -> list[Reading | Proposal]:
    """The entries of a journal in their order, without a torn last line. Changes nothing.

    Raises:
        InvalidInput: another line is no entry; the message names it.
    """
    if not path.exists():
        return []
    whole, _, _ = read_bytes(path, most=_MOST_BYTES).rpartition(b"\n")
    entries = []
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        try:
            entries.append(decode(line))
        except InvalidInput as error:
            raise InvalidInput(f"{path} is not a journal of a run: line {number}: {error}") from error
    return entries


def _cut_torn(path: Path) -> None:
    content = path.read_bytes() if path.exists() else b""
    if content and not content.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(content.rfind(b"\n") + 1)


def _is_failure(entry: Reading | Proposal) -> bool:
    return isinstance(entry, Reading) and entry.status == "failed"


def _append(path: Path, text: str) -> None:
    new = not path.exists()
    with path.open("ab") as file:
        file.write(text.encode())
        to_disk(file)
    if new:
        sync_folder(path.parent)


def _csv_text(readings: Iterable[Reading]) -> str:
    text = io.StringIO()
    csv.DictWriter(text, COLUMNS, lineterminator="\n").writerows(_row(reading) for reading in readings)
    return text.getvalue()


def _row(reading: Reading) -> dict[str, Any]:
    """A reading as a row of trials.csv; what was not measured is empty."""
    metrics = {name: getattr(reading, name) for name in READING_METRICS}
    ends = {"epoch": reading.epoch, "status": reading.status, "reason": reading.reason}
    return asdict(reading.trial) | ends | metrics
