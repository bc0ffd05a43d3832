"""`analyze` and `report`: what a run's folder holds, finished or not."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.study.answer import Answer

Run = Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")]


def analyze(run: Run) -> None:
    """Analyse what a run has measured so far, and write best.yaml and the family."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.search.folder import RunFolder
    from scaling_search.study.answer import write_answer

    print_answer(make_console(), write_answer(RunFolder(run)))


def report(run: Run) -> None:
    """Draw the figures and write report.html again from what is in the folder."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.search.folder import RunFolder
    from scaling_search.study.answer import rewrite_report

    make_console().print(f"report    {rewrite_report(RunFolder(run))}", markup=False)


def print_answer(console: "Console", answer: "Answer") -> None:
    """The answer, and where everything lies."""
    console.print(f"\n{answer!r}\n", markup=False)
    console.print(f"family    {answer.folder / 'family'}/b1.yaml … b7.yaml", markup=False)
    console.print(f"report    {answer.folder / 'report.html'}", markup=False)
