"""The driver between strategies and executors, over a folder and without networks."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from driven_run import Run, Triangle, known
from fake_training import quick

from scaling_search.coefficients import Shares
from scaling_search.evidence import Evidence, Reading, Trial
from scaling_search.search.executors import Job, Ray
from scaling_search.search.listener import Listener
from scaling_search.strategies import DONE, WAIT, Ask, Asks, Decision, Grid, Lattice, Optuna, Point, Strategy, Surface
from scaling_search.training.recipe import recipe

NESTED = recipe("proxy", schedule={"kind": "constant"}, ema=0.999)
STRATEGIES = (Lattice(parts=1, seeds=2, epochs=3), Grid(step=0.3, tolerance=0.3, seeds=1, epochs=2),
              Optuna(samples=3, seeds=2, epochs=2))  # fmt: skip


@pytest.mark.parametrize("strategy", [*STRATEGIES, Surface(trials=13, epochs=2)], ids=str)
def test_interrupted_after_every_reading_a_run_ends_as_if_undisturbed(strategy: Strategy, tmp_path: Path) -> None:
    whole = Run(tmp_path / "whole", strategy).go()
    assert whole.complete
    count = len(known(whole))
    for stop in range(1, count, max(1, count // 12)):
        run = Run(tmp_path / f"stop-{stop}", strategy)
        assert not run.go(stop_after=stop).complete
        again = run.go()
        assert again.complete
        assert known(again) == known(whole)
        assert again.journal.proposals == whole.journal.proposals


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_ray_ends_with_every_trial_too(started_ray: None, strategy: Strategy, tmp_path: Path) -> None:
    driver = Run(tmp_path / "ray", strategy).go(Ray(workers=2))
    assert driver.complete
    trials = {reading.trial for reading in known(driver) if reading.resting}
    assert len(trials) == len(driver.candidates) * (strategy.seeds or 0)


def test_a_proposal_enters_the_table_before_it_is_trained(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Optuna(samples=4, seeds=1, epochs=1))
    driver = run.go()
    assert [place.id for place in run.table] == [place.id for place in driver.candidates]
    assert len(driver.journal.proposals) == 4
    assert {proposal.candidate for proposal in driver.journal.proposals} <= {place.id for place in run.table}


def test_a_kill_between_journal_and_table_loses_no_candidate(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Optuna(samples=4, seeds=1, epochs=1))
    start = list(run.table)
    whole = known(run.go())
    after = run.table
    run.table = start  # the table that a kill would have left
    again = run.driver()
    assert [place.id for place in run.table] == [place.id for place in after]
    assert again.complete
    assert known(again) == whole


def test_points_that_a_limit_refuses_are_counted_and_not_trained(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Optuna(samples=6, seeds=1, epochs=1), places=Triangle(limit=0.3))
    driver = run.go()
    assert driver.complete
    refused = [proposal for proposal in driver.journal.proposals if not proposal.candidate]
    assert refused
    assert all(proposal.shares[2] > 0.3 for proposal in refused)
    assert all(place.shares.resolution <= 0.3 for place in driver.candidates)


def test_a_network_that_is_known_already_is_not_trained_twice(tmp_path: Path) -> None:
    class Again(Optuna):
        def propose(self, evidence: Evidence) -> Shares:
            return Shares(depth=1 / 3, width=1 / 3, resolution=1 / 3)

    driver = Run(tmp_path / "run", Again(samples=3, seeds=1, epochs=1)).go()
    assert len(driver.candidates) == 6
    assert [proposal.candidate for proposal in driver.journal.proposals] == ["c03"] * 3


class TwoLengths:
    """One epoch of every candidate, then four of the best: budgets that nest."""

    name, seeds, epochs, proposals = "two lengths", 1, 4, 0

    def points(self) -> list[Point]:
        return Lattice(parts=1).points()

    def trainings(self, candidates: int) -> int:
        return candidates

    def refinements(self) -> Sequence["TwoLengths"]:
        return [self]

    def with_epochs(self, epochs: int) -> "TwoLengths":
        return self

    def to_dict(self) -> dict[str, Any]:
        return {"strategy": self.name}

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        trials = [Trial(candidate=name, seed=0) for name in evidence.candidates]
        lacking = [trial for trial in trials if not evidence.has(trial, 1)]
        if lacking:
            return [Ask(trial, 1) for trial in lacking if trial not in {ask.trial for ask in running}] or WAIT
        best = max(trials, key=lambda trial: evidence.top1(trial, 1) or 0.0)
        if evidence.has(best, 4):
            return DONE
        return WAIT if running else [Ask(best, 4)]


def touching(job: Job) -> Iterator[Reading]:
    """Like quick, but leaves a checkpoint as a training does."""
    job.checkpoint.parent.mkdir(exist_ok=True)
    for reading in quick(job):
        job.checkpoint.write_bytes(b"weights")
        yield reading


def test_a_paused_trial_is_trained_further_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    strategy: Any = TwoLengths()
    run = Run(tmp_path / "run", strategy, of=NESTED)
    driver = run.go(train=touching)
    assert driver.complete
    driver.tidy()
    last = {str(reading.trial): reading for reading in known(driver)}
    assert last["c05-s0"].epoch == 4
    assert last["c05-s0"].status == "paused"
    assert [reading.status for reading in known(driver) if str(reading.trial) == "c05-s0"] == [
        "paused", "running", "running", "paused",
    ]  # fmt: skip
    kept = {path.name for path in (run.folder / "checkpoints").iterdir()}
    assert "c05-s0.pt" in kept
    assert "c03-s0.pt" in kept, "it has the one epoch that it was asked for"


def test_where_budgets_do_not_nest_an_ended_trial_leaves_no_checkpoint(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Lattice(parts=1, seeds=1, epochs=2))
    driver = run.go(train=touching)
    assert {reading.status for reading in known(driver) if reading.resting} == {"done", "failed"}
    driver.tidy()
    assert not (run.folder / "checkpoints").exists()


def test_what_has_ended_is_told_again_first_where_a_scheduler_compares(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", Lattice(parts=1, seeds=1, epochs=2))
    run.go(stop_after=5)
    seen: list[Job] = []

    def watching(job: Job) -> Iterator[Reading]:
        seen.append(job)
        return quick(job)

    run.go(train=watching, retell=True)
    assert [bool(job.history and job.history[-1].final) for job in seen] == [True, True] + [False] * 4


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [(Ask(Trial(candidate="c99", seed=0), 1), "no such candidate"), (Ask(Trial(candidate="c00", seed=0), 1), "ended")],
)
def test_a_strategy_that_asks_for_what_there_is_not_is_stopped(tmp_path: Path, ask: Ask, complaint: str) -> None:
    class Wrong(Lattice):
        def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
            return [ask]

    driver = Run(tmp_path / "run", Wrong(parts=1, seeds=1, epochs=1)).driver()
    driver.tell(Reading(trial=Trial(candidate="c00", seed=0), epoch=1, status="done", top1=0.5))
    with pytest.raises(ValueError, match=complaint):
        driver.ask()


def test_listeners_hear_every_new_reading_once(tmp_path: Path) -> None:
    heard: list[Reading] = []

    class Ear(Listener):
        def on_reading(self, reading: Reading) -> None:
            heard.append(reading)

    driver = Run(tmp_path / "run", Lattice(parts=1, seeds=1, epochs=1)).driver()
    driver.listeners = (Ear(),)
    reading = Reading(trial=Trial(candidate="c00", seed=0), epoch=1, status="done", top1=0.5)
    driver.tell(reading)
    driver.tell(reading)
    assert heard == [reading]
