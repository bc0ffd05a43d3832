"""What a person sees while a search runs: images being packed, trials done, the best so far, the time left."""

import statistics
from collections import defaultdict
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.status import Status

from scaling_search.analysis.wording import loss
from scaling_search.cli.ending import end_if_wanted
from scaling_search.evidence import UNSCALED, Evidence, Reading, Trial
from scaling_search.search.listener import Begun, Listener
from scaling_search.search.plan import EVALUATION
from scaling_search.strategies.forecast import forecast
from scaling_search.study.preparation import plan_lines
from scaling_search.units import format_seconds


class TerminalProgress(Listener):
    """A live line on a terminal; elsewhere (a log, a pipe) a plain line at every tenth of the trials."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._data: DataBar | None = None
        self._trials: TrialBar | None = None
        self._step: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the terminal to others."""
        self._quiet_step()
        for bar in (self._data, self._trials):
            if bar is not None:
                bar.stop()

    def on_step(self, title: str) -> None:
        """A spinner on a terminal, else a line: planning takes up to a minute."""
        self._quiet_step()
        if self._console.is_terminal:
            self._step = self._console.status(f"planning: {title} …")
            self._step.start()
        else:
            self._console.print(f"planning  {title}", markup=False)

    def _quiet_step(self) -> None:
        if self._step is not None:
            self._step.stop()
        self._step = None

    def on_data(self, title: str, done: int, total: int) -> None:
        """A bar for each kind of work; nothing is shown when the cache has it all."""
        self._quiet_step()
        if self._data is None:
            self._data = DataBar(self._console)
        self._data.update(title, done, total)

    def on_plan(self, begun: Begun) -> None:
        """From here on trials are shown; a second time, when the pilot has settled the plan."""
        self._quiet_step()
        if self._data is not None:
            self._data.stop()
        if self._trials is not None:
            lines = plan_lines(begun.record)
            if not lines:
                self._trials.grow(begun.record.plan.trials)
                return
            self._trials.stop()
            for title, text in lines:
                self._console.print(f"{title:<10}{text}", markup=False)
        self._trials = TrialBar(self._console, begun)

    def on_reading(self, reading: Reading) -> None:
        """Takes in one new reading."""
        if self._trials is not None:
            self._trials.update(reading)
        end_if_wanted()

    def on_rest(self, trial: Trial, evidence: Evidence) -> None:
        """Says what is expected to be lost now."""
        if self._trials is None:
            return
        if trial.candidate != UNSCALED:
            self._trials.expect(evidence)
        self._trials.say()

    def on_trouble(self, trial: Trial, reason: str, *, again: bool) -> None:
        """Said at once: a person may free the disk before the next trial meets it."""
        end_if_wanted()  # C code may make any error of the interruption
        what = "is tried again later" if again else "is left open"
        self._console.print(f"! {trial} {what}: {reason}", markup=False)


class DataBar:
    """Images drawn or packed."""

    def __init__(self, console: Console) -> None:
        self._bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._bar.start()

    def update(self, title: str, done: int, total: int) -> None:
        """So many of all are done."""
        if title not in self._tasks:
            self._tasks[title] = self._bar.add_task(title, total=total)
        self._bar.update(self._tasks[title], completed=done, total=total)

    def stop(self) -> None:
        """Takes the bar away."""
        self._bar.stop()


class TrialBar:
    """Trials done, the best so far, and the time left: counted in the expected seconds of every epoch."""

    def __init__(self, console: Console, begun: Begun) -> None:
        record = begun.record
        images = record.data.train + EVALUATION * record.data.val
        self._console = console
        self._epochs = record.epochs or 1
        self._weights = {
            item.id: images * record.speed.seconds_per_image(item.shares, item.macs_ratio) for item in begun.candidates
        }
        self._mean = statistics.fmean(self._weights.values())
        self._weights[UNSCALED] = self._mean / record.growth
        self._unscaled = unscaled = record.pilot.seeds if record.pilot else 0
        self._wanted = record.plan.trials + unscaled
        self._compares = record.compares or record.seeks
        self._epsilon, self._workers, self._loss = record.question.epsilon, record.executor.workers, ""
        self._piloted = {UNSCALED, *(record.pilot.candidates if record.pilot else ())}
        self._counted: dict[Trial, int] = {}
        self._resting: dict[Trial, Reading] = {}
        lengths = record.lengths
        longer = [self._weights.get(name, self._mean) for name in lengths.candidates] if lengths else []
        more = sum(longer) * (lengths.epochs - self._epochs) if lengths else 0.0
        # What is proposed later is taken to cost what the others do.
        epoch = self._mean * record.plan.trials + unscaled * self._weights[UNSCALED]
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[best]}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console,
            disable=not console.is_terminal,
        )  # fmt: skip
        before = sum(self._take(reading) for reading in begun.evidence.readings())
        self._said = self._tenth()
        self._task = self._bar.add_task(self._title(), total=self._epochs * epoch + more - before, best=self._best())
        self._bar.start()

    def grow(self, trials: int) -> None:
        """There are to be so many, the unscaled network's not counted."""
        more, self._wanted = trials + self._unscaled - self._wanted, trials + self._unscaled
        total = (self._bar.tasks[self._task].total or 0.0) + more * self._mean * self._epochs
        self._bar.update(self._task, total=total, description=self._title())

    def stop(self) -> None:
        """Leaves the line as it is."""
        self._bar.stop()

    def update(self, reading: Reading) -> None:
        """Takes in one new reading."""
        self._bar.update(self._task, advance=self._take(reading), description=self._title(), best=self._best())

    def say(self) -> None:
        """Where there is no terminal: a line, if another tenth of the trials is done."""
        if self._tenth() > self._said and not self._console.is_terminal:
            self._console.print(f"{self._title()}  {self._best()}")
        self._said = self._tenth()

    def expect(self, evidence: Evidence) -> None:
        """Reads from all that is known how far the search has come."""
        found = None if self._compares else forecast(evidence, self._epochs, epsilon=self._epsilon)
        if found is None:
            return
        self._loss = f"  expected loss {loss(found.loss)} points"
        within = found.loss <= self._epsilon  # and still asking, since it must be sure of that
        if found.trainings:
            left = format_seconds(found.trainings * self._mean * self._epochs / self._workers)
            self._loss += f", {'sure' if within else loss(self._epsilon)} in about {left}"
        elif found.trainings is None:
            self._loss += ", not sure yet" if within else f", {loss(self._epsilon)} is far"
        self._bar.update(self._task, best=self._best())

    def _take(self, reading: Reading) -> float:
        """Counts the reading; the expected seconds that it took off the rest (a trial that ends early, all it had).

        A trial that is paused, and trained further later, is one trial.
        """
        short = reading.epoch < self._epochs and reading.trial.candidate in self._piloted  # they go on
        if reading.final or (reading.resting and not short):
            self._resting[reading.trial] = reading
        before = self._counted.get(reading.trial, 0)
        now = max(before, self._epochs if reading.final else reading.epoch)
        self._counted[reading.trial] = now
        return self._weights.get(reading.trial.candidate, self._mean) * (now - before)

    def _tenth(self) -> int:
        return len(self._resting) * 10 // self._wanted

    def _title(self) -> str:
        count = sum(reading.status == "failed" for reading in self._resting.values())
        failed = f", {count} failed" if count else ""
        return f"{len(self._resting)}/{self._wanted} trials{failed}"

    def _best(self) -> str:
        scores: dict[str, list[float]] = defaultdict(list)
        for trial, reading in self._resting.items():
            if reading.top1 is not None and reading.status != "failed" and trial.candidate != UNSCALED:
                scores[trial.candidate].append(reading.top1)
        if not scores:
            return ""
        name, best = max(scores.items(), key=lambda item: statistics.fmean(item[1]))
        return f"best so far {name} {statistics.fmean(best):.1%}{self._loss}"
