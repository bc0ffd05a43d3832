from pathlib import Path

import pandas as pd
import pytest

from scaling_search.errors import InvalidInput
from scaling_search.search.journal import COLUMNS, Journal, Record, Status, Trial

TRIAL = Trial(candidate="c00", seed=1)


def record(epoch: int, status: Status = "running", trial: Trial = TRIAL, top1: float | None = 0.5) -> Record:
    return Record(trial=trial, epoch=epoch, status=status, top1=top1, images_seen=100 * epoch)


def test_records_survive_and_the_table_follows(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert [journal.add(record(1)), journal.add(record(2, "done"))] == [True, True]
    table = pd.read_csv(tmp_path / "trials.csv")
    assert tuple(table.columns) == COLUMNS
    assert table.status.tolist() == ["running", "done"]
    again = Journal(tmp_path)
    assert again.history(TRIAL) == (record(1), record(2, "done"))
    assert again.ending(TRIAL) == record(2, "done")


def test_a_segment_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.add(record(1))
    assert not journal.add(record(1))
    assert journal.add(record(2, "done"))
    assert not journal.add(record(2, "done"))
    assert not journal.add(record(3))
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 2


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_kill_in_the_middle_of_a_line_loses_that_line_only(tmp_path: Path, kept: int) -> None:
    journal = Journal(tmp_path)
    journal.add(record(1))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + record(2).to_line().encode()[:kept])
    again = Journal(tmp_path)
    assert again.history(TRIAL) == (record(1),)
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 1
    again.add(record(2))
    assert Journal(tmp_path).history(TRIAL) == (record(1), record(2))


def test_a_stop_amends_the_last_epoch_and_keeps_its_metrics(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(record(1))
    journal.add(Record(trial=TRIAL, epoch=1, status="stopped", reason="early"))
    table = pd.read_csv(tmp_path / "trials.csv")
    assert table[["epoch", "top1", "status", "reason"]].values.tolist() == [[1, 0.5, "stopped", "early"]]
    assert Journal(tmp_path).ending(TRIAL) is not None


def test_a_failure_is_a_row_with_its_reason(tmp_path: Path) -> None:
    Journal(tmp_path).add(Record(trial=TRIAL, epoch=1, status="failed", reason="loss became NaN, twice"))
    table = pd.read_csv(tmp_path / "trials.csv")
    assert table.reason.tolist() == ["loss became NaN, twice"]
    assert table.top1.isna().all()


def test_something_else_is_not_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("hello\nworld\n")
    with pytest.raises(InvalidInput, match="not a journal"):
        Journal(tmp_path)
