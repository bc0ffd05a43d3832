"""A run folder's tables as they are read: every value in its range, or the line and the column that are not named."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

import numpy as np
import pandas as pd

from scaling_search.errors import InvalidInput
from scaling_search.evidence import STATUSES, UNSCALED
from scaling_search.files import read_text

_MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Range:
    """What a column of numbers may hold.

    Attributes:
        least, most: of a value; most itself is no value where it is infinite.
        slack: how far beyond least and most a value may be that was computed.
        above: least itself is too small.
        whole: only whole numbers.
        empty: a cell may be empty.
    """

    least: float = 0.0
    most: float = inf
    slack: float = 0.0
    above: bool = False
    whole: bool = False
    empty: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        if self.most < inf:
            return f"{kind} from {self.least:g} to {self.most:g}"
        return f"{kind} {'above' if self.above else 'of at least'} {self.least:g}"

    def holds(self, values: "pd.Series[float]") -> "pd.Series[bool]":
        """Which of the numbers it may hold, not a number standing for an empty cell or for text."""
        fits = (values <= self.most + self.slack) & ~np.isinf(values)
        fits &= (values > self.least) if self.above else (values >= self.least - self.slack)
        if self.whole:
            fits &= values == values.round()
        return fits


_POSITIVE, _SHARE = Range(above=True), Range(most=1.0, slack=1e-6)
_CANDIDATES = {
    "macs": Range(least=1, whole=True), "macs_ratio": _POSITIVE,
    **{f"effective_{axis}": _POSITIVE for axis in ("depth", "width", "resolution")},
    **{f"share_{axis}": replace(_SHARE, empty=True) for axis in ("depth", "width", "resolution")},
}  # fmt: skip
_WRITTEN = ("candidate", "named", "alpha", "beta", "gamma", "pixels", "network", "params", "macs", "macs_ratio")
_TEXTS = {"candidate", "named", "network", "full_network", "status", "reason", "choices", "description"}
_ONE = {"candidate", "seed", "epoch"}
_READINGS = {
    "seed": Range(whole=True), "epoch": Range(least=1, whole=True), "images_seen": Range(whole=True, empty=True),
    "train_loss": Range(empty=True), "val_loss": Range(empty=True),
    "top1": Range(most=1.0, empty=True), "top5": Range(most=1.0, empty=True),
    "seconds": Range(empty=True), "images_per_second": Range(empty=True),
}  # fmt: skip


def read_candidates(path: Path) -> pd.DataFrame:
    """candidates.csv.

    Raises:
        InvalidInput: it is missing or no table, has no column that every search writes, a candidate is there twice,
            or a value is out of its range.
    """
    table = _numbers(_cells(path), _CANDIDATES, path)
    if lost := [name for name in _WRITTEN if name not in table]:
        raise InvalidInput(f"{path} has no column {lost[0]}")
    _refuse(table["candidate"].duplicated(), path, "candidate", table["candidate"], "another one's id")
    for name in (name for name in _CANDIDATES if name.startswith("share_") and name in table):
        missing = table[name].isna() & (table["candidate"] != UNSCALED)
        _refuse(missing, path, name, table[name].astype(str), _SHARE)
    return table


def read_readings(path: Path) -> pd.DataFrame:
    """trials.csv; a half-written last row is left out.

    Raises:
        InvalidInput: it is missing or no table, or a value is out of its range.
    """
    table = _numbers(_cells(path), _READINGS, path)
    if "status" in table:
        known = f"one of {', '.join(STATUSES)}"
        _refuse(~table["status"].isin(STATUSES), path, "status", table["status"], known)
    if set(table) >= _ONE:
        table = table.drop_duplicates(sorted(_ONE), keep="last", ignore_index=True)  # the later one amends
    return table


def _cells(path: Path) -> pd.DataFrame:
    """Every cell as text."""
    whole, _, _ = read_text(path, most=_MOST_BYTES).rpartition("\n")
    try:
        table = pd.read_csv(io.StringIO(whole), dtype=str, keep_default_na=False, index_col=False)
    except (ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InvalidInput(f"cannot read {path}: {' '.join(str(error).split())}") from error
    return table.fillna("")  # of a row that is too short


def _numbers(table: pd.DataFrame, ranges: Mapping[str, Range], path: Path) -> pd.DataFrame:
    for name in table:
        if name not in _TEXTS:
            allowed = ranges.get(str(name), Range(empty=True))
            numbers = pd.to_numeric(table[name], errors="coerce")
            fits = allowed.holds(numbers)
            if allowed.empty:
                fits |= table[name] == ""
            _refuse(~fits, path, str(name), table[name], allowed)
            table[name] = numbers.astype("int64") if allowed.whole and not allowed.empty else numbers
    return table


def _refuse(wrong: pd.Series, path: Path, name: str, values: pd.Series, expected: object) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value = str(values.iloc[row])[:40]
        is_not = "is" if expected == "another one's id" else "is not"
        raise InvalidInput(f"{path}, line {row + 2}: {name}: {value!r} {is_not} {expected}")
