"""`analyze` and `report`: what a run's folder holds, finished or not."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.search.folder import RunFolder
    from scaling_search.study.answer import Answer


Run = Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")]


def analyze(
    run: Run,
    epsilon: Annotated[
        float | None, typer.Option(help="Loss of accuracy that does not matter, as a fraction. Default: the run's.")
    ] = None,
    metric: Annotated[Literal["auto", "val_loss", "top1"], typer.Option(help="The reading that is judged.")] = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print best.yaml's content as JSON, and nothing else.")
    ] = False,
) -> None:
    """Analyse what a run has measured so far, and write best.yaml and the family."""
    from scaling_search.analysis import to_dict
    from scaling_search.cli.terminal import make_console
    from scaling_search.search.folder import RunFolder
    from scaling_search.study.answer import write_answer

    if RunFolder(run).record().seeks:
        _baseline(RunFolder(run), as_json=as_json)
        return
    if RunFolder(run).record().compares:
        _compare(RunFolder(run), as_json=as_json)
        return
    answer = write_answer(RunFolder(run), epsilon=epsilon, metric=metric)
    if as_json:
        typer.echo(json.dumps(to_dict(answer.analysis), ensure_ascii=False, indent=2))
    else:
        print_answer(make_console(), answer)


def report(
    run: Run,
    watch: Annotated[
        bool, typer.Option("--watch", help="Serve the page on this machine, drawn anew while the run goes on.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of --watch; 0 takes a free one.")] = 0,
) -> None:
    """Draw the figures and write report.html again from what is in the folder; or serve the page while it grows."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.search.folder import RunFolder

    console = make_console()
    if watch:
        _serve(console, RunFolder(run), port)
        return
    if port:
        raise InvalidInput("--port belongs to --watch")
    if RunFolder(run).record().seeks:
        from scaling_search.study.seed_answer import write_baseline

        console.print(f"report    {write_baseline(RunFolder(run)).folder / 'report.html'}", markup=False)
        return
    from scaling_search.study.answer import rewrite_report

    console.print(f"report    {rewrite_report(RunFolder(run))}", markup=False)


def _serve(console: "Console", folder: "RunFolder", port: int) -> None:
    """Until Ctrl-C, which is how watching ends."""
    from contextlib import suppress

    from scaling_search.study.watching import Server

    with Server(folder, port=port) as server, suppress(KeyboardInterrupt):
        console.print(f"report    {server.address}  (Ctrl-C ends)", markup=False)
        server.serve_forever()


def _baseline(folder: "RunFolder", *, as_json: bool) -> None:
    """The same of a search for a baseline."""
    from scaling_search.cli.baseline import print_baseline
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.seed_answer import to_dict, write_baseline

    answer = write_baseline(folder)
    if as_json:
        typer.echo(json.dumps(to_dict(answer), ensure_ascii=False, indent=2))
    else:
        print_baseline(make_console(), answer)


def _compare(folder: "RunFolder", *, as_json: bool) -> None:
    """The same of a comparison."""
    from scaling_search.analysis.comparison import to_dict
    from scaling_search.cli.compare import print_comparison
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.comparison import write_comparison

    answer = write_comparison(folder)
    if as_json:
        typer.echo(json.dumps(to_dict(answer.found), ensure_ascii=False, indent=2))
    else:
        print_comparison(make_console(), answer)


def print_answer(console: "Console", answer: "Answer") -> None:
    """The answer, and where everything lies."""
    console.print(f"\n{answer!r}\n", markup=False)
    first, *_, last = answer.levels
    console.print(f"family    {answer.folder / 'family'}/b{first}.yaml … b{last}.yaml", markup=False)
    console.print(f"report    {answer.folder / 'report.html'}", markup=False)
    if answer.analysis.advice is not None and answer.analysis.advice.options:
        console.print(f"more      scaling-search extend {answer.folder} --budget 30m", markup=False)
