"""More evidence in the same run: another budget or more seeds for a search that has its plan already."""

from dataclasses import replace
from math import floor
from statistics import fmean

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence
from scaling_search.search.folder import RECORD
from scaling_search.search.record import RunRecord
from scaling_search.strategies import Planned, Strategy
from scaling_search.study.finals import FOLDER
from scaling_search.study.preparation import Prepared
from scaling_search.study.session import Session
from scaling_search.units import format_seconds, parse_duration


def training_seconds(evidence: Evidence) -> float:
    """What a candidate's training took on average, of those that have come to rest.

    Raises:
        InvalidInput: none has.
    """
    histories = [history for history in evidence.histories.values() if history[-1].resting]
    took = [sum(reading.seconds or 0.0 for reading in history) for history in histories]
    if not any(took):
        raise InvalidInput("no trial has finished yet; go on with `scaling-search resume`")
    return fmean(seconds for seconds in took if seconds)


def trainings_in(budget: float, evidence: Evidence, *, workers: int) -> int:
    """How many trainings so many seconds hold.

    Raises:
        InvalidInput: not one, or nothing has been trained yet.
    """
    each = training_seconds(evidence)
    count = floor(budget * workers / each)
    if count < 1:
        raise InvalidInput(f"a training of this run takes about {format_seconds(each)}: that is the least budget")
    return count


def extended(
    record: RunRecord, strategy: Strategy, evidence: Evidence, *, trainings: int
) -> tuple[RunRecord, Strategy]:
    """The run with about so many trainings more.

    Raises:
        InvalidInput: they are too few for this strategy, or it is a person's own.
    """
    if not isinstance(strategy, Planned):
        raise InvalidInput(f"{strategy.name} is a strategy of your own: only you know what more it could ask for")
    longer = strategy.extended(trainings, evidence)
    total = longer.trainings(len(evidence.candidates))
    added = max(0, total - record.plan.trials) * training_seconds(evidence) / record.executor.workers
    plan = record.plan.model_copy(
        update={
            "trials": total,
            "seconds": record.plan.seconds + added,
            "budget_seconds": max(record.plan.budget_seconds, record.plan.seconds + added),
        }
    )
    return record.model_copy(update={"strategy": longer.to_dict(), "plan": plan}), longer


def extend(session: Session, *, budget: str | float | None, seeds: int | None) -> Prepared:
    """Plans more evidence in the same run, and writes the plan down; see `Study.extend`.

    Raises:
        InvalidInput: nothing has been trained yet, or it is too little for one more training.
    """
    folder, prepared = session.begun(), session.prepare()
    if (budget is None) == (seeds is None):
        raise InvalidInput("say how much more: a budget or seeds")
    if (last := folder.path / FOLDER / RECORD).is_file():
        raise InvalidInput(f"the last round has begun and its pick is named: `extend {last.parent}` adds seeds")
    if session.pilot_pending:
        raise InvalidInput(f"the plan is not settled yet: go on with `scaling-search resume {folder.path}`")
    evidence = session.drive().evidence()
    if budget is not None:
        seconds = parse_duration(budget) if isinstance(budget, str) else float(budget)
        trainings = trainings_in(seconds, evidence, workers=prepared.record.executor.workers)
    elif prepared.strategy.seeds is None:
        raise InvalidInput(f"{prepared.strategy.name} decides itself how often it trains: give a budget")
    else:
        trainings = (seeds or 0) * len(evidence.candidates)
    record, strategy = extended(prepared.record, prepared.strategy, evidence, trainings=trainings)
    folder.write_record(record)
    session.prepared, session.driver = replace(prepared, record=record, strategy=strategy), None
    return session.prepared
