"""The command line: thin commands over study.py. Nothing heavy is imported before a command needs it."""

import errno
import sys

import typer

from scaling_search.cli import cost, family, frontier, run, train
from scaling_search.errors import InvalidInput

app = typer.Typer(
    name="scaling-search",
    help="Find out how to divide extra compute between a CNN's depth, width and resolution; write the scaled family.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run.run)
app.command()(run.resume)
app.command()(run.candidates)
app.command()(run.analyze)
app.command()(run.report)
app.command()(family.family)
app.command()(frontier.frontier)
app.command()(train.train)
app.command()(cost.cost)
app.command()(cost.baselines)

_USERS = {errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR}
"""What a full disk, a missing folder or a wrong path raise; other system errors are ours and keep their traceback."""


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
