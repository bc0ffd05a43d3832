import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_training import EPOCHS, Listed, dying, job, quick

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Trial
from scaling_search.search.executors import Conditions, Executor, Inline, Job, Ray, Replay, Scheduler, Train
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


@pytest.fixture(scope="session")
def started_ray() -> Iterator[None]:
    """One Ray for all tests of this file: starting it takes seconds."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             runtime_env={"env_vars": {"PYTHONPATH": ":".join(sys.path)}})  # fmt: skip
    yield
    ray.shutdown()


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
    readings = collect(Ray(workers=2), jobs(candidates=3, seeds=1), dying)
    ends = {reading.trial.candidate: reading for reading in readings if reading.final}
    assert {name: end.status for name, end in ends.items()} == {"c00": "done", "c01": "failed", "c02": "done"}
    assert "died twice" in ends["c01"].reason


@pytest.mark.ray
def test_a_gpu_that_does_not_exist_is_refused_before_anything_waits_for_it(started_ray: None) -> None:
    with pytest.raises(InvalidInput, match=r"asks for 0\.25 GPU"):
        Ray(workers=1, trials_per_gpu=4).run(
            Listed(jobs()), train=quick, on_reading=print, conditions=Conditions(device="cuda", epochs=EPOCHS)
        )


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
