"""What a person sees while a search runs: on a terminal a bar in expected seconds, elsewhere a line at every tenth."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from planted_run import record_of
from rich.console import Console
from rich.progress import Task

from scaling_search.analysis.wording import loss
from scaling_search.cli.progress import TerminalProgress
from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.evidence import EPSILON, Evidence, Reading, Status, Trial
from scaling_search.search.listener import Begun
from scaling_search.search.pilot import PilotRecord
from scaling_search.search.plan import EVALUATION, Plan, Speed, Work
from scaling_search.search.space import Candidate
from scaling_search.strategies.forecast import forecast

SEEDS, EPOCHS = 2, 4
IMAGES = 4000 + EVALUATION * 2000
SHARES = [REFERENCES["depth"], REFERENCES["width"], REFERENCES["resolution"], REFERENCES["uniform"], REFERENCES["fast"]]
WORK = Work(train_images=4000, val_images=2000, workers=2, minimum_epochs=4, maximum_epochs=20)
SPEED = Speed(depth=0.004, width=0.002, resolution=0.003)


def candidate(number: int, shares: Shares) -> Candidate:
    """Only what a display looks at."""
    nothing: Any = None
    return Candidate(
        id=f"c{number:02d}", coefficients=shares.coefficients(), names=(), multipliers=nothing, effective=nothing,
        network=nothing, cost=nothing, macs_ratio=2.0 + 0.1 * number,
    )  # fmt: skip


CANDIDATES = [candidate(number, shares) for number, shares in enumerate(SHARES)]
PLACES = {f"c{number:02d}": SHARES[number % len(SHARES)].as_tuple() for number in range(50)}
TRIALS = [Trial(candidate=one.id, seed=seed) for seed in range(SEEDS) for one in CANDIDATES]
ALL = [(trial, epoch) for trial in TRIALS for epoch in range(1, EPOCHS + 1)]


def epoch_seconds(trial: Trial) -> float:
    """What an epoch of a trial is expected to take, written out."""
    (number,) = (index for index, one in enumerate(CANDIDATES) if one.id == trial.candidate)
    shares = SHARES[number]
    speed = 0.004 * shares.depth + 0.002 * shares.width + 0.003 * shares.resolution
    return IMAGES * speed * (2.0 + 0.1 * number) / 2


WHOLE = EPOCHS * sum(map(epoch_seconds, TRIALS))


def reading(trial: Trial, epoch: int, status: Status | None = None, top1: float | None = 0.5) -> Reading:
    status = status or ("done" if epoch == EPOCHS else "running")
    return Reading(trial=trial, epoch=epoch, status=status, top1=None if status == "failed" else top1)


def begun(*known: Reading, proposals: int = 0, epochs: int | None = EPOCHS) -> Begun:
    """A search that is about to start, or to go on with what is known."""
    count = len(CANDIDATES) + proposals
    record = record_of(seeds=SEEDS, epochs=EPOCHS).model_copy(
        update={
            "plan": Plan(candidates=count, trials=count * SEEDS, seconds=280, budget_seconds=300),
            "speed": SPEED,
            "strategy": {"strategy": "mine", "seeds": SEEDS, "epochs": epochs},
        }
    )
    return Begun(folder=Path("run"), record=record, candidates=CANDIDATES, evidence=Evidence.of({}, known))


class Shown:
    """A display, and what it has shown."""

    def __init__(self, start: Begun, *, terminal: bool = False) -> None:
        self._text = io.StringIO()
        self.known = list(start.evidence.readings())
        self.progress = TerminalProgress(Console(file=self._text, force_terminal=terminal, width=100))
        self.progress.on_plan(start)

    def tell(self, *readings: Reading) -> None:
        """As a search does."""
        for one in readings:
            self.known.append(one)
            self.progress.on_reading(one)
            if one.resting:
                self.progress.on_rest(one.trial, self.evidence)

    @property
    def evidence(self) -> Evidence:
        return Evidence.of(PLACES, self.known)

    @property
    def lines(self) -> list[str]:
        return self._text.getvalue().splitlines()

    @property
    def task(self) -> Task:
        """The bar's own numbers."""
        bar: Any = self.progress._trials
        (task,) = bar._bar.tasks
        assert isinstance(task, Task)
        return task


# --- in a pipe


def test_a_pipe_gets_a_line_at_every_tenth() -> None:
    shown = Shown(begun())
    for count, (trial, epoch) in enumerate(ALL):
        assert len(shown.lines) == count // EPOCHS, "a line when a trial ends, and only then"
        shown.tell(reading(trial, epoch, top1=0.1 + 0.01 * count))
    assert shown.lines[0] == "1/10 trials  best so far c00 13.0%"
    assert shown.lines[-1].startswith("10/10 trials  best so far c04 ")


def test_tenths_of_many_trials_are_ten_lines() -> None:
    shown = Shown(begun(proposals=45))
    shown.tell(*(reading(Trial(candidate=f"c{n:02d}", seed=seed), EPOCHS) for seed in range(2) for n in range(50)))
    assert [line.partition(" ")[0] for line in shown.lines] == [f"{count}/100" for count in range(10, 101, 10)]


def test_the_best_is_the_best_mean_over_seeds() -> None:
    shown = Shown(begun())
    scores = {("c00", 0): 0.6, ("c01", 0): 0.5, ("c00", 1): 0.2, ("c01", 1): 0.5}
    shown.tell(*(reading(Trial(candidate=name, seed=seed), EPOCHS, top1=top1) for (name, seed), top1 in scores.items()))
    assert [line.partition("best so far ")[2].partition("  ")[0] for line in shown.lines] == [
        "c00 60.0%", "c00 60.0%", "c01 50.0%", "c01 50.0%",
    ]  # fmt: skip


def test_failures_are_counted_and_are_nobodys_best() -> None:
    shown = Shown(begun())
    shown.tell(reading(TRIALS[0], 2, "failed"), reading(TRIALS[1], EPOCHS), reading(TRIALS[2], 1, "failed"))
    assert shown.lines == [
        "1/10 trials, 1 failed  ",
        "2/10 trials, 1 failed  best so far c01 50.0%",
        "3/10 trials, 2 failed  best so far c01 50.0%",
    ]


def test_a_failed_trial_with_numbers_is_nobodys_best() -> None:
    shown = Shown(begun())
    shown.tell(Reading(trial=TRIALS[0], epoch=2, status="failed", top1=0.9), reading(TRIALS[1], EPOCHS))
    assert shown.lines[-1].endswith("best so far c01 50.0%")


def test_a_paused_trial_that_goes_on_is_counted_once() -> None:
    shown = Shown(begun())
    shown.tell(reading(TRIALS[0], 1, "paused", top1=0.1), reading(TRIALS[1], 1, "paused", top1=0.2))
    shown.tell(*(reading(TRIALS[0], epoch, "running", top1=0.3) for epoch in (2, 3)))
    shown.tell(reading(TRIALS[0], 4, "paused", top1=0.4))
    assert shown.lines == ["1/10 trials  best so far c00 10.0%", "2/10 trials  best so far c01 20.0%"]
    shown.tell(reading(TRIALS[2], EPOCHS, "failed"))
    assert shown.lines[-1] == "3/10 trials, 1 failed  best so far c00 40.0%"


def test_a_paused_trial_that_fails_later_is_one_failed_trial() -> None:
    shown = Shown(begun())
    shown.tell(reading(TRIALS[0], 1, "paused"), reading(TRIALS[0], 2, "failed"), reading(TRIALS[1], EPOCHS))
    assert shown.lines[-1] == "2/10 trials, 1 failed  best so far c01 50.0%"


def test_a_resumed_search_starts_where_it_was() -> None:
    known = [reading(trial, epoch) for trial, epoch in ALL[: 3 * EPOCHS + 2]]
    shown = Shown(begun(*known))
    assert not shown.lines
    shown.tell(*(reading(trial, epoch) for trial, epoch in ALL[3 * EPOCHS + 2 :]))
    assert [line.partition(" ")[0] for line in shown.lines] == [f"{count}/10" for count in range(4, 11)]


# --- on a terminal


def test_a_terminal_counts_expected_seconds() -> None:
    shown = Shown(begun(), terminal=True)
    assert shown.task.total == pytest.approx(WHOLE)
    for count, (trial, epoch) in enumerate(ALL, start=1):
        shown.tell(reading(trial, epoch))
        assert shown.task.completed == pytest.approx(sum(epoch_seconds(one) for one, _ in ALL[:count]))
    assert shown.task.finished
    shown.progress.close()
    assert any("10/10 trials" in line and "best so far c00 50.0%" in line for line in shown.lines)


def test_a_terminal_gets_no_lines_beside_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown(begun(), terminal=True)
    printed: list[object] = []
    monkeypatch.setattr(Console, "print", lambda self, *what, **how: printed.extend(what))
    shown.tell(*(reading(trial, epoch) for trial, epoch in ALL))
    assert not [what for what in printed if isinstance(what, str)]


def test_a_trial_that_ends_early_takes_all_its_seconds_with_it() -> None:
    shown = Shown(begun(), terminal=True)
    shown.tell(reading(TRIALS[0], 1), reading(TRIALS[0], 2, "failed"))
    assert shown.task.completed == pytest.approx(EPOCHS * epoch_seconds(TRIALS[0]))
    shown.tell(reading(TRIALS[1], 1), reading(TRIALS[1], 1, "stopped"))
    assert shown.task.completed == pytest.approx(EPOCHS * (epoch_seconds(TRIALS[0]) + epoch_seconds(TRIALS[1])))


def test_paused_and_trained_further_no_second_counts_twice() -> None:
    shown = Shown(begun(), terminal=True)
    shown.tell(reading(TRIALS[0], 1, "running"), reading(TRIALS[0], 1, "paused"))
    assert shown.task.completed == pytest.approx(epoch_seconds(TRIALS[0]))
    shown.tell(*(reading(TRIALS[0], epoch, "running") for epoch in (2, 3)), reading(TRIALS[0], 4, "paused"))
    assert shown.task.completed == pytest.approx(EPOCHS * epoch_seconds(TRIALS[0]))


def test_a_resumed_search_has_only_the_rest_before_it() -> None:
    known = [reading(trial, epoch) for trial, epoch in ALL[: 3 * EPOCHS + 2]]
    known += [reading(TRIALS[-1], 1, "failed")]
    shown = Shown(begun(*known), terminal=True)
    done = sum(epoch_seconds(trial) for trial, _ in ALL[: 3 * EPOCHS + 2]) + EPOCHS * epoch_seconds(TRIALS[-1])
    assert shown.task.total == pytest.approx(WHOLE - done)
    assert shown.task.completed == 0
    assert shown.task.description == "4/10 trials, 1 failed"


def test_proposals_to_come_are_counted_at_the_mean() -> None:
    shown = Shown(begun(proposals=5), terminal=True)
    assert shown.task.total == pytest.approx(2 * WHOLE)
    shown.tell(reading(Trial(candidate="c05", seed=0), 1))
    assert shown.task.completed == pytest.approx(WHOLE / EPOCHS / len(TRIALS))


def test_a_strategy_of_ones_own_may_leave_the_epochs_open() -> None:
    shown = Shown(begun(epochs=None), terminal=True)
    shown.tell(reading(TRIALS[0], 1), reading(TRIALS[0], 2, "paused"))
    assert shown.task.completed == pytest.approx(2 * epoch_seconds(TRIALS[0]))


# --- images


def test_packing_is_shown_on_a_terminal_only() -> None:
    for terminal in (True, False):
        text = io.StringIO()
        with TerminalProgress(Console(file=text, force_terminal=terminal, width=100)) as progress:
            progress.on_data("packing", 3, 10)
            progress.on_data("packing", 10, 10)
        assert ("packing" in text.getvalue()) is terminal


def test_readings_before_a_plan_are_nobodys_business() -> None:
    TerminalProgress(Console(file=io.StringIO())).on_reading(reading(TRIALS[0], 1))


def test_a_line_says_what_is_expected_to_be_lost_with_all_that_it_counts() -> None:
    shown = Shown(begun())
    for trial in TRIALS:
        shown.tell(reading(trial, EPOCHS, top1=0.5 + 0.01 * int(trial.candidate[1:]) + 0.001 * trial.seed))
    found = forecast(shown.evidence, EPOCHS, epsilon=EPSILON)
    assert found is not None and f"expected loss {loss(found.loss)} points" in shown.lines[-1]
    assert "expected loss" not in shown.lines[2], "three trials are too few"
    assert " 0.42 points, sure in about " in shown.lines[4], (
        "within half a point, and the search stops by a larger figure"
    )


def test_a_line_says_when_half_a_point_may_be_reached() -> None:
    shown = Shown(begun())
    for trial in TRIALS[:7]:
        shown.tell(reading(trial, EPOCHS, top1=0.5 + 0.02 * (sum(map(ord, str(trial))) % 5)))
    assert " points, 0.5 in about " in shown.lines[4] or " points, 0.5 is far" in shown.lines[4]


def test_more_trials_lengthen_the_line_and_not_the_screen() -> None:
    start = begun()
    shown = Shown(start, terminal=True)
    lines, total = len(shown.lines), shown.task.total
    assert total is not None
    plan = start.record.plan.model_copy(update={"trials": 12, "more": 2})
    grown = replace(start, record=start.record.model_copy(update={"plan": plan}))
    shown.progress.on_plan(grown)
    assert shown.task.description == "0/12 trials" and len(shown.lines) == lines
    assert shown.task.total == pytest.approx(1.2 * total)


def test_stopped_trials_are_not_compared() -> None:
    shown = Shown(begun())
    shown.tell(*(reading(trial, EPOCHS, top1=0.5 + 0.01 * int(trial.candidate[1:])) for trial in TRIALS[:7]))
    shown.tell(reading(TRIALS[7], 1, "stopped", top1=0.1))
    assert "expected loss" in shown.lines[-1]


def test_what_the_pilot_looked_at_is_not_done() -> None:
    start = begun()
    pilot = PilotRecord(seeds=2, candidates=("c00",), asked={}, work=WORK)
    piloted = replace(start, record=start.record.model_copy(update={"pilot": pilot}))
    shown = Shown(piloted)
    shown.tell(reading(TRIALS[0], 2, "paused", top1=0.1), reading(Trial(candidate="base", seed=0), 2, "paused"))
    assert shown.task.description == "0/12 trials", "with the unscaled network's two"
    shown.tell(reading(TRIALS[0], EPOCHS, "paused", top1=0.2))
    assert shown.task.description == "1/12 trials"
