"""Budgets that nest, trained for real: a paused trial goes on, and comes to what an uninterrupted one shows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny_run import write_baseline, write_images

import scaling_search as ss
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence, Trial
from scaling_search.strategies import DONE, WAIT, Ask, Asks, Decision, Lattice, Planned, Point, reference_points


class TwoLengths(Planned):
    """Two epochs of the first two candidates, then four of the first."""

    def points(self) -> list[Point]:
        return reference_points()[:2]

    def refinements(self) -> "Sequence[TwoLengths]":
        return [self]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        wanted = [Ask(Trial(candidate=name, seed=0), 2) for name in evidence.candidates]
        short = [ask for ask in wanted if not evidence.has(ask.trial, ask.epochs)]
        if not short and not evidence.has(wanted[0].trial, 4):
            short = [Ask(wanted[0].trial, 4)]
        free = [ask for ask in short if ask.trial not in {other.trial for other in running}]
        return free or (WAIT if short else DONE)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "images", train=16, val=8)
    write_baseline(tmp_path / "tiny.yaml")
    return tmp_path


def study(folder: str, strategy: Planned, **options: Any) -> ss.Study:
    asked: dict[str, Any] = {"leverage": 2, "pilot": False} | options
    return ss.Study("tiny.yaml", "images", strategy=strategy, executor=ss.Inline(), folder=folder, **asked)


def rows(place: Path, folder: str) -> pd.DataFrame:
    table = pd.read_csv(place / folder / "trials.csv").sort_values(["candidate", "seed", "epoch"], ignore_index=True)
    # raw weights are read in the last epoch that was asked for, of which a trial that was paused has two
    return table.drop(columns=["seconds", "images_per_second", "raw_top1", "raw_val_loss"])


def metrics_of_c00(table: pd.DataFrame) -> pd.DataFrame:
    return table[(table["candidate"] == "c00") & (table["seed"] == 0)].drop(columns="status").reset_index(drop=True)


def test_a_paused_trial_goes_on_from_its_checkpoint(place: Path) -> None:
    nested = study("nested", TwoLengths(seeds=1, epochs=4), recipe="averaged")
    assert nested.run()
    table = rows(place, "nested")
    assert table.status.tolist() == ["running", "paused", "running", "paused", "running", "paused"]
    assert {path.name for path in (place / "nested" / "checkpoints").glob("*.pt")} == {"c00-s0.pt", "c01-s0.pt"}
    assert study("whole", Lattice(parts=1, seeds=1, epochs=4), recipe="averaged").run()
    pd.testing.assert_frame_equal(metrics_of_c00(table), metrics_of_c00(rows(place, "whole")))


def test_the_answer_compares_at_the_epochs_of_a_whole_trial(place: Path) -> None:
    nested = study("nested", TwoLengths(seeds=1, epochs=4), recipe="averaged")
    nested.run()
    answer = nested.analyze()
    assert list(answer.table.index) == ["c00"]
    assert any("1 trial had begun and not finished" in warning for warning in answer.warnings)


def test_a_recipe_that_ends_with_its_budget_is_refused(place: Path) -> None:
    with pytest.raises(InvalidInput, match=r"TwoLengths asks for 2 of 4 epochs.*use --recipe averaged"):
        study("annealed", TwoLengths(seeds=1, epochs=4), recipe="proxy").run()


def test_a_strategy_of_ones_own_is_handed_over_again(place: Path) -> None:
    own = study("own", TwoLengths(seeds=1, epochs=4), recipe="averaged")
    own.run()
    with pytest.raises(InvalidInput, match=r"strategy of your own \(TwoLengths\)"):
        ss.Study.open("own").run()
    assert ss.Study.open("own", strategy=TwoLengths(seeds=1, epochs=4)).run()
