"""`replay`: a strategy over recorded readings."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scaling_search.search.folder import RunFolder
    from scaling_search.study.replay import Regret, Replayed


def replay(
    run: Annotated[Path, typer.Argument(help="The folder of a run: what was recorded there is searched again.")],
    strategy: Annotated[str, typer.Option(help="One or more, as surface,grid,random. Default: the run's own.")] = "",
    repeats: Annotated[
        int, typer.Option(min=1, max=10_000, help="With the recorded seeds in another order; one search a hidden seed.")
    ] = 1,
    after: Annotated[
        str, typer.Option(help="Read the searches early too, after so many trainings' worth of epochs, as 10,15,30.")
    ] = "",
    figure: Annotated[
        Path | None, typer.Option(help="A folder for regret.csv, .svg and .png: regret over compute.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead of a table.")] = False,
) -> None:
    """Run a search strategy over recorded readings: the whole search in well under a second, nothing trained."""
    from dataclasses import asdict

    from scaling_search.search.folder import RunFolder
    from scaling_search.study.replay import replay as run_again

    folder = RunFolder(run)
    if folder.record().seeks:
        _baseline(folder, strategy, repeats=repeats, after=_numbers(after), as_json=as_json)
        return
    names = [name.strip() for name in strategy.split(",") if name.strip()]
    wanted = names or [str(folder.record().strategy.get("strategy"))]
    results = run_again(folder, wanted, repeats=repeats, after=_numbers(after))
    if figure is not None:
        _draw(results, figure)
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
        return
    from rich.table import Table

    from scaling_search.cli.terminal import make_console

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "trainings", "compute", "verdict", "pick", "nearest", "regret", "by means"):
        table.add_column(
            name, justify="right" if name in ("trainings", "compute", "regret", "by means") else "left", no_wrap=True
        )
    for result in results:
        table.add_row(
            result.strategy,
            f"{result.trainings:.1f}",
            f"{100 * result.compute:.0f} %",
            result.verdict,
            " / ".join(f"{100 * share:.0f} %" for share in result.pick),
            result.nearest,
            _points(result),
            _points(result.by_means) if result.by_means else "",
        )
    make_console().print(table)


def _baseline(folder: "RunFolder", strategy: str, *, repeats: int, after: list[int], as_json: bool) -> None:
    """The same over a search for a baseline: reward that is lost after so many networks."""
    from dataclasses import asdict

    from rich.table import Table

    from scaling_search.cli.terminal import make_console
    from scaling_search.strategies import STAGED
    from scaling_search.study.seed_replay import replay_baseline

    names = [name.strip() for name in strategy.split(",") if name.strip()]
    found = replay_baseline(folder, names or list(STAGED), repeats=repeats, after=after)
    if as_json:
        print(json.dumps([asdict(result) for result in found], indent=2))
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("strategy", "networks", "epochs", "reward lost (90 %)", "found the best"):
        table.add_column(name, justify="left" if name == "strategy" else "right", no_wrap=True)
    for one in found:
        lost = f"{one.lost:.4f} ({one.low:.4f} … {one.high:.4f})"
        table.add_row(one.strategy, str(one.networks), f"{100 * one.epochs:.0f} %", lost, f"{100 * one.hits:.0f} %")
    make_console().print(table)


def _draw(results: "Sequence[Replayed]", folder: Path) -> None:
    """Writes the figure: a row for each result, and one for the best mean where it is read too."""
    import pandas as pd

    from scaling_search.report.regret import regret_over_compute

    rows = []
    for result in results:
        same = {"strategy": result.strategy, "trainings": result.trainings, "compute": result.compute}
        for reader, regret in (("posterior", result), ("means", result.by_means)):
            if regret is not None:
                values = {name: getattr(regret, name) for name in ("regret", "regret_low", "regret_high")}
                rows.append({**same, "reader": reader, "repeats": result.repeats, **values})
    folder.mkdir(parents=True, exist_ok=True)
    regret_over_compute(pd.DataFrame(rows)).write(folder)


def _points(regret: "Regret") -> str:
    """In points of accuracy, with where 90 % of the repeats lie."""
    return f"{100 * regret.regret:.2f} ({100 * regret.regret_low:.2f} … {100 * regret.regret_high:.2f})"


def _numbers(text: str) -> list[int]:
    """Whole numbers with commas between.

    Raises:
        InvalidInput: they are not.
    """
    from scaling_search.errors import InvalidInput

    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError as error:
        raise InvalidInput(f"--after takes whole numbers, as 10,15,30, not {text!r}") from error
