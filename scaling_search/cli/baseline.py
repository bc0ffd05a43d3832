"""`baseline`: a search for the network that is scaled, at a cost that is meant."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling_search.cli import options as shared
from scaling_search.errors import InvalidInput
from scaling_search.search.stages import StagedName
from scaling_search.strategies.goal import Reward

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.loggers import Tracker
    from scaling_search.study.seed import BaselineSearch
    from scaling_search.study.seed_answer import BaselineAnswer

QUESTION, SEARCH = shared.QUESTION, shared.SEARCH
Space = Annotated[str, typer.Option(help="A space of stages: mnasnet, resnet or a YAML.", rich_help_panel=QUESTION)]
Target = Annotated[
    str, typer.Option(help="Multiply-adds at full size: 400M as macs=400M.", rich_help_panel=QUESTION)
]  # fmt: skip
Weight = Annotated[
    float | None, typer.Option(help="w of the reward ACC·(MACs/T)^w. Default: −0.07.", rich_help_panel=QUESTION)
]
Hard = Annotated[
    bool, typer.Option("--hard", help="Below the target cost is free; above, ACC·T/MACs.", rich_help_panel=QUESTION)
]
Frontier = Annotated[
    bool, typer.Option("--frontier", help="Accuracy and cost both: NSGA-II with optuna.", rich_help_panel=QUESTION)
]
MaxMacs = Annotated[
    str | None, typer.Option(help="Most multiply-adds at full size. Default: 2 targets.", rich_help_panel=QUESTION)
]
Strategy = Annotated[StagedName, typer.Option(help="How networks are proposed.", rich_help_panel=SEARCH)]
Samples = Annotated[
    int | None, typer.Option(help="Networks that are tried. Default: as time allows.", rich_help_panel=SEARCH)
]
Budget = Annotated[
    str | None, typer.Option(help="Time, as 20m: two thirds for the search.", rich_help_panel=SEARCH)
]  # fmt: skip
Seeds = Annotated[
    int | None, typer.Option(help="Trainings of each network. Default: one.", rich_help_panel=SEARCH)
]  # fmt: skip


def baseline(
    space: Space = "mnasnet",
    data: shared.Data = None,
    target: Target = "macs=1x",
    weight: Weight = None,
    hard: Hard = False,
    frontier: Frontier = False,
    max_macs: MaxMacs = None,
    max_params: shared.MaxParams = None,
    max_memory: shared.MaxMemory = None,
    max_latency: shared.MaxLatency = None,
    latency_on: shared.LatencyOn = None,
    budget: Budget = None,
    strategy: Strategy = "evolution",
    samples: Samples = None,
    seeds: Seeds = None,
    epochs: shared.Epochs = None,
    proxy_width: shared.ProxyWidth = None,
    proxy_resolution: shared.ProxyResolution = None,
    recipe: shared.RecipeName = None,
    out: shared.Out = None,
    device: shared.WhichDevice = "auto",
    executor: shared.ExecutorChoice = "ray",
    workers: shared.Workers = None,
    trials_per_gpu: shared.TrialsPerGpu = 2,
    deterministic: shared.Deterministic = False,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
    dry_run: shared.DryRun = False,
) -> None:  # fmt: skip
    """Search for the baseline itself in a space of stages, and compare it with known networks at the same cost."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.cli.trackers import told
    from scaling_search.study.seed import BaselineSearch

    if hard and frontier:
        raise InvalidInput("--hard weighs accuracy and cost, --frontier does not: choose one")
    reward: Reward = "hard" if hard else "frontier" if frontier else "soft"
    search = BaselineSearch(
        space, data, target=target, reward=reward, weight=weight, strategy=strategy, samples=samples, executor=executor,
        folder=out, max_macs=max_macs, max_params=max_params, max_memory=max_memory, max_latency=max_latency,
        latency_on=latency_on, budget=budget, seeds=seeds, epochs=epochs, proxy_width=proxy_width,
        proxy_resolution=proxy_resolution, recipe=recipe, device=device, workers=workers,
        trials_per_gpu=trials_per_gpu, deterministic=deterministic,
    )  # fmt: skip
    console = make_console()
    with TerminalProgress(console) as progress, told(log, optuna_storage) as trackers:
        prepared = search.plan(listeners=[progress])
        for title, text in prepared.lines():
            console.print(f"{title:<10}{text}", markup=False)
        if not dry_run:
            finish_baseline(search, console, progress, trackers)


def finish_baseline(
    search: "BaselineSearch", console: "Console", progress: "TerminalProgress", trackers: "Sequence[Tracker]" = ()
) -> None:
    """Trains what is missing, and prints what was found; interrupted, what is there so far."""
    complete = search.run([progress, *trackers])
    progress.close()
    try:
        answer = search.analyze()
        print_baseline(console, answer)
        for tracker in trackers:
            tracker.say(answer.sentence)
    except InvalidInput:
        if complete:
            raise
    if not complete:
        why = search.shortfall()
        console.print(f"{why or 'interrupted'}; go on with: scaling-search resume {search.folder}", markup=False)
        raise typer.Exit(1 if why else 130)


def print_baseline(console: "Console", answer: "BaselineAnswer") -> None:
    """What was found, and what to do with it."""
    console.print(f"\n{answer!r}\n", markup=False)
    console.print(f"report    {answer.folder / 'report.html'}", markup=False)
    console.print(f"next      scaling-search run --baseline {answer.folder / 'mine.yaml'} --phi 1", markup=False)


def searched_baseline(
    text: str,
    data: str | None,
    *,
    out: Path | None,
    console: "Console",
    progress: "TerminalProgress",
    **options: Any,
) -> str:
    """The file of the baseline that `run --baseline search:SPACE` asks to be searched first.

    Args:
        text: «search:mnasnet», or with a target «search:mnasnet,macs=400M».
        out: the folder of the scaling run; that of the search for the baseline is beside it.
        options: budget (the search for the baseline has as much as the scaling run), executor, device, workers.
    """
    from scaling_search.study.finals import SHARE
    from scaling_search.study.seed import BaselineSearch
    from scaling_search.units import format_seconds

    space, _, target = text.removeprefix("search:").partition(",")
    folder = None if out is None else out.with_name(f"{out.name}-baseline")
    search = BaselineSearch(space, data, target=target or "macs=1x", folder=folder, **options)
    prepared = search.plan(listeners=[progress])
    each = format_seconds(prepared.record.plan.budget_seconds / (1 - SHARE))
    console.print(f"budgets   {each} for the baseline, then {each} for its division", markup=False)
    for title, found in prepared.lines():
        console.print(f"{title:<10}{found}", markup=False)
    finish_baseline(search, console, progress)
    return str(search.analyze().folder / "mine.yaml")
