"""What the commands share in a terminal: the console, and a bar for drawing or decoding images."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


def make_console(*, quiet: bool = False) -> Console:
    """A console that does not fold lines where nobody reads along (a log, a pipe)."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False, quiet=quiet)


@contextmanager
def data_progress(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each kind of work on the data (title, done, total); nothing is shown when the cache has it all."""
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def on_data(title: str, done: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bar.add_task(title, total=total)
            bar.update(tasks[title], completed=done, total=total)

        yield on_data
