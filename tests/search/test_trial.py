"""A trial from its job to its readings, and what becomes of everything that can go wrong in it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_training import job

from scaling_search.evidence import Reading, Trial
from scaling_search.search.executors import Job, train_trial
from scaling_search.training.failure import MachineFailed, TrainingFailed
from scaling_search.training.loop import EpochMetrics
from scaling_search.training.recipe import recipe


@pytest.fixture
def planned(tmp_path: Path) -> Job:
    return replace(job(2, seed=1, epochs=3), checkpoint=tmp_path / "checkpoints" / "c02-s1.pt", deterministic=True)


Given = list[tuple[tuple[Any, ...], dict[str, Any]]]


def train_as(monkeypatch: pytest.MonkeyPatch, *, until: int, error: Exception | None = None, start: int = 1) -> Given:
    """The loop is replaced by one that brings epochs start … until, and then fails; returns what it is called with."""
    given: Given = []

    def train_epochs(*arguments: Any, **options: Any) -> Iterator[EpochMetrics]:
        given.append((arguments, options))
        for epoch in range(start, until + 1):
            yield EpochMetrics(
                epoch=epoch, images_seen=100 * epoch, train_loss=2.0, val_loss=1.9, top1=0.1 * epoch, top5=0.5,
                seconds=1.5, images_per_second=200.0, micro_batch=32,
            )  # fmt: skip
        if error is not None:
            raise error

    monkeypatch.setattr("scaling_search.training.loop.train_epochs", train_epochs)
    return given


def test_every_epoch_is_a_reading_and_the_last_an_end(planned: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    given = train_as(monkeypatch, until=3)
    readings = list(train_trial(planned))
    assert [(reading.epoch, reading.status) for reading in readings] == [(1, "running"), (2, "running"), (3, "done")]
    assert readings[1] == Reading(
        trial=Trial(candidate="c02", seed=1), epoch=2, status="running", images_seen=200, train_loss=2.0, val_loss=1.9,
        top1=0.2, top5=0.5, seconds=1.5, images_per_second=200.0,
    )  # fmt: skip
    ((arguments, options),) = given
    assert arguments == (planned.network, planned.dataset, planned.recipe)
    assert options == {
        "epochs": 3, "seed": 1, "device": "cpu", "checkpoint": planned.checkpoint, "deterministic": True,
    }  # fmt: skip
    assert planned.checkpoint.parent.is_dir()


def test_where_budgets_nest_it_is_paused(planned: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    train_as(monkeypatch, until=3)
    nested = replace(planned, recipe=recipe("proxy", schedule={"kind": "constant"}, ema=0.999))
    assert [reading.status for reading in train_trial(nested)] == ["running", "running", "paused"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TrainingFailed("loss became NaN in epoch 3"), "loss became NaN in epoch 3"),
        (TrainingFailed("cannot be built:\n  no\tgroups"), "cannot be built: no groups"),
        (TrainingFailed("x" * 1000), "x" * 300),
    ],
)
def test_a_failure_is_a_reading_with_its_reason(
    planned: Job, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    train_as(monkeypatch, until=2, error=error)
    *before, last = train_trial(planned)
    assert [reading.epoch for reading in before] == [1, 2]
    assert last == Reading(trial=planned.trial, epoch=3, status="failed", reason=reason)


@pytest.mark.parametrize(
    "error",
    [
        MachineFailed("CUDA error: out of luck"),
        OSError(28, "No space left on device"),
        KeyError("x"),
        RuntimeError("y"),
    ],
    ids=repr,
)
def test_what_says_nothing_of_the_network_is_no_reading(
    planned: Job, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    train_as(monkeypatch, until=0, error=error)
    with pytest.raises(type(error)):
        list(train_trial(planned))


def test_a_user_who_interrupts_is_no_failure(planned: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    interruption: Any = KeyboardInterrupt()
    train_as(monkeypatch, until=1, error=interruption)
    with pytest.raises(KeyboardInterrupt):
        list(train_trial(planned))


def test_a_continued_trial_that_fails_keeps_its_epochs(planned: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """It went on from a checkpoint after epoch 2 and failed before epoch 3 ended, so epoch 1 is not the failed one."""
    history = tuple(Reading(trial=planned.trial, epoch=epoch, status="running", top1=0.1) for epoch in (1, 2))
    train_as(monkeypatch, until=0, error=TrainingFailed("no"))
    (failure,) = train_trial(replace(planned, history=history))
    assert failure.epoch == 3
