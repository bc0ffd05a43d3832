import errno
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fake_training import EPOCHS, Listed, dying, hindered, job, lingering, quick

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Trial
from scaling_search.search.executors import Conditions, Executor, Inline, Job, Ray, Replay, Scheduler, Train
from scaling_search.search.executors.ray import make_scheduler
from scaling_search.search.executors.ray_session import Session
from scaling_search.search.executors.trouble import DIED
from scaling_search.search.journal import Journal, encode

CPU = Conditions(device="cpu", epochs=EPOCHS)


def jobs(candidates: int = 6, seeds: int = 2) -> list[Job]:
    return [job(candidate, seed) for seed in range(seeds) for candidate in range(candidates)]


def collect(
    executor: Executor, planned: list[Job], train: Train = quick, conditions: Conditions = CPU
) -> list[Reading]:
    readings: list[Reading] = []
    source = Listed(planned)
    executor.run(source, train=train, on_reading=readings.append, conditions=conditions)
    assert {each.trial for each in source.told} == {each.trial for each in planned}, "every job is told to have ended"
    return readings


def rows(readings: list[Reading]) -> list[str]:
    return sorted(encode(reading) for reading in readings)


def test_inline_runs_everything_and_a_failure_stops_nothing() -> None:
    readings = collect(Inline(), jobs())
    ends = [reading for reading in readings if reading.final]
    assert len(ends) == 12
    assert {reading.trial.candidate for reading in ends if reading.status == "failed"} == {"c03"}
    assert all(reading.epoch == EPOCHS for reading in ends if reading.status == "done")


@pytest.mark.ray
def test_ray_brings_the_same_readings_as_inline(started_ray: None) -> None:
    assert rows(collect(Ray(workers=2), jobs())) == rows(collect(Inline(), jobs()))


@pytest.mark.ray
@pytest.mark.parametrize("scheduler", ["asha", "median", "hyperband"])
def test_schedulers_stop_the_worse_and_finish_the_best(started_ray: None, scheduler: Scheduler, tmp_path: Path) -> None:
    executor = Ray(workers=2, scheduler=scheduler)
    journal = Journal(tmp_path)
    best_first = sorted(jobs(candidates=16, seeds=1), key=lambda each: each.trial, reverse=True)
    executor.run(Listed(best_first), train=quick, on_reading=journal.add, conditions=CPU)
    ends = {str(each.trial): journal.ending(each.trial) for each in best_first}
    assert all(ends.values()), "every trial has an end"
    done = [name for name, end in ends.items() if end and end.status == "done"]
    stopped = [name for name, end in ends.items() if end and end.status == "stopped"]
    assert "c15-s0" in done
    assert stopped, "a scheduler that stops nothing is fifo"


@pytest.mark.ray
def test_a_dead_worker_fails_its_trial_only(started_ray: None) -> None:
    readings: list[Reading] = []
    source = Listed(jobs(candidates=3, seeds=1))
    Ray(workers=2).run(source, train=dying, on_reading=readings.append, conditions=CPU)
    ends = {reading.trial.candidate: reading.status for reading in readings if reading.final}
    assert ends == {"c00": "done", "c02": "done"}
    assert source.troubles == {"c01": DIED}


@pytest.mark.ray
def test_a_training_that_is_slow_to_end_costs_no_other_its_worker(started_ray: None) -> None:
    """Tune gives the next trial up where the worker is not free at once, and tells nobody."""
    readings = collect(Ray(workers=1, scheduler="asha"), jobs(candidates=3, seeds=1), lingering)
    assert [reading.status for reading in readings if reading.final] == ["done"] * 3


def test_what_tune_gave_up_before_it_began_is_wanted_again() -> None:
    from scaling_search.search.executors.ray_parts import ReadingCallback, SourceSearcher

    source = Listed(jobs(candidates=2, seeds=1))
    searcher = SourceSearcher(source, lambda: 2)
    assert [isinstance(searcher.suggest(name), dict) for name in ("a", "b")] == [True, True]
    trials = [SimpleNamespace(trial_id="a", status="RUNNING"), SimpleNamespace(trial_id="b", status="ERROR")]
    callback = ReadingCallback(lambda reading: None, searcher)
    for _ in range(2):
        callback.on_step_end(0, trials)
    assert [each.trial.candidate for each in source.interrupted] == ["c01"]


@pytest.mark.parametrize("executor", [Inline(), pytest.param(Ray(workers=2), marks=pytest.mark.ray)], ids=str)
def test_what_the_environment_does_is_told_and_is_no_reading(
    executor: Executor, request: pytest.FixtureRequest
) -> None:
    if executor.kind == "ray":
        request.getfixturevalue("started_ray")
    readings: list[Reading] = []
    source = Listed(jobs(candidates=3, seeds=1))
    executor.run(source, train=hindered, on_reading=readings.append, conditions=CPU)
    assert source.troubles == {"c01": "No space left on device: c01-s0.pt"}
    assert [reading.epoch for reading in readings if reading.trial.candidate == "c01"] == [1]
    assert sum(reading.final for reading in readings) == 2


@pytest.mark.parametrize("executor", [Inline(), pytest.param(Ray(workers=2), marks=pytest.mark.ray)], ids=str)
def test_what_happens_to_the_record_ends_the_run(executor: Executor, request: pytest.FixtureRequest) -> None:
    """A full disk under the journal is not the trial's trouble."""
    if executor.kind == "ray":
        request.getfixturevalue("started_ray")

    def full(reading: Reading) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "journal.jsonl")

    source = Listed(jobs(candidates=3, seeds=1))
    with pytest.raises(OSError, match=r"No space left on device.*journal"):
        executor.run(source, train=quick, on_reading=full, conditions=CPU)
    assert not source.troubles


@pytest.mark.ray
def test_a_gpu_that_does_not_exist_is_refused_before_anything_waits_for_it(started_ray: None) -> None:
    with pytest.raises(InvalidInput, match=r"asks for 0\.25 GPU"):
        Ray(workers=1, trials_per_gpu=4).run(
            Listed(jobs()), train=quick, on_reading=print, conditions=Conditions(device="cuda", epochs=EPOCHS)
        )


@pytest.mark.ray
def test_a_trial_is_given_its_part_of_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is started: Tune is only asked what it is asked for."""
    from ray import tune

    asked: dict[str, Any] = {}

    class Kept:
        def __init__(self, trainable: Any, *, tune_config: Any, run_config: Any) -> None:
            asked["at once"] = tune_config.search_alg._room()

        def fit(self) -> None: ...

    place = "scaling_search.search.executors.ray"
    monkeypatch.setattr(f"{place}.started", lambda cpus, log, address: nullcontext(Session(tmp_path)))
    monkeypatch.setattr(f"{place}._check_resources", lambda cpus, gpu: asked.update(needed=gpu))
    monkeypatch.setattr(f"{place}.describe_device", lambda kind: {"count": 2})
    monkeypatch.setattr(tune, "with_resources", lambda trainable, resources: asked.update(resources=resources))
    monkeypatch.setattr(tune, "Tuner", Kept)
    Ray(trials_per_gpu=4).run(
        Listed(jobs()), train=quick, on_reading=print, conditions=Conditions(device="cuda", epochs=EPOCHS)
    )
    assert asked == {"needed": 0.25, "resources": {"cpu": 1.0, "gpu": 0.25}, "at once": 8}


def test_a_recorded_run_replays_as_far_as_it_is_asked() -> None:
    readings = collect(Inline(), jobs(candidates=2, seeds=1))
    recorded = {trial: tuple(r for r in readings if r.trial == trial) for trial in {r.trial for r in readings}}
    assert collect(Inline(), jobs(candidates=2, seeds=1), Replay(recorded)) == readings
    half = collect(Inline(), [job(0, epochs=2)], Replay(recorded))
    assert [(reading.epoch, reading.status) for reading in half] == [(1, "running"), (2, "paused")]
    *_, beyond = collect(Inline(), [job(0, epochs=2)], Replay({trial: half[:1] for trial, half in recorded.items()}))
    assert (beyond.epoch, beyond.status, beyond.reason) == (2, "failed", "not in the recorded run")
    (missing,) = collect(Inline(), [job(7)], Replay(recorded))
    assert missing.status == "failed"


def test_an_ended_trial_is_told_again_and_never_trained_again() -> None:
    history = (Reading(trial=Trial(candidate="c05", seed=0), epoch=1, status="stopped", top1=0.7),)
    assert collect(Inline(), [job(5, history=history)]) == list(history)


def test_workers_beyond_the_cores_are_started_in_waves() -> None:
    """Else the first of 64 on two cores waits for all of them."""
    from scaling_search.search.executors.ray_parts import SourceSearcher

    searcher = SourceSearcher(Listed(jobs(candidates=40, seeds=1)), lambda: 7, ahead=2)
    numbers = iter(range(100))
    waiting: list[str] = []

    def handed() -> int:
        before = len(waiting)
        while isinstance(searcher.suggest(name := f"t{next(numbers)}"), dict):
            waiting.append(name)
        return len(waiting) - before

    assert handed() == 2
    for expected in (2, 2, 1):  # as many as have begun: two are always waited for, until there is no room
        begun = [waiting.pop(0) for _ in range(2)]
        for name in begun:
            searcher.begin(name)
        assert handed() == expected
    searcher.on_trial_complete(begun[0])
    assert handed() == 1  # for the worker that is free now, while others still start


@pytest.mark.parametrize("name", ["fifo", "asha", "hyperband"])
def test_no_waiting_trial_takes_the_worker_of_another_that_has_ended(name: Scheduler) -> None:
    """Tune gives that worker to the trial that the scheduler names, and ends the one that was being started for it."""
    waiting = SimpleNamespace(get_trials=lambda: [SimpleNamespace(status="PENDING")])
    assert make_scheduler(name, epochs=4).choose_trial_to_run(waiting) is None


def test_of_an_ended_trial_tune_keeps_no_statistics() -> None:
    from ray.tune.experiment import Trial as TuneTrial

    from scaling_search.search.executors.ray_parts import ReadingCallback, SourceSearcher

    trial = TuneTrial("trial", stub=True)
    trial.update_last_result({"top1": 0.5, "training_iteration": 1})
    assert trial.run_metadata.metric_analysis and trial.run_metadata.metric_n_steps
    callback = ReadingCallback(lambda reading: None, SourceSearcher(Listed([]), lambda: 1))
    callback.on_trial_complete(0, [], trial)
    assert not trial.run_metadata.metric_analysis and not trial.run_metadata.metric_n_steps
