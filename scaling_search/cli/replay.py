"""`replay`: a strategy over recorded readings."""

import json
from pathlib import Path
from typing import Annotated

import typer


def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run: what was recorded there is searched again.")],
    strategy: Annotated[str, typer.Option(help="One or more, as lattice,optuna. Default: the run's own.")] = "",
    repeats: Annotated[
        int, typer.Option(min=1, max=10_000, help="Searches of each, with the recorded seeds in another order.")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead of a table.")] = False,
) -> None:
    """Run a search strategy over recorded readings: the whole search in well under a second, nothing trained."""
    from dataclasses import asdict

    from scaling_search.search.folder import RunFolder
    from scaling_search.study.replay import replay as run_again

    folder = RunFolder(run)
    names = [name.strip() for name in strategy.split(",") if name.strip()]
    results = run_again(folder, names or [str(folder.record().strategy.get("strategy"))], repeats=repeats)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    from rich.table import Table

    from scaling_search.cli.terminal import make_console

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "trainings", "compute", "verdict", "pick", "nearest", "regret"):
        table.add_column(name, justify="right" if name in ("trainings", "compute", "regret") else "left", no_wrap=True)
    for result in results:
        table.add_row(
            result.strategy,
            f"{result.trainings:.1f}",
            f"{100 * result.compute:.0f} %",
            result.verdict,
            " / ".join(f"{100 * share:.0f} %" for share in result.pick),
            result.nearest,
            f"{100 * result.regret:.2f} ({100 * result.regret_low:.2f} … {100 * result.regret_high:.2f})",
        )
    make_console().print(table)
