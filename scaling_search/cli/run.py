"""`run` and `resume`: a search from its plan to its report."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling_search.cli import options as shared
from scaling_search.errors import InvalidInput
from scaling_search.evidence import EPSILON

if TYPE_CHECKING:
    from rich.console import Console

    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.loggers import Tracker
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
    cpus_per_trial: shared.CpusPerTrial = 1,
    gpus_per_trial: shared.GpusPerTrial = None,
    address: shared.Address = None,
    storage: shared.Storage = None,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
    deterministic: shared.Deterministic = False,
    config: shared.Config = None,
    sets: shared.Sets = None,
    quiet: shared.Quiet = False,
    as_json: shared.AsJson = False,
    dry_run: shared.DryRun = False,
) -> None:
    """Search how to divide 2^φ times the compute, and write the analysis, the family and a report."""
    from scaling_search.cli.terminal import make_console, print_candidates
    from scaling_search.cli.trackers import told

    console = make_console(quiet=quiet or as_json)
    if not console.is_terminal:
        console.print("planning  loading what trains")  # torch and Ray take seconds
    from scaling_search.cli.progress import TerminalProgress

    with TerminalProgress(console) as progress, told(log, optuna_storage) as trackers:
        if baseline.startswith("search:") and config is None:
            from scaling_search.cli.baseline import searched_baseline

            baseline = searched_baseline(
                baseline, data, out=out, console=console, progress=progress, budget=budget, executor=executor,
                device=device, workers=workers,
            )  # fmt: skip
        progress.on_step("opening the baseline")
        study = _begun(context, baseline, data, out, config, sets)
        prepared = study.plan(listeners=[progress])
        for title, text in prepared.lines():
            console.print(f"{title:<10}{text}", markup=False)
        if dry_run:
            progress.close()
            print_candidates(make_console(), prepared.candidates)
            return
        _train_and_finish(study, console, progress, trackers, as_json=as_json, quiet=quiet)


def _begun(
    context: typer.Context, baseline: str, data: str | None, out: Path | None, config: Path | None,
    sets: list[str] | None,
) -> "Study":  # fmt: skip
    """The search that the options ask for, or that of another run again."""
    from scaling_search.study.study import Study

    if config is None:
        if sets:
            raise InvalidInput("--set changes what --config says: name a run.yaml")
        return Study(baseline, data, folder=out, **shared.asked(context))
    own = {"config", "sets", "out", "log", "optuna_storage", "quiet", "as_json", "dry_run"}
    typed = [
        name for name in context.params
        if name not in own and str(context.get_parameter_source(name)).endswith("COMMANDLINE")
    ]  # fmt: skip
    if typed:
        option = typed[0].replace("_", "-")
        raise InvalidInput(f"--config says all of the search: write --set {typed[0]}=… instead of --{option}")
    return Study.again(config, changes=_changes(sets or []), folder=out)


def _changes(sets: list[str]) -> dict[str, str]:
    """key=value, as typed."""
    found = {}
    for text in sets:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InvalidInput(f"--set {text!r} is not key=value, as seeds=4")
        found[key.strip().replace("-", "_")] = value.strip()
    return found


def resume(
    run: Annotated[Path, typer.Argument(help="The folder of a run that was interrupted or killed.")],
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Also train the trials again whose networks failed.")
    ] = False,
    address: shared.Address = None,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
    quiet: shared.Quiet = False,
) -> None:
    """Finish a run; trials that are done are not trained again."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.cli.trackers import told
    from scaling_search.study.study import Study

    console = make_console(quiet=quiet)
    with TerminalProgress(console) as progress, told(log, optuna_storage, run) as trackers:
        study = Study.open(run, address=address)
        if retry_failed:
            console.print(f"{study.retry_failed()} trials that failed are trained again")
        _train_and_finish(study, console, progress, trackers, quiet=quiet)


def extend(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    budget: Annotated[str | None, typer.Option(help="Time for what comes, as 30m: goes on asking so long.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="So many more trainings of every candidate instead.", min=1, max=1000)
    ] = None,
    parts: Annotated[int | None, typer.Option(help="A finer lattice instead: so many parts.", min=1, max=60)] = None,
    address: shared.Address = None,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
) -> None:
    """More evidence in the same run, for an answer that is not sure enough."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.cli.trackers import told
    from scaling_search.study.preparation import plan_lines
    from scaling_search.study.study import Study

    console = make_console()
    with TerminalProgress(console) as progress, told(log, optuna_storage, run) as trackers:
        study = Study.open(run, address=address)
        for title, text in plan_lines(study.extend(budget=budget, seeds=seeds, parts=parts).record):
            console.print(f"{title:<10}{text}", markup=False)
        _train_and_finish(study, console, progress, trackers)


def _train_and_finish(
    study: "Study", console: "Console", progress: "TerminalProgress", trackers: "Sequence[Tracker]", *,
    as_json: bool = False, quiet: bool = False,
) -> None:  # fmt: skip
    from scaling_search.cli.terminal import make_console
    from scaling_search.study.own_growth import at_own_growth

    if study.prepared.record.seeks:
        from scaling_search.cli.baseline import finish_baseline
        from scaling_search.study.seed import BaselineSearch

        finish_baseline(BaselineSearch.of(study), make_console() if quiet else console, progress, trackers)
        return
    if study.prepared.record.compares:
        from scaling_search.cli.compare import finish_comparison
        from scaling_search.study.comparison import Comparison

        finish_comparison(Comparison.of(study), make_console() if quiet else console, progress, trackers)
        return
    complete = study.run([progress, *trackers])
    if complete:
        with contextlib.suppress(KeyboardInterrupt):  # the answer is there
            at_own_growth(study, [progress])
    progress.close()
    if complete:
        _show(study, make_console() if quiet else console, trackers, as_json=as_json)
        return
    if not study.shortfall():  # who presses Ctrl-C gets the answer so far; what the environment failed is no answer
        with contextlib.suppress(InvalidInput):  # nothing may be trained to its end yet
            _show(study, make_console() if quiet else console, trackers, as_json=as_json)
    sentence = f"{study.shortfall() or 'interrupted'}; go on with: scaling-search resume {study.folder}"
    if console.quiet:
        typer.echo(sentence, err=True)
    console.print(sentence, markup=False)
    raise typer.Exit(1 if study.shortfall() else 130)


def _show(study: "Study", console: "Console", trackers: "Sequence[Tracker]", *, as_json: bool) -> None:
    """The answer; and where there is more to be had, the command for it."""
    import json

    from scaling_search.analysis import to_dict
    from scaling_search.cli.analyze import print_answer

    answer = study.analyze(trackers)
    if as_json:
        content = {"folder": str(study.folder), **to_dict(answer.analysis)}
        if (own := answer.own_growth) is not None:
            content["own_growth"] = own.model_dump()
        typer.echo(json.dumps(content, ensure_ascii=False, indent=2))
        return
    print_answer(console, answer)
    if failed := study.failures():
        count, reason = sum(failed.values()), failed.most_common(1)[0][0]
        what = "1 trial" if count == 1 else f"{count} trials"
        retry = f"scaling-search resume {study.folder} --retry-failed"
        console.print(f"failed    {what}, most often: {reason}; again: {retry}", markup=False)
