"""A search made ready: data packed, speed measured, plan chosen, or all of it read back from a run folder."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from html import escape
from pathlib import Path

from scaling_search.analysis.wording import count
from scaling_search.data import Dataset, prepare, reopen
from scaling_search.data.shapes import DIFFICULTY
from scaling_search.environment import describe_device, git_commit, resolve_device, versions
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor, Ray
from scaling_search.search.folder import RunFolder
from scaling_search.search.pilot import FIRST_LOOK, PILOTED, UNSCALED_SEEDS, PilotRecord
from scaling_search.search.plan import Plan, Speed, Work, choose_plan
from scaling_search.search.record import BaseRecord, DataRecord, DeviceRecord, ExecutorRecord, RunRecord
from scaling_search.search.searchspace import adopt_live
from scaling_search.search.space import Candidate, Space
from scaling_search.search.table import read_table
from scaling_search.strategies import Asking, Point, Strategy
from scaling_search.study.dataset import Data, opened
from scaling_search.study.design import TIGHT, Design, space_of
from scaling_search.study.engines import executor_again
from scaling_search.units import format_count, format_seconds

OnData = Callable[[str, int, int], None]
"""Told of work on images: what is done, images done, images in all."""
OnStep = Callable[[str], None]
"""Told what of the planning begins."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """All that a run needs before its first trial.

    Attributes:
        record: what run.yaml says, or will.
        candidates: those that are known at the start.
    """

    record: RunRecord
    space: Space
    candidates: tuple[Candidate, ...]
    dataset: Dataset
    strategy: Strategy
    executor: Executor

    def asking(self) -> Asking:
        """Who is asked what next."""
        return self.record.asking(self.strategy)

    def lines(self) -> list[tuple[str, str]]:
        """What is to be done, in a few titled lines."""
        record, data = self.record, self.dataset
        base = record.base
        pixels = base.network.get("resolution")
        return [
            ("data", f"{data.name}: {len(data.classes)} classes, {len(data.train)} training and {len(data.val)} "
                     "validation images"),
            *(("", f"skipped {name}") for name in data.skipped[:5]),
            ("proxy", f"{record.baseline['name']} made small: {pixels} px, {format_count(base.macs)} MACs; "
                      f"{_costs_of_candidates(record)}, on {record.device.kind}"),
            *plan_lines(record),
        ]  # fmt: skip

    def __repr__(self) -> str:
        return "\n".join(f"{title:<10}{text}" for title, text in self.lines())

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><th>{title}</th><td>{escape(text)}</td></tr>" for title, text in self.lines())
        return f"<table>{rows}</table>"


def _costs_of_candidates(record: RunRecord) -> str:
    if record.seeking is None:
        return f"candidates have {record.growth:.3g}× that"
    most = "" if record.question.max_macs is None else f" (at most {format_count(record.question.max_macs)})"
    return f"{format_count(record.seeking.target)} at full size{most} are {record.seeking.goal.target:.3g}× that"


def plan_lines(record: RunRecord) -> list[tuple[str, str]]:
    """What the pilot has shown, and what is to be trained."""
    plan, pilot = record.plan, record.pilot
    epochs = count(record.epochs or 1, "epoch")
    if record.seeds is None:
        each = f"up to {count(plan.trials, 'trial')} of {epochs}, each where it is worth most"
    else:
        grid = f"{count(plan.candidates, 'candidate')} × {count(record.seeds, 'seed')} × {epochs}"
        each = f"{grid} = {count(plan.trials, 'trial')}"
    if record.lengths is not None:
        longer = f"{count(len(record.lengths.candidates), 'division')} for {record.lengths.epochs} epochs"
        return [("longer", f"{longer}: time is left to see whether the order holds")]
    if plan.more:  # told once
        return [("more", "trials as long as there is time: nothing is settled")] if plan.more == 1 else []
    lines = [("plan", f"{each}, {record.executor.workers} at once, about {format_seconds(plan.seconds)}")]
    if pilot is not None and pilot.pending and pilot.difficulty is not None:
        lines.insert(0, ("data", f"{record.data.source}, drawn anew: {_why_drawn(pilot.difficulty)}"))
    if pilot is not None and pilot.pending and pilot.smaller:
        smaller = f"{record.base.network.get('resolution')} px, {format_count(record.base.macs)} MACs"
        lines.insert(0, ("proxy", f"made smaller, {smaller}: the pilot was near the ceiling after one epoch"))
    if pilot is None or not pilot.candidates:
        return lines
    if pilot.found is not None:
        return [("pilot", pilot.found.sentence(record.epochs or 1)), *lines]
    first = f"the unscaled network and {count(len(pilot.candidates), 'candidate')} first; then the plan is settled"
    return [*lines, ("pilot", first)]


def _why_drawn(difficulty: float) -> str:
    """Why the embedded images have another difficulty after a pilot."""
    if difficulty < DIFFICULTY:
        return "easier, since the pilot learned nothing"
    return "harder, since the pilot was near the ceiling after one epoch"


def prepare_new(
    design: Design, *, command: str, on_data: OnData | None = None, on_step: OnStep | None = None
) -> Prepared:
    """Packs the data, measures the speed and makes the plan. Writes nothing but the data's cache.

    Args:
        command: what was typed, for run.yaml.

    Raises:
        InvalidInput: anything that was asked for cannot be done.
    """
    step = on_step or (lambda title: None)
    step("reading the images' names")
    source = opened(design.data)
    step(f"measuring how fast {design.measured} train")
    design, speed = design.affordable(len(source.train), len(source.val), classes=len(source.classes))
    data = prepare(source, resolution=design.packed_resolution(len(source.classes)), progress=on_data)
    step("building the candidates")
    base = design.base(len(data.classes))
    space = design.space(base)
    candidates = _remembered(space)
    work = design.work(len(data.train), len(data.val))
    refinements = design.strategy.refinements()
    choose = partial(
        choose_plan, candidates=candidates, speed=speed, work=work, budget_seconds=design.budget,
        unscaled=UNSCALED_SEEDS if design.pilot else 0,
    )  # fmt: skip
    strategy, plan = choose(refinements)
    found = candidates(strategy)
    _check_budget(design, speed, work, plan, strategy)
    record = RunRecord(
        command=command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        git=git_commit(),
        versions=versions(),
        baseline=design.full.to_dict(),
        question=design.question,
        growth=space.growth(found),
        base=BaseRecord.of(base),
        data=_data_record(data, design.data),
        recipe=design.recipe,
        strategy=strategy.to_dict(),
        plan=plan,
        speed=speed,
        pilot=_pilot(design, strategy, found, coarsest=lambda: choose(refinements[:1])[0], work=work),
        seeking=design.seeking,
        executor=executor_record(design.executor, work.workers),
        device=DeviceRecord(**describe_device(design.device)),
        deterministic=design.deterministic,
    )
    return Prepared(
        record=record, space=space, candidates=found, dataset=data, strategy=strategy, executor=design.executor
    )


def _pilot(
    design: Design, strategy: Strategy, candidates: Sequence[Candidate], *, coarsest: Callable[[], Strategy], work: Work
) -> PilotRecord | None:
    """The pilot of a search, which is still to be made; None where none is wanted.

    Args:
        coarsest: what the coarsest plan would have asked; its epochs are the most that there will be.
    """
    if not design.pilot or strategy.epochs is None:
        return None
    return PilotRecord(
        seeds=strategy.seeds or UNSCALED_SEEDS,
        candidates=piloted(candidates) if design.recipe.schedule.nests else (),
        most=coarsest().epochs or FIRST_LOOK,
        asked=design.strategy.to_dict(),
        work=work,
        size=None if design.sized else design.size,
    )


def _check_budget(design: Design, speed: Speed, work: Work, plan: Plan, strategy: Strategy) -> None:
    """Warns where the time that was asked for is too short, with the least that is not."""
    epochs = strategy.epochs or work.minimum_epochs
    least = design.least_seconds(speed, work.train_images, work.val_images)
    short = epochs < min(work.minimum_epochs, design.strategy.epochs or work.minimum_epochs)
    budget, enough = format_seconds(design.budget), format_seconds(least)
    if design.budget >= least:
        return
    if plan.seconds > TIGHT * design.budget:
        warnings.warn(
            f"a budget of {budget} cannot be met: the least that this search takes is about {enough}, with "
            f"{count(work.minimum_epochs, 'epoch')} a trial; fewer say little",
            stacklevel=2,
        )
    elif short:
        warnings.warn(
            f"a budget of {budget} gives a trial {count(epochs, 'epoch')}; with {work.minimum_epochs}, which say more, "
            f"the search takes about {enough}",
            stacklevel=2,
        )


def data_changed(record: RunRecord, folder: Path) -> str:
    """What has become of a run's data. Two versions of Pillow may decode them otherwise (12.3 and 13.0: an eighth of
    the values, by one of 255).
    """
    before, now = record.versions.get("pillow"), versions().get("pillow")
    other = "" if before == now else f", or Pillow {now} decodes it otherwise than {before or 'another'} did"
    return f"the data of {folder} has changed since the run was begun{other}"


def piloted(candidates: Sequence[Candidate]) -> tuple[str, ...]:
    """Of these, the corners and the middle, or the networks that they came to."""
    return tuple(candidate.id for candidate in candidates if set(candidate.names) & set(PILOTED))


def prepare_again(
    folder: RunFolder,
    *,
    strategy: Strategy | None = None,
    executor: Executor | None = None,
    address: str | None = None,
    data: Data = None,
    on_data: OnData | None = None,
) -> Prepared:
    """A run that was begun, from its run.yaml and candidates.csv; nothing is planned or measured again.

    Args:
        strategy: where the run was searched by a person's own.
        executor: instead of the run's.
        address: of the Ray that it joins now.
        data: where they were handed over in Python and the cache does not hold them any more.

    Raises:
        InvalidInput: the folder is not a run, or its data have changed since.
    """
    record = folder.record()
    adopt_live(folder.path)
    dataset = data_again(record.data, data, on_data)
    if dataset.fingerprint != record.data.fingerprint:
        raise InvalidInput(f"{data_changed(record, folder.path)}; its trials cannot be mixed")
    base = record.base_network()
    space = space_of(record)
    strategy = strategy or record.make_strategy()
    # Before the first reading the table may be that of larger proxies: the trace of a kill while they are made smaller.
    torn = record.begun_anew and not folder.touched
    found = space.candidates(strategy.points()) if torn else read_table(folder.candidates, base)
    executor = executor or executor_again(record.executor, address=address)
    workers = executor.workers_on(resolve_device(record.device.kind))
    return Prepared(
        record=record.model_copy(update={"executor": executor_record(executor, workers)}),
        space=space,
        candidates=tuple(found),
        dataset=dataset,
        strategy=strategy,
        executor=executor,
    )


def _remembered(space: Space) -> Callable[[Strategy], tuple[Candidate, ...]]:
    """The candidates of a strategy's points, found once: a plan tries several refinements of the same points."""

    @cache
    def found(points: tuple[Point, ...]) -> tuple[Candidate, ...]:
        return tuple(space.candidates(points))

    return lambda strategy: found(tuple(strategy.points()))


def _data_record(data: Dataset, source: Data) -> DataRecord:
    return DataRecord(
        name=data.name,
        source=str(source) if isinstance(source, str | Path) else None,
        live=not isinstance(source, str | Path | None),
        pixels=data.train.side,
        classes=len(data.classes),
        train=len(data.train),
        val=len(data.val),
        flip=data.flip,
        fingerprint=data.fingerprint,
        skipped=data.skipped,
    )


def data_again(record: DataRecord, data: Data, on_data: OnData | None, *, pixels: int | None = None) -> Dataset:
    """The data of a run: from where they were, or, handed over in Python, from the cache or handed over again.

    Args:
        pixels: packed larger than the run's; None: as they were.
    """
    if data is None and record.live:
        found = reopen(record.name, pixels=record.pixels, fingerprint=record.fingerprint)
        if found is None:
            raise InvalidInput(
                f"the run's data ({record.name}) were handed over in Python and are in the cache no more; "
                "open it with Study.open(…, data=ss.dataset(train, val))"
            )
        return found
    return prepare(opened(data or record.source), resolution=pixels or record.pixels, progress=on_data)


def executor_record(executor: Executor, workers: int) -> ExecutorRecord:
    """What run.yaml says of it."""
    found = ExecutorRecord(
        kind=executor.kind, workers=workers, scheduler=executor.scheduler, trials_per_gpu=executor.trials_per_gpu
    )
    if not isinstance(executor, Ray):
        return found
    own = {name: getattr(executor, name) for name in ("cpus_per_trial", "gpus_per_trial", "storage")}
    return found.model_copy(update=own)
