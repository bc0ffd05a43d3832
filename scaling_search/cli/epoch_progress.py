"""What a person sees within an epoch: a bar on a terminal; elsewhere (a log, a pipe) a line every half minute."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from scaling_search.cli.ending import end_if_wanted

if TYPE_CHECKING:
    from scaling_search.training.watching import Moment

_SECONDS = 30.0  # between lines
_REDRAWN = 0.5  # seconds between looks at the device, which has to be waited for


class EpochProgress:
    """Shows the steps of one epoch after another.

    Args:
        epochs: of the whole training.
    """

    def __init__(self, console: Console, *, epochs: int) -> None:
        self._console = console
        self._epochs = epochs
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._last = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def update(self, moment: "Moment") -> None:
        """Takes in one step."""
        now = time.monotonic()
        if now - self._last >= (_REDRAWN if self._console.is_terminal else _SECONDS):
            self._last = now
            self._show(moment)
        end_if_wanted()

    def stop(self) -> None:
        """Takes the bar away, until the next epoch's."""
        if self._bar is not None:
            self._bar.stop()
        self._bar = None

    def _show(self, moment: "Moment") -> None:
        text = f"loss {moment.train_loss():.3f}  {moment.images_per_second:.0f} images/s"
        if not self._console.is_terminal:
            self._console.print(f"epoch {moment.epoch}/{self._epochs}  {moment.step / moment.steps:.0%}  {text}")
            return
        if self._bar is None:
            columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[text]}"))
            self._bar = Progress(*columns, TimeRemainingColumn(), console=self._console, transient=True)
            title = f"epoch {moment.epoch}/{self._epochs}"
            self._task = self._bar.add_task(title, total=moment.steps, text=text)
            self._bar.start()
        self._bar.update(self._task, completed=moment.step, text=text)
