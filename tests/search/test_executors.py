import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_training import dying, quick

from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import (
    Executor,
    InlineExecutor,
    Job,
    Planned,
    RayTuneExecutor,
    Replay,
    Train,
    Work,
)
from scaling_search.search.executors.ray_tune import Scheduler
from scaling_search.search.journal import Journal, Record, Trial
from scaling_search.search.strategies import Point

EPOCHS = 4


def job(candidate: int, seed: int = 0, history: tuple[Record, ...] = ()) -> Job:
    nothing: Any = None  # the fake trainings look at neither network nor data
    return Job(
        trial=Trial(candidate=f"c{candidate:02d}", seed=seed), network=nothing, dataset=nothing, recipe=nothing,
        epochs=EPOCHS, device="cpu", checkpoint=Path("none") / "x.pt", history=history,
    )  # fmt: skip


def works(candidates: int = 6, seeds: int = 2) -> list[Work]:
    jobs = [job(candidate, seed) for seed in range(seeds) for candidate in range(candidates)]
    return [Work(name=str(each.trial), jobs=(each,)) for each in jobs]


def collect(executor: Executor, planned: list[Work], train: Train = quick) -> list[Record]:
    records: list[Record] = []
    executor.run(Planned(planned), train=train, on_record=records.append)
    return records


def rows(records: list[Record]) -> list[str]:
    return sorted(record.to_line() for record in records)


@pytest.fixture(scope="session")
def started_ray() -> Iterator[None]:
    """One Ray for all tests of this file: starting it takes seconds."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             runtime_env={"env_vars": {"PYTHONPATH": ":".join(sys.path)}})  # fmt: skip
    yield
    ray.shutdown()


def test_inline_runs_everything_and_a_failure_stops_nothing() -> None:
    records = collect(InlineExecutor(), works())
    ends = [record for record in records if record.final]
    assert len(ends) == 12
    assert {record.trial.candidate for record in ends if record.status == "failed"} == {"c03"}
    assert all(record.epoch == EPOCHS for record in ends if record.status == "done")


@pytest.mark.ray
def test_ray_brings_the_same_records_as_inline(started_ray: None) -> None:
    executor = RayTuneExecutor(workers=2, epochs=EPOCHS)
    assert rows(collect(executor, works())) == rows(collect(InlineExecutor(), works()))


@pytest.mark.ray
@pytest.mark.parametrize("scheduler", ["asha", "median", "hyperband"])
def test_schedulers_stop_the_worse_and_finish_the_best(started_ray: None, scheduler: Scheduler, tmp_path: Path) -> None:
    executor = RayTuneExecutor(workers=2, scheduler=scheduler, epochs=EPOCHS)
    journal = Journal(tmp_path)
    best_first = sorted(works(candidates=16, seeds=1), key=lambda work: work.name, reverse=True)
    executor.run(Planned(best_first), train=quick, on_record=journal.add)
    ends = {work.name: journal.ending(work.jobs[0].trial) for work in best_first}
    assert all(ends.values()), "every trial has an end"
    done = [name for name, end in ends.items() if end and end.status == "done"]
    stopped = [name for name, end in ends.items() if end and end.status == "stopped"]
    assert "c15-s0" in done
    assert stopped, "a scheduler that stops nothing is fifo"


@pytest.mark.ray
def test_a_dead_worker_fails_its_trial_only(started_ray: None) -> None:
    records = collect(RayTuneExecutor(workers=2, epochs=EPOCHS), works(candidates=3, seeds=1), dying)
    ends = {record.trial.candidate: record for record in records if record.final}
    assert {name: end.status for name, end in ends.items()} == {"c00": "done", "c01": "failed", "c02": "done"}
    assert "died twice" in ends["c01"].reason


@pytest.mark.ray
def test_a_gpu_that_does_not_exist_is_refused_before_anything_waits_for_it(started_ray: None) -> None:
    with pytest.raises(InvalidInput, match=r"asks for 0\.5 GPU"):
        collect(RayTuneExecutor(workers=1, gpu_fraction=0.5), works())


def test_a_recorded_run_replays() -> None:
    records = collect(InlineExecutor(), works(candidates=2, seeds=1))
    recorded = {trial: tuple(r for r in records if r.trial == trial) for trial in {r.trial for r in records}}
    assert collect(InlineExecutor(), works(candidates=2, seeds=1), Replay(recorded)) == records
    (missing,) = collect(InlineExecutor(), [Work(name="x", jobs=(job(7),))], Replay(recorded))
    assert missing.status == "failed"


def test_an_ended_trial_is_told_again_and_never_trained_again() -> None:
    history = (Record(trial=Trial(candidate="c05", seed=0), epoch=1, status="stopped", top1=0.7),)
    assert collect(InlineExecutor(), [Work(name="x", jobs=(job(5, history=history),))]) == list(history)


@pytest.mark.parametrize("shares", [*REFERENCES.values(), Shares(depth=0.2, width=0.3, resolution=0.5)])
def test_the_square_maps_onto_the_triangle_and_back(shares: Shares) -> None:
    from scaling_search.search.executors.optuna_source import from_shares, to_shares

    assert to_shares(*from_shares(shares)).as_tuple() == pytest.approx(shares.as_tuple())


def test_optuna_proposes_until_its_samples_are_used_and_learns_from_the_plan() -> None:
    from scaling_search.search.executors.optuna_source import OptunaSource

    proposed: list[Point] = []

    def propose(point: Point) -> Work:
        proposed.append(point)
        return Work(name="c99", jobs=())

    planned = [(REFERENCES["width"], Work(name="c01", jobs=())), (REFERENCES["depth"], Work(name="c00", jobs=()))]
    source = OptunaSource(planned, propose, samples=12, seed=1)
    assert source.left == 14
    while (work := source.next()) is not None:
        point = proposed[-1].shares if work.name.startswith("proposal") else REFERENCES["width"]
        source.tell(work, 1 - (point.resolution - 0.8) ** 2)  # the best is at four fifths for resolution
    assert source.left == 0
    assert len(proposed) == 12
    assert all(point.coefficients.budget == pytest.approx(2) for point in proposed)
    assert max(point.shares.resolution for point in proposed) > 0.6
