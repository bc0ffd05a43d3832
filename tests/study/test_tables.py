"""A run's tables as they are read: what is out of its range is named by line and column."""

import shutil
from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.study.tables import read_candidates, read_readings

RECORDED = Path(__file__).parents[2] / "results" / "clothing-b0-phi1"


def edited(path: Path, line: int, column: str, value: str) -> Path:
    """The table with one cell replaced; lines are counted as an editor does."""
    lines = path.read_text().split("\n")
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(column)] = value
    lines[line - 1] = ",".join(cells)
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for name in ("candidates.csv", "trials.csv"):
        shutil.copy(RECORDED / name, tmp_path)
    return tmp_path


def test_recorded_tables_are_read(run: Path) -> None:
    candidates, readings = read_candidates(run / "candidates.csv"), read_readings(run / "trials.csv")
    assert candidates["macs_ratio"].between(1.5, 2.1).all()
    assert readings["epoch"].dtype == "int64"
    assert readings.groupby(["candidate", "seed"]).size().eq(4).all()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("epoch", "0", "epoch: '0' is not a whole number of at least 1"),
        ("epoch", "1.5", "epoch: '1.5' is not a whole number"),
        ("top1", "2", "top1: '2' is not a number from 0 to 1"),
        ("top1", "nan", "top1: 'nan' is not a number"),
        ("val_loss", "inf", "val_loss: 'inf' is not a number of at least 0"),
        ("val_loss", "[/red]", "val_loss: '\\[/red\\]' is not a number"),
        ("seed", "-1", "seed: '-1' is not"),
        ("status", "dnoe", "status: 'dnoe' is not one of running, paused"),
    ],
)
def test_readings(run: Path, column: str, value: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"trials.csv, line 3: {message}"):
        read_readings(edited(run / "trials.csv", 3, column, value))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("macs_ratio", "0", "macs_ratio: '0' is not a number above 0"),
        ("effective_width", "", "effective_width: '' is not a number above 0"),
        ("share_depth", "1.5", "share_depth: '1.5' is not a number from 0 to 1"),
        ("share_depth", "", "share_depth: 'nan' is not a number from 0 to 1"),
        ("macs", "1.5", "macs: '1.5' is not a whole number of at least 1"),
        ("candidate", "c00", "candidate: 'c00' is another one's id"),
        ("pixels", "wide", "pixels: 'wide' is not a number"),
    ],
)
def test_candidates(run: Path, column: str, value: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=f"candidates.csv, line 3: {message}"):
        read_candidates(edited(run / "candidates.csv", 3, column, value))


def test_a_column_that_every_search_writes(run: Path) -> None:
    table = run / "candidates.csv"
    table.write_text(table.read_text().replace(",beta,", ",better,", 1))
    with pytest.raises(InvalidInput, match=r"candidates\.csv has no column beta"):
        read_candidates(table)


def test_half_a_row_at_the_end_is_left_out(run: Path) -> None:
    rows = len(read_readings(run / "trials.csv"))
    with (run / "trials.csv").open("a") as file:
        file.write("c00,0,9")
    assert len(read_readings(run / "trials.csv")) == rows


def test_no_table_at_all(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot read .*No such file"):
        read_readings(tmp_path / "trials.csv")
    (tmp_path / "trials.csv").write_bytes(b"\xff\xfe\n")
    with pytest.raises(InvalidInput, match="not text in UTF-8"):
        read_readings(tmp_path / "trials.csv")
