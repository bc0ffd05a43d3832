"""`status` and `list`: where runs stand."""

import json
from pathlib import Path
from typing import Annotated

import typer

_AsJson = Annotated[bool, typer.Option("--json", help="JSON instead of lines.")]


def status(
    run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")],
    as_json: _AsJson = False,
) -> None:
    """Say where a run stands: trials done, what failed, the best so far, the answer, and the command that goes on."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.overview import overview

    found = overview(run)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False, indent=2))
        return
    console = make_console()
    scaled = f" at φ = {found.phi:g}" if found.phi else ""  # a search for a baseline scales nothing
    console.print(f"run       {found.baseline}{scaled} on {found.data}, begun {found.started}", markup=False)
    failed = f", {found.failed} failed, most often: {found.reason}" if found.failed else ""
    console.print(f"trials    {found.done} of {found.wanted}{failed}; {found.state}", markup=False)
    if found.top1 is not None:
        console.print(f"best      {found.best} {found.top1:.1%} so far", markup=False)
    if found.sentence:
        console.print(f"answer    {found.sentence}", markup=False)
    if found.state == "interrupted":
        console.print(f"go on     scaling-search resume {run}", markup=False)
    elif found.failed and found.state == "finished":
        console.print(f"again     scaling-search resume {run} --retry-failed", markup=False)
    elif found.verdict == "tied":
        console.print(f"more      scaling-search extend {run} --budget 30m", markup=False)


def list_runs(
    folder: Annotated[Path, typer.Argument(help="Where to look.")] = Path("results"),
    as_json: _AsJson = False,
) -> None:
    """List the runs in a folder, the newest last."""
    from rich.table import Table

    from scaling_search.cli.terminal import make_console
    from scaling_search.errors import InvalidInput
    from scaling_search.study.overview import Overview, overview, runs_below

    found: list[Overview] = []
    for path in runs_below(folder):
        try:
            found.append(overview(path))
        except InvalidInput as error:
            typer.echo(f"! {path}: {error}", err=True)
    if as_json:
        typer.echo(json.dumps([one.as_dict() for one in found], ensure_ascii=False, indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("run", "baseline", "φ", "data", "trials", "best", "state", "verdict"):
        table.add_column(name, justify="right" if name in ("φ", "trials") else "left", overflow="fold")
    for one in found:
        best = "" if one.top1 is None else f"{one.best} {one.top1:.1%}"
        trials = f"{one.done}/{one.wanted}"
        phi = f"{one.phi:g}" if one.phi else ""
        table.add_row(one.folder, one.baseline, phi, one.data, trials, best, one.state, one.verdict)
    make_console().print(table)
