"""`frontier`: accuracy against MACs on ImageNet, the paper's models and one's own."""

from pathlib import Path
from typing import Annotated

import typer

from scaling_search.errors import InvalidInput


def frontier(
    own: Annotated[
        Path | None, typer.Option(help="CSV of your full ImageNet trainings: model, macs, top1 (a fraction).")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for imagenet-frontier.png, .svg and .csv.")] = Path("figures"),
) -> None:
    """Plot accuracy against MACs on ImageNet: the EfficientNet paper's models, and your own where given."""
    import pandas as pd

    from scaling_search.report.imagenet import imagenet_frontier

    table = None
    if own is not None:
        try:
            table = pd.read_csv(own)
        except (OSError, ValueError) as error:
            raise InvalidInput(f"cannot read {own}: {error}") from error
        missing = {"model", "macs", "top1"} - set(table.columns)
        if missing:
            raise InvalidInput(f"{own} has no column {', '.join(sorted(missing))}")
        if not table["top1"].between(0, 1).all():
            raise InvalidInput(f"{own}: top1 is a fraction between 0 and 1, not per cent")
    plot = imagenet_frontier(table)
    out.mkdir(parents=True, exist_ok=True)
    plot.write(out)
    typer.echo(f"written to {out / plot.name}.png")
