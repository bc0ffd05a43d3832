"""`compare`: each dimension alone against compound divisions, at the same cost."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling_search.cli import options as shared
from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.loggers import Tracker
    from scaling_search.study.comparison import CompareAnswer, Comparison

COMPARED = "What is compared"
Axes = Annotated[
    str, typer.Option(help="The dimensions that are scaled alone, as depth,width.", rich_help_panel=COMPARED)
]
Given = Annotated[
    str | None, typer.Option(help="α,β,γ of a compound division, as 1.2,1.1,1.15.", rich_help_panel=COMPARED)
]
OfRun = Annotated[
    Path | None, typer.Option(help="The folder of a search, whose pick is compared.", rich_help_panel=COMPARED)
]
Steps = Annotated[
    int | None,
    typer.Option(help="Costs at which each dimension alone is trained. Default: as the budget allows.", min=1, max=16,
                 rich_help_panel=COMPARED),
]  # fmt: skip


def compare(
    baseline: shared.Baseline = "b0",
    phi: Annotated[
        float, typer.Option(help="All divisions cost 2^φ times the base.", rich_help_panel=shared.QUESTION)
    ] = 2.0,
    data: shared.Data = None,
    axes: Axes = "depth,width,resolution",
    coefficients: Given = None,
    run: OfRun = None,
    steps: Steps = None,
    seeds: shared.Seeds = None,
    budget: shared.Budget = None,
    match: shared.Match = None,
    epochs: shared.Epochs = None,
    proxy_width: shared.ProxyWidth = None,
    proxy_resolution: shared.ProxyResolution = None,
    rounding: shared.Rounding = None,
    recipe: shared.RecipeName = None,
    pilot: shared.WithPilot = True,
    out: shared.Out = None,
    device: shared.WhichDevice = "auto",
    executor: shared.ExecutorChoice = "ray",
    workers: shared.Workers = None,
    trials_per_gpu: shared.TrialsPerGpu = 2,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
    deterministic: shared.Deterministic = False,
    dry_run: shared.DryRun = False,
) -> None:
    """Compare compound scaling with each dimension alone at the same cost, and show where each saturates."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console, print_candidates
    from scaling_search.cli.trackers import told
    from scaling_search.study.comparison import Comparison

    comparison = Comparison(
        baseline, data, axes=[axis.strip() for axis in axes.split(",")], coefficients=_triple(coefficients), run=run,
        steps=steps, seeds=seeds, epochs=epochs, phi=phi, executor=executor, folder=out, budget=budget, match=match,
        proxy_width=proxy_width, proxy_resolution=proxy_resolution, rounding=rounding, recipe=recipe, pilot=pilot,
        device=device, workers=workers, trials_per_gpu=trials_per_gpu, deterministic=deterministic,
    )  # fmt: skip
    console = make_console()
    with TerminalProgress(console) as progress, told(log, optuna_storage) as trackers:
        prepared = comparison.plan(listeners=[progress])
        for title, text in prepared.lines():
            console.print(f"{title:<10}{text}", markup=False)
        if dry_run:
            print_candidates(console, prepared.candidates)
            return
        finish_comparison(comparison, console, progress, trackers)


def finish_comparison(
    comparison: "Comparison", console: "Console", progress: "TerminalProgress", trackers: "Sequence[Tracker]"
) -> None:
    """Trains what is missing, and prints what was found; interrupted, what is there so far."""
    complete = comparison.run([progress, *trackers])
    progress.close()
    try:
        answer = comparison.analyze()
        print_comparison(console, answer)
        for tracker in trackers:
            tracker.say(answer.sentence)
    except InvalidInput:
        if complete:
            raise
    if not complete:
        why = comparison.study.shortfall()
        console.print(f"{why or 'interrupted'}; go on with: scaling-search resume {comparison.folder}", markup=False)
        raise typer.Exit(1 if why else 130)


def print_comparison(console: "Console", answer: "CompareAnswer") -> None:
    """What was found, and where everything lies."""
    console.print(f"\n{answer!r}\n", markup=False)
    console.print(f"figures   {answer.folder / 'figures'}/saturation.png, compared.png", markup=False)


def _triple(text: str | None) -> list[float] | None:
    """«1.2,1.1,1.15» as numbers.

    Raises:
        InvalidInput: it is not three numbers.
    """
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 3:
        raise InvalidInput(f"--coefficients {text!r} is not three numbers; write 1.2,1.1,1.15")
    return numbers
