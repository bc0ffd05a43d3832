"""`verify`: does a run's answer hold with fresh seeds and longer trainings?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scaling_search.cli import options as shared

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from scaling_search.loggers import Tracker
    from scaling_search.search.verification import Verification
    from scaling_search.study.verification import Verifier


def verify(
    run: Annotated[Path, typer.Argument(help="The folder of a search that has an answer.")],
    budget: Annotated[str | None, typer.Option(help="Time for it, as 30m. Default: the run's.")] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Fresh trainings of each network. Default: 2 or 3.", min=1, max=1000)
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Of each training. Default: twice the run's.", min=1, max=100_000)
    ] = None,
    larger: Annotated[
        bool | None,
        typer.Option("--larger/--no-larger", help="Networks of twice the compute too. Default: if there is time."),
    ] = None,
    own_growth: Annotated[
        bool,
        typer.Option("--own-growth", help="Networks of 2^φ too, where the run's have more leverage: do both agree?"),
    ] = False,
    log: shared.Log = None,
    optuna_storage: shared.OptunaUrl = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the networks and the plan; train nothing.")] = False,
) -> None:
    """Train a run's pick and its rivals with fresh seeds, longer; say whether the answer held. Goes on if cut off."""
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console, print_candidates
    from scaling_search.cli.trackers import told
    from scaling_search.errors import InvalidInput
    from scaling_search.study.preparation import plan_lines
    from scaling_search.study.verification import FOLDER, Verifier

    console = make_console()
    with told(log, optuna_storage, run / FOLDER) as trackers:
        with TerminalProgress(console) as progress:
            verifier = Verifier(run)
            prepared = verifier.plan(
                budget, seeds=seeds, epochs=epochs, larger=larger, own_growth=own_growth, listeners=[progress]
            )
            for title, text in plan_lines(prepared.record):
                console.print(f"{title:<10}{text}", markup=False)
            if dry_run:
                print_candidates(console, prepared.candidates)
                return
            complete = verifier.run([progress, *trackers])
        try:
            _show(verifier, console, trackers)
        except InvalidInput:
            if complete:
                raise
    if not complete:
        why = verifier.study.shortfall() if verifier.study else ""
        console.print(f"{why or 'interrupted'}; go on with: scaling-search verify {run}", markup=False)
        raise typer.Exit(1 if why else 130)


def _show(verifier: "Verifier", console: "Console", trackers: "Sequence[Tracker]") -> None:
    found = verifier.analyze()
    console.print()
    for line in verification_lines(found):
        console.print(line, markup=False)
    written = verifier.run_folder.path / "verification.yaml"
    console.print(f"\nwritten   {written}, {verifier.path / 'figures'}/transfer.png", markup=False)
    for tracker in trackers:
        tracker.say(found.sentence)


def verification_lines(found: "Verification") -> "Iterator[str]":
    """The verdict, what was trained again, and where the pick moved."""
    from scaling_search.analysis.wording import percent

    yield found.sentence
    yield ""
    first, last = (f"{number} epochs" for number in found.epochs)
    yield f"{'':<24}{'expected':<11}{first:<11}{last:<16}as built (d / w / r)"
    for one in found.networks:
        short = "" if one.top1_short is None else percent(one.top1_short)
        shares = " / ".join(f"{100 * share:.0f}" for share in one.shares.as_tuple())
        expected, reached = percent(one.expected), percent(one.top1, one.top1_se)
        yield f"{' = '.join(one.names):<24}{expected:<11}{short:<11}{reached:<16}{shares}"
    yield ""
    for pick in found.transfer.picks:
        shares = " / ".join(f"{100 * share:.0f}" for share in pick.shares.as_tuple())
        yield f"pick, {pick.of:<18}{pick.epochs} epochs at {pick.growth:.3g}×: {shares}"
    for name, order in (("length", found.transfer.order_by_length), ("size", found.transfer.order_by_growth)):
        if order is not None:
            yield f"order kept over {name}: {order.held} of {order.pairs} pairs"
    if found.transfer.own_growth is not None:
        yield found.transfer.own_growth.sentence
    if found.transfer.distance is not None:
        yield f"the full-size pick has {found.transfer.distance:,.0f} times the MACs of its stand-in"
