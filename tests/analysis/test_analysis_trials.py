from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_run import edit_trials, fail_rows, peak, plant, read_run, searched

from scaling_search.analysis.trials import SHARES, trials_from_tables
from scaling_search.errors import InvalidInput

TRUTH = peak((0.2, 0.3, 0.5))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return plant(tmp_path / "run", truth=TRUTH, points=searched(2), seeds=2, epochs=3)


def test_a_finished_run_has_one_final_row_a_trial(run: Path) -> None:
    trials = read_run(run)
    assert len(trials.final) == 2 * len(trials.candidates)
    assert (trials.final["epoch"] == 3).all()
    assert len(trials.readings) == 3 * len(trials.final)
    assert (len(trials.failed), len(trials.stopped), trials.unfinished) == (0, 0, 0)


def test_running_stopped_and_failed_trials_are_kept_apart(run: Path) -> None:
    def accident(rows: pd.DataFrame) -> pd.DataFrame:
        end = rows["epoch"] == 3
        rows = rows[~(end & (rows["candidate"] == "c00") & (rows["seed"] == 0))]  # still running
        rows.loc[end & (rows["candidate"] == "c01") & (rows["seed"] == 0), "status"] = "stopped"
        failed = end & (rows["candidate"] == "c02") & (rows["seed"] == 1)
        return fail_rows(rows, failed, "loss became NaN at step 12")

    edit_trials(run, accident)
    trials = read_run(run)
    assert trials.unfinished == 1
    assert list(trials.stopped["candidate"]) == ["c01"]
    assert list(trials.failed["reason"]) == ["loss became NaN at step 12"]
    assert len(trials.final) == 2 * len(trials.candidates) - 3
    assert not set(zip(trials.readings["candidate"], trials.readings["seed"], strict=True)) & {("c00", 0), ("c01", 0)}


def test_a_trial_that_goes_on_counts_with_its_reading_at_the_epochs_compared(run: Path) -> None:
    table, rows = pd.read_csv(run / "candidates.csv"), pd.read_csv(run / "trials.csv")
    rows = rows.assign(status=rows["status"].where(rows["candidate"] != "c01", "paused"))  # paused after every epoch
    rows = fail_rows(rows, (rows["candidate"] == "c02") & (rows["epoch"] == 3), "out of memory")
    trials = trials_from_tables(table, rows, epochs=2)
    assert len(trials.final) == 2 * len(table)
    assert (trials.final["epoch"] == 2).all()
    assert trials.readings["epoch"].max() == 2
    assert trials.failed.empty  # what it showed before still counts


def test_without_epochs_each_trial_counts_at_its_end(run: Path) -> None:
    table, rows = pd.read_csv(run / "candidates.csv"), pd.read_csv(run / "trials.csv")
    rows = rows[(rows["candidate"] != "c01") | (rows["epoch"] < 3)]
    rows.loc[(rows["candidate"] == "c01") & (rows["epoch"] == 2), "status"] = "paused"
    trials = trials_from_tables(table, rows)
    assert trials.final.groupby("candidate")["epoch"].max().to_dict()["c01"] == 2
    assert trials.epochs == 3
    assert trials.unfinished == 0


def test_that_all_failed_is_said_with_the_reasons(run: Path) -> None:
    edit_trials(run, lambda rows: fail_rows(rows, rows["epoch"] == 3, "out of memory"))
    with pytest.raises(InvalidInput, match=r"all 18 failed, 18 × out of memory"):
        read_run(run)


def test_a_half_written_last_row_is_left_out(run: Path) -> None:
    path = run / "trials.csv"
    whole = path.read_text().rstrip("\n")
    path.write_text(whole[: whole.rindex("don")])  # the last row lost its status
    assert read_run(run).unfinished == 1
    path.write_text(whole[: whole.rindex(",done")] + ",do")
    assert read_run(run).unfinished == 1


def test_a_repeated_row_counts_once(run: Path) -> None:
    before = read_run(run)
    edit_trials(run, lambda rows: pd.concat([rows, rows.tail(4)]))
    after = read_run(run)
    assert len(after.final) == len(before.final)
    assert len(after.readings) == len(before.readings)


def test_a_trial_that_failed_and_was_repeated_counts_as_done(run: Path) -> None:
    def failed_first(rows: pd.DataFrame) -> pd.DataFrame:
        failure = rows.iloc[[0]].assign(status="failed", reason="out of memory", top1=np.nan, epoch=1)
        return pd.concat([failure, rows])

    edit_trials(run, failed_first)
    trials = read_run(run)
    assert trials.failed.empty
    assert len(trials.final) == 2 * len(trials.candidates)


def test_shares_are_those_of_what_was_built(run: Path) -> None:
    path = run / "candidates.csv"
    table = pd.read_csv(path)
    row = table.index[table["named"] == "depth"][0]
    table.loc[row, ["effective_depth", "effective_width", "effective_resolution"]] = [1.5, 1.1, 1.0]
    table.to_csv(path, index=False)
    built = read_run(run).candidates.iloc[row]
    total = np.log(1.5) + 2 * np.log(1.1)
    assert built[SHARES].tolist() == pytest.approx([np.log(1.5) / total, 2 * np.log(1.1) / total, 0])
    assert built["nominal_share_depth"] == 1


def test_shares_of_a_network_that_hardly_grew_are_those_asked_for(run: Path) -> None:
    path = run / "candidates.csv"
    table = pd.read_csv(path)
    table.loc[0, ["effective_depth", "effective_width", "effective_resolution"]] = [1.0, 1.0, 1.0]
    table.to_csv(path, index=False)
    shares = read_run(run).candidates[SHARES].to_numpy(float)
    assert shares[0] == pytest.approx(table[SHARES].to_numpy(float)[0])


def test_a_dimension_that_shrank_in_rounding_has_no_negative_share(run: Path) -> None:
    path = run / "candidates.csv"
    table = pd.read_csv(path)
    table.loc[0, ["effective_depth", "effective_width", "effective_resolution"]] = [0.97, 1.0, 1.4]
    table.to_csv(path, index=False)
    assert read_run(run).candidates.iloc[0][SHARES].tolist() == pytest.approx([0, 0, 1])


def test_the_target_cost_is_two_to_the_phi_within_what_was_trained(tmp_path: Path) -> None:
    run = plant(tmp_path / "shrunk", truth=TRUTH, points=searched(2), seeds=1, phi=-1.0)
    assert read_run(run).target_ratio == pytest.approx(0.5)
    table = pd.read_csv(run / "candidates.csv")
    table["macs_ratio"] = np.linspace(0.6, 0.8, len(table))
    table.to_csv(run / "candidates.csv", index=False)
    assert read_run(run).target_ratio == pytest.approx(0.6)


def test_no_finished_trial_is_explained(run: Path) -> None:
    edit_trials(run, lambda rows: rows[rows["epoch"] < 3])
    with pytest.raises(InvalidInput, match="no finished trial"):
        read_run(run)


@pytest.mark.parametrize("name", ["run.yaml", "candidates.csv", "trials.csv"])
def test_a_missing_or_empty_file_is_named(run: Path, name: str) -> None:
    (run / name).write_text("")
    with pytest.raises(InvalidInput, match=name):
        read_run(run)
    (run / name).unlink()
    with pytest.raises(InvalidInput, match=name):
        read_run(run)


def test_a_missing_column_is_named(run: Path) -> None:
    edit_trials(run, lambda rows: rows.drop(columns="top1"))
    with pytest.raises(InvalidInput, match=r"table of trials lacks the column top1"):
        read_run(run)
