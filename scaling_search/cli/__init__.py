"""The command line: thin commands over study/. Nothing heavy is imported before a command needs it."""

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scaling_search.cli import (
    analyze,
    baseline,
    cam,
    candidates,
    compare,
    compare_runs,
    cost,
    export,
    family,
    frontier,
    inference,
    replay,
    run,
    status,
    train,
    verify,
)
from scaling_search.cli.ending import INTERRUPTED, ended_by_signals, leave, leave_reader, open_standard_files
from scaling_search.errors import InvalidInput

_LONGEST_WORD = 200
_WrongUsage: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer tells itself, in a box."""


class Commands(TyperGroup):
    """Words of any length, which stand in the sentence about them, are cut."""

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Reads what stands before the command."""
        with _shortened():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        """Reads what stands behind the command, and runs it."""
        with _shortened():
            return super().invoke(ctx)


@contextmanager
def _shortened() -> Iterator[None]:
    try:
        yield
    except _WrongUsage as error:
        vars(error)["message"] = re.sub(rf"(\S{{{_LONGEST_WORD}}})\S+", r"\1 …", vars(error)["message"])
        raise


app = typer.Typer(
    name="scaling-search",
    cls=Commands,
    help="Find out how to divide extra compute between a CNN's depth, width and resolution; write the scaled family.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    run.run, run.resume, run.extend, status.status, verify.verify, baseline.baseline, compare.compare,
    compare_runs.compare_runs, cam.cam, candidates.candidates, analyze.analyze, analyze.report, replay.replay,
    family.family, frontier.frontier, train.train, inference.evaluate, inference.predict, export.export, cost.cost,
    cost.baselines,
):  # fmt: skip
    app.command()(command)
app.command(name="list")(status.list_runs)


def _show_version(wanted: bool) -> None:
    if wanted:
        from scaling_search import __version__

        print(f"scaling-search {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Find out how to divide extra compute between a CNN's depth, width and resolution; write the scaled family."""


def main() -> None:
    """Runs a command; what goes wrong is one sentence: exit code 2, or 130 where somebody interrupted.

    What the operating system refuses (a full disk, a wrong path, a name that is too long) is told in its words.
    """
    open_standard_files()
    usual, warnings.formatwarning = warnings.formatwarning, _warning
    try:
        with ended_by_signals():
            _run()
            sys.stdout.flush()
    except InvalidInput as error:
        leave(str(error), code=2)
    except KeyboardInterrupt:
        leave("interrupted", code=INTERRUPTED)
    except BrokenPipeError:
        leave_reader()
    except OSError as error:
        leave(_told(error), code=2)
    finally:
        warnings.formatwarning = usual


def _warning(message: Warning | str, *where: object, **more: object) -> str:
    """What a person is warned of, without the line of the program that said it."""
    return f"! {message}\n"


def _run() -> None:
    """The command; typer makes an exit of an interruption, which is undone here."""
    try:
        app()
    except SystemExit as end:
        if isinstance(getattr(end.__context__, "__cause__", None), KeyboardInterrupt):
            raise KeyboardInterrupt from end
        if isinstance(end.__context__, BrokenPipeError):
            raise end.__context__ from None
        if end.code:
            raise


def _told(error: OSError) -> str:
    """A system error's words and what they are about."""
    if error.errno is None:  # of a library
        return f"{type(error).__name__}: {error}"
    return f"{error.strerror}: {error.filename or 'while writing'}"
