"""What a person sees while trials run: trials done, the best so far, the time left."""

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from scaling_search.search.journal import Record


class TrialProgress:
    """A live line on a terminal; elsewhere (a log, a pipe) a plain line at every tenth of the trials.

    Args:
        weights: for each candidate, the expected seconds of one epoch: what the time left is counted in.
        epochs: of a whole trial.
        trials: wanted in all.
        seconds: expected for all of them, in one worker.
        known: what an earlier start of this run recorded.
    """

    def __init__(
        self,
        console: Console,
        *,
        weights: Mapping[str, float],
        epochs: int,
        trials: int,
        seconds: float,
        known: Iterable[Record] = (),
    ) -> None:
        self._console = console
        self._weights = weights
        self._epochs = epochs
        self._trials = trials
        self._ended = 0
        self._failed = 0
        self._scores: dict[str, list[float]] = defaultdict(list)
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[best]}"),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=console,
            disable=not console.is_terminal,
        )  # fmt: skip
        before = sum(self._take(record) for record in known)
        self._task = self._bar.add_task(self._title(), total=seconds - before, best=self._best())

    def __enter__(self) -> "TrialProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def update(self, record: Record) -> None:
        """Takes in one new record."""
        seconds = self._take(record)
        self._bar.update(self._task, advance=seconds, description=self._title(), best=self._best())
        if record.final and not self._console.is_terminal and self._at_a_tenth():
            self._console.print(f"{self._title()}  {self._best()}")

    def _take(self, record: Record) -> float:
        """Counts the record; the expected seconds that it took off the rest (a trial that ends early, all it had)."""
        epochs = self._epochs - record.epoch + 1 if record.final else 1
        if record.final:
            self._ended += 1
            self._failed += record.status == "failed"
            if record.top1 is not None:
                self._scores[record.trial.candidate].append(record.top1)
        return self._weights.get(record.trial.candidate, 0.0) * max(epochs, 1)

    def _at_a_tenth(self) -> bool:
        return self._ended * 10 // self._trials > (self._ended - 1) * 10 // self._trials

    def _title(self) -> str:
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._ended}/{self._trials} trials{failed}"

    def _best(self) -> str:
        if not self._scores:
            return ""
        name, scores = max(self._scores.items(), key=lambda item: statistics.fmean(item[1]))
        return f"best so far {name} {statistics.fmean(scores):.1%}"
