"""`ask` and `tell`: trials that are trained in a loop of one's own, and runs that are left and opened again."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fake_training import quick
from tiny_study import Ear, MakeStudy, interrupted_after

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Trial
from scaling_search.study.asking import TrialAsk
from scaling_search.study.study import Study


def train_all(study: Study, *, at_most: int = 1000) -> list[TrialAsk]:
    """Answers every ask with 0.50, 0.51, … by candidate; returns the asks."""
    asks: list[TrialAsk] = []
    while len(asks) < at_most and (ask := study.ask()) is not None:
        asks.append(ask)
        number = int(ask.trial.candidate[1:])
        for epoch in range(1, ask.epochs + 1):
            study.tell(ask, top1=0.5 + 0.01 * number + 0.001 * ask.seed, epoch=epoch, seconds=1.0)
    return asks


def test_a_whole_search_by_hand(make_study: MakeStudy) -> None:
    study = make_study()
    asks = train_all(study)
    assert len(asks) == len({ask.trial for ask in asks}) == 12
    assert [ask.seed for ask in asks] == [0] * 6 + [1] * 6
    assert all(ask.epochs == 2 for ask in asks)
    assert study.ask() is None
    assert study.complete
    ear = Ear()
    answer = study.analyze([ear])
    assert answer.analysis.table["top1"].idxmax() == "c05"
    assert len(ear.answers) == 1
    assert answer.table["seeds"].eq(2).all()


def test_an_ask_brings_its_network(make_study: MakeStudy) -> None:
    study = make_study()
    ask = study.ask()
    assert ask is not None
    candidate = study.prepared.candidates[0]
    assert (ask.trial, ask.epochs) == (Trial(candidate="c00", seed=0), 2)
    assert ask.network.network == candidate.network
    assert ask.network.classes == 3


def test_a_trial_that_is_out_is_not_asked_for_again(make_study: MakeStudy) -> None:
    study = make_study()
    out = [study.ask() for _ in range(12)]
    assert len({ask.trial for ask in out if ask}) == 12
    assert study.ask() is None
    assert not study.complete


def test_what_listeners_hear_is_what_was_told(make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=interrupted_after(0))
    ear = Ear()
    study.run([ear], train=interrupted_after(3))
    assert [str(reading.trial) for reading in ear.readings] == ["c00-s0", "c00-s0", "c01-s0"]
    assert ear.plans[0].record == study.prepared.record
    assert len(ear.plans[0].candidates) == 6
    assert not list(ear.plans[0].evidence.readings())


def test_by_hand_in_one_process_and_on_in_another(make_study: MakeStudy) -> None:
    first = make_study()
    done = train_all(first, at_most=5)
    first.release()
    again = Study.open("run")
    rest = train_all(again)
    assert {ask.trial for ask in done}.isdisjoint({ask.trial for ask in rest})
    assert len(done) + len(rest) == 12
    assert again.complete
    assert again.run(train=interrupted_after(0)), "nothing is left to train"


def test_a_failure_is_told_with_its_reason(make_study: MakeStudy) -> None:
    study = make_study(seeds=1)
    first = study.ask()
    assert first is not None
    study.tell(first, failed="out of\nmemory")
    train_all(study)
    row = pd.read_csv("run/trials.csv").set_index("candidate").loc["c00"]
    assert (row["status"], row["reason"], row["epoch"]) == ("failed", "out of memory", 2)
    answer = study.analyze()
    assert "c00" not in answer.table.index
    assert any("1 trial failed: 1 × out of memory" in warning for warning in answer.warnings)


def test_a_released_trial_that_brought_too_little_is_asked_for_again(make_study: MakeStudy) -> None:
    study = make_study(seeds=1)
    first = study.ask()
    assert first is not None
    study.tell(first, top1=0.4, epoch=1)
    assert study.ask() != first, "it is still being trained"
    study.release()
    again = Study.open("run").ask()
    assert again is not None
    assert again.trial == first.trial


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({}, "top1 is the fraction of validation images"),
        ({"top1": 53.0}, "0 to 1, not 53"),
        ({"top1": float("nan")}, "0 to 1, not nan"),
        ({"top1": 0.5, "epoch": 3}, "asked to have 2 epochs, so there is no epoch 3"),
        ({"top1": 0.5, "epoch": 0}, "no epoch 0"),
        ({"top1": 0.5, "val_los": 1.0}, "has no val_los; it may have train_loss, val_loss"),
        ({"top1": 0.5, "val_loss": float("nan")}, "val_loss"),
        ({"top1": 0.5, "top5": -1.0}, "top5"),
        ({"top1": 0.5, "seconds": "long"}, "seconds"),
    ],
)
def test_wrong_numbers_are_refused_and_not_written(make_study: MakeStudy, told: dict[str, Any], sentence: str) -> None:
    study = make_study()
    ask = study.ask()
    assert ask is not None
    with pytest.raises(InvalidInput, match=sentence):
        study.tell(ask, **told)
    assert not Path("run/journal.jsonl").exists()
    study.tell(ask, top1=0.5)


def test_an_ask_that_was_never_made_is_refused(make_study: MakeStudy) -> None:
    study = make_study()
    ask = study.ask()
    assert ask is not None
    other = TrialAsk(Trial(candidate="c99", seed=0), 2, network=ask.network)
    with pytest.raises(InvalidInput, match="c99-s0"):
        study.tell(other, top1=0.5)


@pytest.mark.parametrize("count", [0, 1, 5, 10])
def test_interrupted_anywhere_and_opened_again_a_search_comes_to_the_same(make_study: MakeStudy, count: int) -> None:
    whole, study = make_study(folder="whole", seeds=1), make_study(seeds=1)
    assert whole.run(train=quick)
    assert not study.run(train=interrupted_after(count)), "interrupted"
    assert Study.open("run").run(train=quick)
    journals = [Path(folder, "journal.jsonl").read_text().splitlines() for folder in ("run", "whole")]
    assert sorted(journals[0]) == sorted(journals[1])


@pytest.mark.parametrize("count", [3, 13, 17, 20])
def test_samples_are_counted_over_all_starts(make_study: MakeStudy, count: int) -> None:
    """Interrupted before, between and after its proposals, an Optuna search makes as many as an undisturbed one."""
    options = {"search": "optuna", "parts": ..., "samples": 4, "seeds": 1}
    whole = make_study(folder="whole", **options)
    assert whole.run(train=quick)
    study = make_study(**options)
    study.run(train=interrupted_after(count))
    again = Study.open("run")
    assert again.run(train=quick)
    proposals = [
        line for line in map(json.loads, Path("run/journal.jsonl").read_text().splitlines()) if "shares" in line
    ]
    assert len(proposals) == 4
    pd.testing.assert_frame_equal(pd.read_csv("run/candidates.csv"), pd.read_csv("whole/candidates.csv"))
