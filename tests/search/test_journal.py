import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Proposal, Reading, Status, Trial
from scaling_search.search.journal import COLUMNS, Journal, decode, encode, read_entries
from scaling_search.study.tables import read_readings

TRIAL = Trial(candidate="c00", seed=1)


def reading(epoch: int, status: Status = "running", trial: Trial = TRIAL, top1: float | None = 0.5) -> Reading:
    return Reading(trial=trial, epoch=epoch, status=status, top1=top1, images_seen=100 * epoch)


def test_readings_survive_and_the_table_follows(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert [journal.add(reading(1)), journal.add(reading(2, "done"))] == [True, True]
    table = pd.read_csv(tmp_path / "trials.csv")
    assert tuple(table.columns) == COLUMNS
    assert table.status.tolist() == ["running", "done"]
    again = Journal(tmp_path)
    assert again.history(TRIAL) == (reading(1), reading(2, "done"))
    assert again.ending(TRIAL) == reading(2, "done")


def test_raw_readings_are_kept_and_older_lines_have_none(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    raw = replace(reading(1), raw_top1=0.4, raw_val_loss=1.7)
    journal.add(raw)
    assert Journal(tmp_path).history(TRIAL) == (raw,)
    assert pd.read_csv(tmp_path / "trials.csv")[["raw_top1", "raw_val_loss"]].values.tolist() == [[0.4, 1.7]]
    older = json.loads(encode(reading(1)))
    del older["raw_top1"], older["raw_val_loss"]
    assert decode(json.dumps(older)) == reading(1)


def test_a_reading_that_comes_twice_is_kept_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.add(reading(1))
    assert not journal.add(reading(1))
    assert journal.add(reading(2, "done"))
    assert not journal.add(reading(2, "done"))
    assert not journal.add(reading(3))
    assert len((tmp_path / "journal.jsonl").read_text().splitlines()) == 2
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 2


@pytest.mark.parametrize("kept", range(1, 60, 7))
def test_a_kill_in_the_middle_of_a_line_loses_that_line_only(tmp_path: Path, kept: int) -> None:
    journal = Journal(tmp_path)
    journal.add(reading(1))
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + encode(reading(2)).encode()[:kept])
    again = Journal(tmp_path)
    assert again.history(TRIAL) == (reading(1),)
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 1
    again.add(reading(2))
    assert Journal(tmp_path).history(TRIAL) == (reading(1), reading(2))


def test_a_stop_amends_the_last_epoch_and_keeps_its_metrics(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(reading(1))
    journal.add(Reading(trial=TRIAL, epoch=1, status="stopped", reason="early"))
    table = pd.read_csv(tmp_path / "trials.csv")
    assert table[["epoch", "top1", "status", "reason"]].values.tolist() == [[1, 0.5, "stopped", "early"]]
    assert Journal(tmp_path).ending(TRIAL) is not None


def test_a_failure_is_a_row_with_its_reason(tmp_path: Path) -> None:
    Journal(tmp_path).add(Reading(trial=TRIAL, epoch=1, status="failed", reason="loss became NaN, twice"))
    table = pd.read_csv(tmp_path / "trials.csv")
    assert table.reason.tolist() == ["loss became NaN, twice"]
    assert table.top1.isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epoch": 0}, "epoch: Input should be greater than or equal to 1"),
        ({"top1": 1.5}, "top1: Input should be less than or equal to 1"),
        ({"top1": "high"}, "top1: Input should be a valid number"),
        ({"val_loss": float("nan")}, "val_loss: Input should be a finite number"),
        ({"status": "dnoe"}, "status: Input should be 'running', 'paused'"),
        ({"trial": {"candidate": "", "seed": 0}}, "trial.candidate: String should have at least 1 character"),
        ({"trial": {"candidate": "c00", "seed": -1}}, "trial.seed: Input should be greater"),
        ({"epoch": 10**30}, None),
    ],
)
def test_a_value_out_of_its_range_is_named(tmp_path: Path, change: dict[str, object], message: str | None) -> None:
    entry = {"trial": {"candidate": "c00", "seed": 0}, "epoch": 1, "status": "running", "top1": 0.5, "later": 1}
    (tmp_path / "journal.jsonl").write_text(json.dumps(entry) + "\n" + json.dumps(entry | change) + "\n")
    if message is None:
        assert len(read_entries(tmp_path / "journal.jsonl")) == 2
        return
    with pytest.raises(InvalidInput, match=f"journal.jsonl is not a journal of a run: line 2: {message}"):
        read_entries(tmp_path / "journal.jsonl")


def test_something_else_is_not_a_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("hello\nworld\n")
    with pytest.raises(InvalidInput, match="not a journal"):
        Journal(tmp_path)


def test_a_paused_trial_goes_on_where_it_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.add(reading(1))
    assert journal.add(reading(2, "paused"))
    assert journal.ending(TRIAL) is None
    assert not journal.add(reading(1)), "a continued trial tells its first epochs again"
    assert not journal.add(reading(2)), "running where it had been paused is no news"
    assert journal.add(reading(3))
    assert journal.add(reading(4, "paused"))
    assert pd.read_csv(tmp_path / "trials.csv").status.tolist() == ["running", "paused", "running", "paused"]
    assert [one.epoch for one in Journal(tmp_path).history(TRIAL)] == [1, 2, 3, 4]


def test_a_trial_that_would_have_run_on_is_paused_where_it_stands(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(reading(1))
    assert journal.add(reading(1, "paused"))
    assert pd.read_csv(tmp_path / "trials.csv").status.tolist() == ["paused"]
    assert Journal(tmp_path).history(TRIAL) == (reading(1, "paused"),)


def test_proposals_are_kept_in_their_order(tmp_path: Path) -> None:
    journal, found = Journal(tmp_path), [Proposal(shares=(0.2, 0.3, 0.5), candidate="c06")]
    found.append(Proposal(shares=(0.0, 0.0, 1.0), candidate=""))
    journal.add(reading(1))
    for proposal in found:
        journal.propose(proposal)
        assert decode(encode(proposal)) == proposal
    assert Journal(tmp_path).proposals == tuple(found)
    assert len(pd.read_csv(tmp_path / "trials.csv")) == 1


def test_a_large_table_is_not_written_anew_for_each_amended_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scaling_search.search.journal._SMALL", 0)
    monkeypatch.setattr("scaling_search.search.journal.to_disk", lambda file: file.flush())
    journal = Journal(tmp_path)
    trials = [Trial(candidate=f"c{number:02d}", seed=0) for number in range(40)]
    for trial in trials:
        journal.add(reading(1, trial=trial))
    inodes = set()
    for trial in trials:
        journal.add(Reading(trial=trial, epoch=1, status="stopped", reason="early"))
        inodes.add((tmp_path / "trials.csv").stat().st_ino)
        table = read_readings(tmp_path / "trials.csv")  # what a reader makes of it at any moment
        assert len(table) == 40
        assert table.set_index("candidate").loc[trial.candidate, "status"] == "stopped"
    assert len(inodes) < 15
    journal.settle()
    assert (tmp_path / "trials.csv").read_text().count("\n") == 41
