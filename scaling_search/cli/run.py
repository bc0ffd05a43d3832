"""`run` and `resume`: a search from its plan to its report."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling_search.cli import options as shared
from scaling_search.errors import InvalidInput
from scaling_search.evidence import EPSILON

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.study.study import Study


def run(
    context: typer.Context,
    baseline: shared.Baseline = "b0",
    phi: shared.Phi = 1.0,
    data: shared.Data = None,
    target: shared.Target = None,
    max_macs: shared.MaxMacs = None,
    max_params: shared.MaxParams = None,
    max_memory: shared.MaxMemory = None,
    max_latency: shared.MaxLatency = None,
    latency_on: shared.LatencyOn = None,
    epsilon: shared.Epsilon = EPSILON,
    budget: shared.Budget = None,
    search: shared.Search = None,
    parts: shared.Parts = None,
    step: shared.Step = None,
    tolerance: shared.Tolerance = None,
    samples: shared.Samples = None,
    match: shared.Match = None,
    seeds: shared.Seeds = None,
    epochs: shared.Epochs = None,
    leverage: shared.Leverage = None,
    proxy_width: shared.ProxyWidth = None,
    proxy_resolution: shared.ProxyResolution = None,
    rounding: shared.Rounding = None,
    recipe: shared.RecipeName = None,
    pilot: shared.WithPilot = True,
    out: shared.Out = None,
    device: shared.WhichDevice = "auto",
    executor: shared.ExecutorChoice = "ray",
    scheduler: shared.SchedulerChoice = "fifo",
    workers: shared.Workers = None,
    trials_per_gpu: shared.TrialsPerGpu = 2,
    deterministic: shared.Deterministic = False,
    dry_run: shared.DryRun = False,
) -> None:
    """Search how to divide 2^φ times the compute, and write the analysis, the family and a report."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console, print_candidates
    from scaling_search.study.study import Study

    study = Study(baseline, data, folder=out, **shared.asked(context))
    console = make_console()
    with TerminalProgress(console) as progress:
        prepared = study.plan(listeners=[progress])
        for title, text in prepared.lines():
            console.print(f"{title:<10}{text}", markup=False)
        if dry_run:
            print_candidates(console, prepared.candidates)
            return
        _train_and_finish(study, console, progress)


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run that was interrupted or killed.")],
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also train the trials again whose networks failed.")
    ] = False,
) -> None:
    """Finish a run; trials that are done are not trained again."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.study import Study

    console = make_console()
    with TerminalProgress(console) as progress:
        study = Study.open(run)
        if retry_failed:
            console.print(f"{study.retry_failed()} trials that failed are trained again")
        _train_and_finish(study, console, progress)


def extend(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    budget: Annotated[str | None, typer.Option(help="Time for what comes, as 30m: goes on asking so long.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="So many more trainings of every candidate instead.", min=1, max=1000)
    ] = None,
) -> None:
    """More evidence in the same run, for an answer that is not sure enough."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.preparation import plan_lines
    from scaling_search.study.study import Study

    console = make_console()
    with TerminalProgress(console) as progress:
        study = Study.open(run)
        for title, text in plan_lines(study.extend(budget=budget, seeds=seeds).record):
            console.print(f"{title:<10}{text}", markup=False)
        _train_and_finish(study, console, progress)


def _train_and_finish(study: "Study", console: "Console", progress: "TerminalProgress") -> None:
    from scaling_search.cli.analyze import print_answer

    if study.prepared.compares:
        from scaling_search.cli.compare import finish_comparison
        from scaling_search.study.comparison import Comparison

        finish_comparison(Comparison.of(study), console, progress)
        return
    complete = study.run([progress])
    progress.close()
    if complete:
        print_answer(console, study.analyze())
        return
    if not study.shortfall():  # who presses Ctrl-C gets the answer so far; what the environment failed is no answer
        with contextlib.suppress(InvalidInput):  # nothing may be trained to its end yet
            print_answer(console, study.analyze())
    console.print(
        f"{study.shortfall() or 'interrupted'}; go on with: scaling-search resume {study.folder}", markup=False
    )
    raise typer.Exit(1 if study.shortfall() else 130)
