"""`cam`: where the networks of a comparison look."""

from pathlib import Path
from typing import Annotated

import typer


def cam(
    run: Annotated[Path, typer.Argument(help="The folder of a comparison or of a verified run.")],
    images: Annotated[
        list[Path] | None, typer.Argument(help="Image files. Default: validation images, each of another class.")
    ] = None,
    count: Annotated[int, typer.Option(help="Validation images.", min=1, max=50)] = 4,
    seed: Annotated[int, typer.Option(help="Which validation images.", min=0)] = 0,
    cells: Annotated[
        int, typer.Option(help="Cells a side that a map has at least; 1 is the last convolution.", min=1, max=256)
    ] = 4,
    out: Annotated[Path | None, typer.Option(help="Folder for cam.png and .csv. Default: the run's figures/.")] = None,
) -> None:
    """Show where unscaled, deeper, wider, higher-resolution and compound networks look in the same images."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.files import write_atomically
    from scaling_search.study.looking import look_at

    plot = look_at(run, images or (), count=count, seed=seed, cells=cells)
    folder = run / "figures" if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{plot.name}.png", plot.png)  # no svg: it would hold photographs, larger
    write_atomically(folder / f"{plot.name}.csv", plot.data.to_csv(index=False))
    console = make_console()
    right = plot.data.dropna(subset=["right"]).groupby("network", sort=False)["right"].sum()
    for network, number in right.items():
        console.print(f"{network:<24}{int(number)} of {plot.data['image'].nunique()} right", markup=False)
    console.print(f"sheet     {folder / plot.name}.png", markup=False)
