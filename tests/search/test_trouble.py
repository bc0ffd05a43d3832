"""A failing environment is not a result: tried again, left open with its reason, and too much of it stops a run."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driven_run import Place, Run, known
from fake_training import quick

from scaling_search.evidence import Reading, Trial
from scaling_search.search.driver import Driver, Jobs
from scaling_search.search.executors import Conditions, Inline, Job
from scaling_search.search.executors.trouble import reason_of
from scaling_search.search.listener import Listener
from scaling_search.search.tally import Tally, kind_of
from scaling_search.strategies import Lattice, Optuna, Strategy

FULL = "No space left on device"
SMALL = Lattice(parts=1, seeds=2, epochs=2)  # 6 candidates, 12 trials


def failing(*names: str, times: int = 99) -> Callable[[Job], Iterator[Reading]]:
    """Like quick, but the disk is full so many times for these candidates, after an epoch."""
    met: list[Trial] = []

    def train(job: Job) -> Iterator[Reading]:
        for reading in quick(job):
            yield reading
            if job.trial.candidate in names and met.count(job.trial) < times:
                met.append(job.trial)
                raise OSError(errno.ENOSPC, FULL, f"checkpoints/{job.trial}.pt")

    return train


class Ear(Listener):
    def __init__(self) -> None:
        self.heard: list[tuple[str, bool]] = []

    def on_trouble(self, trial: Trial, reason: str, *, again: bool) -> None:
        self.heard.append((str(trial), again))


def go(
    driver: Driver[Place], run: Run, train: Callable[[Job], Iterator[Reading]], trials: int | None = None
) -> Jobs[Place]:
    jobs = Jobs(driver, run.job, trials=trials)
    Inline().run(jobs, train=train, on_reading=driver.tell, conditions=Conditions(device="cpu", epochs=2))
    return jobs


@pytest.mark.parametrize("strategy", [SMALL, Optuna(samples=3, seeds=2, epochs=2)], ids=str)
def test_trouble_that_passes_leaves_no_trace(strategy: Strategy, tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", strategy).go()
    run = Run(tmp_path / "run", strategy)
    driver, ear = run.driver(), Ear()
    driver.listeners = (ear,)
    jobs = go(driver, run, failing("c01", times=1))
    assert driver.complete and not jobs.stopped and not driver.troubles
    assert known(driver) == known(whole)
    assert ear.heard == [("c01-s0", True), ("c01-s1", True)]


def test_trouble_that_stays_is_left_open_and_the_next_start_goes_on(tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", SMALL).go()
    run = Run(tmp_path / "run", SMALL)
    driver, ear = run.driver(), Ear()
    driver.listeners = (ear,)
    jobs = go(driver, run, failing("c01"))
    assert not driver.complete and not jobs.stopped
    assert list(driver.troubles.values()) == [f"{FULL}: checkpoints/c01-s{seed}.pt" for seed in (0, 1)]
    assert [again for _, again in ear.heard] == [True, True, False, False], "the second try comes when all else is done"
    assert not any(end.status == "failed" for end in known(driver) if end.trial.candidate == "c01")
    go(driver, run, quick)  # in the same process, and in another one
    assert run.driver().complete
    assert known(driver) == known(whole) == known(run.go())


def test_a_trouble_that_a_listener_ends_the_run_at_is_none(tmp_path: Path) -> None:
    """An interruption inside C code comes out as any error; who knows of it says so when the trouble is told."""

    class Interrupted(Listener):
        def on_trouble(self, trial: Trial, reason: str, *, again: bool) -> None:
            raise KeyboardInterrupt

    run = Run(tmp_path / "run", SMALL)
    driver = run.driver()
    driver.listeners = (Interrupted(),)
    go(driver, run, failing("c01"))
    assert not driver.complete and not driver.troubles
    assert known(run.go()) == known(Run(tmp_path / "whole", SMALL).go())


def test_a_training_that_brings_nothing_is_trouble(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", SMALL)
    driver = run.driver()
    go(driver, run, lambda job: iter(()) if job.trial.candidate == "c01" else quick(job))
    assert set(driver.troubles.values()) == {"its training ended without a reading"}


def test_an_interrupted_trial_is_no_trouble(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", SMALL)
    driver = run.driver()

    def ctrl_c(reading: Reading) -> None:
        raise KeyboardInterrupt

    Inline().run(Jobs(driver, run.job), train=quick, on_reading=ctrl_c, conditions=Conditions(device="cpu", epochs=2))
    assert not driver.troubles
    assert isinstance(Jobs(driver, run.job).next(), Job)


def test_a_run_where_all_fails_stops_early_and_says_so(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", SMALL)
    driver, tried = run.driver(), []

    def train(job: Job) -> Iterator[Reading]:
        tried.append(job.trial)
        raise OSError(errno.ENOSPC, FULL, f"checkpoints/{job.trial}.pt")

    jobs = go(driver, run, train)
    assert len(tried) == 3
    assert jobs.stopped.startswith(f"3 of 3 trials failed for one reason: {FULL}")
    assert not driver.complete


def test_a_disk_that_fills_up_late_does_not_take_the_rest_of_a_long_run() -> None:
    tally = Tally()
    for _ in range(500):
        tally.well()
    for number in range(3):
        tally.troubled(f"{FULL}: checkpoints/c{number}.pt")
        assert not tally.stopped
    tally.troubled(f"{FULL}: checkpoints/c4.pt")
    assert tally.stopped.startswith("4 of 12 trials")


def test_networks_that_fail_stop_a_run_at_a_third_of_all() -> None:
    tally = Tally(trials=12)
    for step in range(3):
        tally.failed(f"loss became NaN at step {step}")
        tally.failed(f"cannot be built: {step} groups" if step else "out of memory")
    assert not tally.stopped
    tally.failed("loss became NaN at step 7")
    assert str(tally.stopped) == "4 of 12 trials failed for one reason: loss became NaN at step 7"


def test_failed_trials_are_trained_again_where_that_is_asked_for(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", SMALL)
    whole = known(run.go())
    driver = run.driver()
    assert driver.journal.forget_failures() == 2  # type: ignore[attr-defined]
    assert not driver.complete
    assert "failed" not in (run.folder / "journal.jsonl").read_text() + (run.folder / "trials.csv").read_text()
    go(driver, run, quick)
    assert known(driver) == whole == known(run.driver())


def test_reasons() -> None:
    assert reason_of(OSError(errno.EIO, "Input/output error", "/data/x.npy")) == "Input/output error: /data/x.npy"
    assert reason_of(OSError("odd")) == "OSError: odd"
    assert reason_of(KeyError("x")) == "KeyError: 'x'"
    assert kind_of("full: /a/c01-s0.pt") == kind_of("full: /b/c02-s1.pt") != kind_of("read-only: /a/c01-s0.pt")
