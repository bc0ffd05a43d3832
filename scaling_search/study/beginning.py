"""What a run needs when it begins: its jobs, its live baseline on the disk, and who is told of the data."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Trial
from scaling_search.files import write_atomically
from scaling_search.search.executors import Job
from scaling_search.search.folder import RunFolder
from scaling_search.search.listener import Listener
from scaling_search.search.space import Candidate
from scaling_search.strategies import Ask, Compare, Strategy
from scaling_search.study.preparation import Prepared


def job_maker(prepared: Prepared) -> Callable[[Ask, Candidate, Path, tuple[Reading, ...]], Job]:
    """Makes a job of an ask, with what its training needs."""
    record = prepared.record

    def make(ask: Ask, candidate: Candidate, checkpoint: Path, history: tuple[Reading, ...]) -> Job:
        if record.epochs not in (None, ask.epochs) and not record.recipe.schedule.nests:
            raise InvalidInput(
                f"{prepared.strategy.name} asks for {ask.epochs} of {record.epochs} epochs, to go on later, and the "
                f"recipe {record.recipe.name} ends with its budget; use --recipe averaged"
            )
        return Job(
            trial=ask.trial,
            network=candidate.network,
            dataset=prepared.dataset,
            recipe=record.recipe,
            epochs=ask.epochs,
            device=record.device.kind,
            checkpoint=checkpoint,
            deterministic=record.deterministic,
            history=history,
        )

    return make


def keep_live(folder: RunFolder, baseline: dict[str, Any]) -> None:
    """A baseline that was handed over in Python, by value, so that another process can go on."""
    source = str(baseline.get("source", ""))
    if source.startswith("live:"):
        from scaling_search.networks.foreign import payload as payload_of

        payload = payload_of(source)
        assert payload is not None, "a live network is known in the process that it came from"
        write_atomically(folder.live_baseline, payload)


def weight_keeper(folder: RunFolder, strategy: Strategy) -> Callable[[Trial, Path], None] | None:
    """Keeps what the first seed of each network of a comparison has learned; a search keeps nothing."""
    if not isinstance(strategy, Compare):
        return None

    def keep(trial: Trial, checkpoint: Path) -> None:
        if trial.seed == strategy.first_seed and checkpoint.exists():
            from scaling_search.training.weights import keep_weights

            keep_weights(checkpoint, folder.weights_of(trial))

    return keep


def data_listener(listeners: Sequence[Listener]) -> Callable[[str, int, int], None]:
    """Tells all listeners of work on images."""

    def on_data(title: str, done: int, total: int) -> None:
        for listener in listeners:
            listener.on_data(title, done, total)

    return on_data


def step_listener(listeners: Sequence[Listener]) -> Callable[[str], None]:
    """Tells all listeners what of the planning begins."""

    def on_step(title: str) -> None:
        for listener in listeners:
            listener.on_step(title)

    return on_step


def typed_command() -> str:
    """What was typed, or that the search was begun in Python."""
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    return shlex.join([program, *sys.argv[1:]]) if program == "scaling-search" else "Python"
