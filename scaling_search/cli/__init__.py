"""The command line: thin commands over study/. Nothing heavy is imported before a command needs it."""

import errno
import sys
from typing import Annotated

import typer

from scaling_search.cli import analyze, candidates, cost, family, frontier, replay, run, train
from scaling_search.errors import InvalidInput

app = typer.Typer(
    name="scaling-search",
    help="Find out how to divide extra compute between a CNN's depth, width and resolution; write the scaled family.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for command in (
    run.run, run.resume, candidates.candidates, analyze.analyze, analyze.report, replay.replay, family.family,
    frontier.frontier, train.train, cost.cost, cost.baselines,
):  # fmt: skip
    app.command()(command)

_USERS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
"""What a full disk, a missing folder or a wrong path raise; other system errors are ours and keep their traceback."""


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
    """Runs a command; a user's mistake is one sentence and exit code 2, an interruption exit code 130."""
    try:
        app()
    except InvalidInput as error:
        _fail(str(error), code=2)
    except KeyboardInterrupt:
        _fail("interrupted", code=130)
    except BrokenPipeError:
        sys.exit(0)  # the reader (head, less) has seen enough
    except OSError as error:
        if error.errno not in _USERS:
            raise
        _fail(f"{error.strerror}: {error.filename or 'while writing'}", code=2)


def _fail(message: str, *, code: int) -> None:
    print(f"scaling-search: {message}", file=sys.stderr)
    sys.exit(code)
