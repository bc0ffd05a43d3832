"""`run`, `resume`, `candidates`, `analyze`, `report`: a search from its plan to its report, or one step of it."""

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling_search.units import format_seconds

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.options import Options
    from scaling_search.run_folder import RunFolder
    from scaling_search.search.candidates import Candidate
    from scaling_search.study import Setup


class Device(StrEnum):
    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Search(StrEnum):
    lattice = "lattice"
    grid = "grid"
    optuna = "optuna"


class MatchRule(StrEnum):
    realised = "realised"
    nominal = "nominal"


class Executor(StrEnum):
    ray = "ray"
    inline = "inline"


class Scheduler(StrEnum):
    fifo = "fifo"
    asha = "asha"
    hyperband = "hyperband"
    median = "median"


Baseline = Annotated[
    str,
    typer.Option(help="A shipped baseline (b0, …), a YAML file or a torch network (timm:resnet50, module:function)."),
]
Phi = Annotated[float, typer.Option(help="Compound coefficient of the search: candidates cost 2^φ times the baseline.")]
Data = Annotated[
    str | None, typer.Option(help="A folder of images by class, or a data set's name. Default: embedded shapes.")
]
SearchOption = Annotated[Search | None, typer.Option(help="Which points of the share triangle are tried.")]
Parts = Annotated[int | None, typer.Option(help="Lattice: shares in multiples of 1/PARTS.")]
Step = Annotated[float | None, typer.Option(help="Grid: step of α, β and γ.")]
Tolerance = Annotated[float | None, typer.Option(help="Grid: how far α·β²·γ² may be from 2.")]
Samples = Annotated[int | None, typer.Option(help="Optuna: points proposed beyond the named ones.")]
MatchOption = Annotated[
    MatchRule | None, typer.Option(help="Walk to 2^φ of the baseline's realised MACs, or take the rule literally.")
]
Rounding = Annotated[
    str | None, typer.Option(help="Rounding policy: efficientnet, nearest, … Default: the baseline's.")
]
MaxMacs = Annotated[str | None, typer.Option(help="Most multiply-adds of a full-size candidate, as 800M.")]
MaxParams = Annotated[str | None, typer.Option(help="Most parameters of a full-size candidate, as 9M.")]
MaxMemory = Annotated[str | None, typer.Option(help="Most bytes at inference of a full-size candidate, as 100M.")]

TargetOption = Annotated[
    str | None,
    typer.Option(help="Instead of 2^φ times the MACs: macs=3x, params=8M, activations=2x, memory=…, latency=5ms."),
]
MaxLatency = Annotated[str | None, typer.Option(help="Most time for one image on --latency-on, as 5ms.")]
LatencyOn = Annotated[str | None, typer.Option(help="Where latency is measured: cpu or cuda.")]


def run(
    baseline: Baseline = "b0",
    phi: Phi = 1.0,
    data: Data = None,
    budget: Annotated[str | None, typer.Option(help="Time for the whole search, as 10m or 2h.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder. Default: results/<baseline>-phi<φ>-<data>-<time>.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Trainings of each candidate.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the images in each training.")] = None,
    device: Annotated[Device, typer.Option(help="Where trials train.")] = Device.auto,
    search: SearchOption = None,
    parts: Parts = None,
    step: Step = None,
    tolerance: Tolerance = None,
    samples: Samples = None,
    match: MatchOption = None,
    rounding: Rounding = None,
    max_macs: MaxMacs = None,
    max_params: MaxParams = None,
    max_memory: MaxMemory = None,
    max_latency: MaxLatency = None,
    target: TargetOption = None,
    latency_on: LatencyOn = None,
    proxy_width: Annotated[float | None, typer.Option(help="Width of the small baseline.")] = None,
    proxy_resolution: Annotated[int | None, typer.Option(help="Resolution of the small baseline, in pixels.")] = None,
    recipe: Annotated[str | None, typer.Option(help="Training recipe.")] = None,
    executor: Annotated[Executor, typer.Option(help="Ray Tune, or this process.")] = Executor.ray,
    scheduler: Annotated[
        Scheduler, typer.Option(help="Ray Tune's; others than fifo stop trials early, which favours width.")
    ] = Scheduler.fifo,
    workers: Annotated[
        int | None, typer.Option(help="Trials at once. Default: one a core, or as the GPUs hold.")
    ] = None,
    trials_per_gpu: Annotated[int, typer.Option(help="Trials that share one GPU.")] = 2,
    deterministic: Annotated[bool, typer.Option(help="Bit-equal results on CUDA too, at some speed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the candidates, the plan and its time; train nothing.")
    ] = False,
) -> None:
    """Search how to divide 2^φ times the compute, and write the analysis, the family and a report."""
    given = dict(locals())
    from scaling_search import run_folder
    from scaling_search.cli.terminal import data_progress, make_console
    from scaling_search.study import plan_run

    options = _options(given)
    console = make_console()
    if out is not None:
        run_folder.check_free(out)
    with data_progress(console) as on_data:
        setup = plan_run(options, on_data=on_data)
    _print_plan(console, setup)
    if dry_run:
        _print_candidates(console, setup.candidates)
        return
    folder = run_folder.create(out, baseline=setup.full.name, phi=phi, dataset=setup.dataset.name)
    try:
        _begin(setup, folder)
    except BaseException:
        folder.remove()  # a full disk or Ctrl-C here must not leave half a run
        raise
    _train_and_finish(setup, folder, console)


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run that was interrupted or killed.")],
) -> None:
    """Finish a run; trials that are done are not trained again."""
    from scaling_search.cli.terminal import data_progress, make_console
    from scaling_search.run_folder import RunFolder
    from scaling_search.study import reopen

    console = make_console()
    folder = RunFolder(run)
    with data_progress(console) as on_data:
        setup = reopen(folder, on_data=on_data)
    _train_and_finish(setup, folder, console)


def candidates(
    baseline: Baseline = "b0",
    phi: Phi = 1.0,
    search: SearchOption = None,
    parts: Parts = None,
    step: Step = None,
    tolerance: Tolerance = None,
    match: MatchOption = None,
    rounding: Rounding = None,
    max_macs: MaxMacs = None,
    max_params: MaxParams = None,
    max_memory: MaxMemory = None,
    max_latency: MaxLatency = None,
    target: TargetOption = None,
    latency_on: LatencyOn = None,
    proxy: Annotated[
        bool,
        typer.Option("--proxy", help="The small networks that a run on CPUs trains, instead of the full-size ones."),
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this file.")] = None,
) -> None:
    """List the networks that a search compares: what they are made of and what they really cost."""
    given = dict(locals())
    from scaling_search.cli.terminal import make_console
    from scaling_search.search.candidates import write_table
    from scaling_search.study.setup import list_candidates

    found = list_candidates(_options(given), proxy=proxy)
    _print_candidates(make_console(), found)
    if csv is not None:
        write_table(csv, found)


def analyze(run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")]) -> None:
    """Analyse what a run has measured so far, and write best.yaml and the family."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.run_folder import RunFolder
    from scaling_search.study import finish

    finish(RunFolder(run), make_console())


def report(run: Annotated[Path, typer.Argument(help="The folder of a run, finished or not.")]) -> None:
    """Draw the figures and write report.html again from what is in the folder."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.run_folder import RunFolder
    from scaling_search.study.finishing import write_run_report

    make_console().print(f"report    {write_run_report(RunFolder(run))}")


def _options(given: dict[str, Any]) -> "Options":
    """The command's arguments as strict options; amounts and durations are parsed here."""
    from scaling_search.configuration import parse
    from scaling_search.options import Options
    from scaling_search.units import parse_amount, parse_duration, parse_latency

    for name in ("max_macs", "max_params", "max_memory"):
        if given.get(name) is not None:
            given[name] = parse_amount(given[name], "--" + name.replace("_", "-"))
    if given.get("max_latency") is not None:
        given["max_latency"] = parse_latency(given["max_latency"])
    if given.get("budget") is not None:
        given["budget_seconds"] = parse_duration(given["budget"])
    return parse(Options, {key: value for key, value in given.items() if key in Options.model_fields}, origin="options")


def _begin(setup: "Setup", folder: "RunFolder") -> None:
    """Writes what resuming needs before the first trial starts."""
    from scaling_search.environment import git_commit, versions
    from scaling_search.search.candidates import write_table

    write_table(folder.candidates, setup.candidates)
    started = datetime.now(UTC).isoformat(timespec="seconds")
    command = shlex.join(["scaling-search", *sys.argv[1:]])
    about = {"command": command, "started": started, "git": git_commit(), "versions": versions()}
    folder.write_configuration(setup.configuration() | about)


def _train_and_finish(setup: "Setup", folder: "RunFolder", console: "Console") -> None:
    from scaling_search.study import execute, finish

    if not execute(setup, folder, console):
        console.print(f"interrupted; go on with: scaling-search resume {folder.path}")
        raise typer.Exit(130)
    finish(folder, console)


def _print_plan(console: "Console", setup: "Setup") -> None:
    plan, data, base = setup.plan, setup.dataset, setup.base
    count = f"{len(data.classes)} classes, {len(data.train)} training and {len(data.val)} validation images"
    console.print(f"data      {data.name}: {count}")
    for warning in data.skipped[:5]:
        console.print(f"          skipped {warning}")
    console.print(
        f"proxy     {setup.full.name} made small: {base.resolution} px, {base.cost().macs / 1e6:.1f} M MACs; "
        f"candidates have {2**setup.options.phi:g}× that, on {setup.device}",
    )
    console.print(
        f"plan      {plan.candidates} candidates × {plan.seeds} seeds × {plan.epochs} epochs = {plan.trials} trials, "
        f"{plan.workers} at once, about {format_seconds(plan.seconds)}",
    )


def _print_candidates(console: "Console", found: "Sequence[Candidate]") -> None:
    """A row a candidate; the widths only where the terminal has room for them (candidates.csv always has them)."""
    from rich.table import Table

    wide = console.width >= 140
    texts = {"", "depths", "widths", "named"}
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "α", "β", "γ", "pixels", "params", "MACs", "ratio", "depths", *(["widths"] * wide), "named"):
        table.add_column(name, justify="left" if name in texts else "right", no_wrap=name != "named")
    for item in found:
        asked, network = item.coefficients, item.network
        table.add_row(
            item.id,
            *(f"{value:.3f}" for value in (asked.alpha, asked.beta, asked.gamma)),
            str(network.resolution),
            f"{item.cost.params / 1e6:.2f}M",
            f"{item.cost.macs / 1e6:.1f}M",
            f"{item.macs_ratio:.3f}",
            "-".join(map(str, network.depths)),
            *(["-".join(map(str, network.widths))] * wide),
            " ".join(item.names),
        )
    console.print(table)
