"""More evidence in the same run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_study import MakeStudy, interrupted_after

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.search.executors import Job
from scaling_search.search.folder import RunFolder
from scaling_search.study.study import Study
from scaling_search.study.tables import read_readings

SURFACE: dict[str, Any] = {"parts": ..., "seeds": ..., "epochs": 2, "budget": 20}


def timed(job: Job) -> Iterator[Reading]:
    """Half a second an epoch."""
    for epoch in range(1, job.epochs + 1):
        status: Status = "running" if epoch < job.epochs else "paused"
        top1 = 0.4 + 0.03 * (sum(map(ord, str(job.trial))) % 5)
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top1, val_loss=1.0, seconds=0.5)


def trainings() -> int:
    return len(read_readings(Path("run/trials.csv")).drop_duplicates(["candidate", "seed"]))


def test_surface_goes_on_asking_for_so_long(make_study: MakeStudy) -> None:
    study = make_study(**SURFACE)
    assert study.run(train=timed)
    before = trainings()
    again = Study.open("run")
    prepared = again.extend(budget="4s")  # four trainings of a second
    assert prepared.record.plan.trials == before + 4
    assert not again.complete
    assert again.run(train=timed)
    assert trainings() == before + 4
    assert RunFolder(Path("run")).record().plan.trials == before + 4, "and it stays so"


def test_a_sweep_gets_more_seeds(make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=timed)
    assert study.extend(seeds=1).record.seeds == 3
    assert study.run(train=timed)
    assert trainings() == 18
    assert study.extend(budget=12.5).record.seeds == 5, "twelve trainings of a second are two of each"


def test_a_lattice_gets_finer(make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=timed)
    before, known = Path("run/trials.csv").read_text(), [one.id for one in study.prepared.candidates]
    prepared = study.extend(parts=2)
    assert [one.id for one in prepared.candidates[: len(known)]] == known
    assert len({one.key for one in prepared.candidates}) == len(prepared.candidates) > len(known)
    assert prepared.record.plan.trials == 2 * len(prepared.candidates)
    assert not study.complete
    study.release()
    again = Study.open("run")  # as after a kill
    assert again.run(train=timed)
    assert trainings() == 2 * len(prepared.candidates)
    assert Path("run/trials.csv").read_text().startswith(before), "nothing was trained again"
    assert again.prepared.record.strategy["parts"] == 2


def test_a_kill_between_the_table_and_the_plan_costs_nothing(
    make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    study.run(train=timed)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "write_record", killed)
        with pytest.raises(KeyboardInterrupt):
            study.extend(parts=2)
    study.release()
    again = Study.open("run")
    assert not again.complete
    assert again.run(train=timed)
    assert trainings() == 2 * len(again.prepared.candidates) > 12


def test_what_cannot_be_extended_is_said(make_study: MakeStudy) -> None:
    study = make_study()
    with pytest.raises(InvalidInput, match="nothing has been trained yet"):
        study.extend(budget=10)
    study.run(train=timed)
    for wrong, sentence in (
        ({}, "a budget, seeds or parts"), ({"seeds": 1, "budget": 5}, "a budget, seeds or parts"),
        ({"parts": 1}, "has 1 parts already"),
        ({"budget": 0.5}, "a training of this run takes about 1"), ({"budget": 5}, "are not one of each of the 6"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=sentence):
            study.extend(**wrong)


def test_a_surface_has_no_seeds_and_an_open_pilot_comes_first(make_study: MakeStudy) -> None:
    study = make_study(**SURFACE | {"pilot": True})
    study.run(train=interrupted_after(3, timed))
    with pytest.raises(InvalidInput, match="the plan is not settled yet"):
        study.extend(budget=10)
    Study.open("run").run(train=timed)
    with pytest.raises(InvalidInput, match="surface decides itself"):
        Study.open("run").extend(seeds=1)
    with pytest.raises(InvalidInput, match="surface has no lattice"):
        Study.open("run").extend(parts=4)
