"""`frontier`: accuracy against a cost, of runs and full trainings, or of the EfficientNet paper's models."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from scaling_search.report.figure import Plot

_COLUMNS = ("macs", "params")


def frontier(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs, of full trainings, or of several trainings: a family.")
    ] = None,
    x: Annotated[
        Literal["macs", "params", "activations", "memory", "latency"], typer.Option(help="The cost.")
    ] = "macs",
    latency_on: Annotated[Literal["cpu", "cuda"], typer.Option(help="Where --x latency is measured.")] = "cpu",
    imagenet: Annotated[
        bool,
        typer.Option("--imagenet", help="The EfficientNet paper's B0 to B7 and its rivals; so it is without RUNS."),
    ] = False,
    own: Annotated[
        Path | None,
        typer.Option(
            help="With the paper's: CSV of your full ImageNet trainings: model, macs, params, top1 (a fraction)."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the figure as .png, .svg and .csv.")] = Path("figures"),
) -> None:
    """Plot accuracy against a cost with the line of what nothing else beats: runs, families, or the paper's models."""
    if runs and (imagenet or own is not None):
        raise InvalidInput(
            "runs and --imagenet are two figures: what small networks reach in short trainings has nothing to do with "
            "accuracies on ImageNet"
        )
    if latency_on != "cpu" and x != "latency":
        raise InvalidInput("--latency-on belongs to --x latency")
    if runs:
        from scaling_search.study.frontier import frontier as of_runs

        plot = of_runs(*runs, x=x, latency_on=latency_on)
    else:
        plot = _of_the_paper(x, own)
    out.mkdir(parents=True, exist_ok=True)
    plot.write(out)
    typer.echo(f"written to {out / plot.name}.png, .svg and .csv")
    typer.echo(plot.caption)


def _of_the_paper(x: str, own: Path | None) -> "Plot":
    from scaling_search.report.imagenet import imagenet_frontier

    if x not in _COLUMNS:
        raise InvalidInput(f"the paper prints multiply-adds and parameters, and no {x}: --x macs or --x params")
    return imagenet_frontier(None if own is None else _read(own, x), x="params" if x == "params" else "macs")


def _read(own: Path, x: str) -> "pd.DataFrame":
    """A person's own models: model, the cost and top1.

    Raises:
        InvalidInput: it is no such table.
    """
    import pandas as pd

    try:
        table = pd.read_csv(own)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"cannot read {own}: {error}") from error
    missing = {"model", x, "top1"} - set(table.columns)
    if missing:
        raise InvalidInput(f"{own} has no column {', '.join(sorted(missing))}")
    if table.empty:
        raise InvalidInput(f"{own} has no rows")
    for name in (x, "top1"):
        numbers = pd.to_numeric(table[name], errors="coerce")
        if not (numbers > 0).all():
            raise InvalidInput(f"{own}: {name}: not a number above 0 in each row")
        table[name] = numbers
    if not table["top1"].between(0, 1).all():
        raise InvalidInput(f"{own}: top1 is a fraction between 0 and 1, not per cent")
    return table.assign(model=table["model"].astype(str))
