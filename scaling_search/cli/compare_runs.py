"""`compare-runs`: several runs in one table and one triangle."""

from pathlib import Path
from typing import Annotated

import typer


def compare_runs(
    runs: Annotated[list[Path], typer.Argument(help="Folders of searches: other data, baselines or lengths.")],
    out: Annotated[Path | None, typer.Option(help="Folder for runs.png, .svg and .csv, and runs-table.csv.")] = None,
) -> None:
    """Show the answers of several runs side by side: where the picks lie, and what makes the runs differ."""
    from rich.table import Table

    from scaling_search.analysis.wording import loss, part, percent
    from scaling_search.cli.terminal import make_console
    from scaling_search.files import write_atomically
    from scaling_search.study.several import compare_runs as read_runs

    several = read_runs(runs)
    table = Table(box=None, header_style="bold", pad_edge=False)
    numbers = {"φ", "cost", "epochs", "trainings", "loss", "as good", "top-1"}
    for name in ("run", "baseline", "data", "φ", "cost", "epochs", "trainings", "verdict", "pick (d / w / r)", "loss",
                 "as good", "top-1", "verified"):  # fmt: skip
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for run, row in several.table.iterrows():
        shares = " / ".join(f"{100 * row[f'share_{axis}']:.0f}" for axis in ("depth", "width", "resolution"))
        table.add_row(
            str(run), row["baseline"], row["data"], f"{row['phi']:g}", f"{row['growth']:.3g}×", str(row["epochs"]),
            str(row["trainings"]), row["verdict"], shares, loss(row["expected_loss"]), part(row["region"]),
            percent(row["top1"], row["top1_se"]), row["verified"],
        )  # fmt: skip
    console = make_console()
    console.print(table)
    console.print(
        f"\nThe picks divide up to {100 * several.apart:.0f} % of the added compute differently.", markup=False
    )
    for note in several.notes:
        console.print(f"! {note}", markup=False)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        several.plot().write(out)
        write_atomically(out / "runs-table.csv", several.table.to_csv())
        console.print(f"figure    {out / 'runs'}.png", markup=False)
