"""More evidence in the same run: another budget or more seeds for a search that has its plan already."""

from collections.abc import Sequence
from dataclasses import replace

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence
from scaling_search.search.folder import RECORD
from scaling_search.search.space import Candidate, Space
from scaling_search.search.table import write_table
from scaling_search.strategies import Lattice, Planned
from scaling_search.study.finals import FOLDER
from scaling_search.study.more import trainings_in, with_plan_of
from scaling_search.study.preparation import Prepared
from scaling_search.study.session import Session
from scaling_search.units import parse_duration


def finer(
    strategy: Planned, known: Sequence[Candidate], space: Space, *, parts: int
) -> tuple[Planned, list[Candidate]]:
    """A lattice of more parts, and the candidates that it adds to those that are known.

    Raises:
        InvalidInput: the strategy has no lattice, or a finer one adds nothing.
    """
    if not isinstance(strategy, Lattice):
        raise InvalidInput(f"{strategy.name} has no lattice that could be made finer: give a budget or seeds")
    if parts <= (strategy.parts or 0):
        raise InvalidInput(f"the lattice has {strategy.parts} parts already: more than that are finer")
    longer = strategy.model_copy(update={"parts": parts})
    keys = {candidate.key for candidate in known}
    added = [candidate for candidate in space.candidates(longer.points()) if candidate.key not in keys]
    if not added:
        raise InvalidInput(f"a lattice of {parts} parts makes no network that was not trained")
    return longer, [candidate.with_id(f"c{number:02d}") for number, candidate in enumerate(added, start=len(known))]


def extend(session: Session, *, budget: str | float | None, seeds: int | None, parts: int | None = None) -> Prepared:
    """Plans more evidence in the same run, and writes the plan down; see `Study.extend`.

    Raises:
        InvalidInput: nothing has been trained yet, or it is too little for one more training.
    """
    folder, prepared = session.begun(), session.prepare()
    if [budget, seeds, parts].count(None) != 2:
        raise InvalidInput("say how much more: a budget, seeds or parts")
    if (last := folder.path / FOLDER / RECORD).is_file():
        raise InvalidInput(f"the last round has begun and its pick is named: `extend {last.parent}` adds seeds")
    if session.pilot_pending:
        raise InvalidInput(f"the plan is not settled yet: go on with `scaling-search resume {folder.path}`")
    strategy, driver = prepared.strategy, session.drive()
    if not isinstance(strategy, Planned):
        raise InvalidInput(f"{strategy.name} is a strategy of your own: only you know what more it could ask for")
    evidence, candidates = driver.evidence(), driver.candidates
    if parts is not None:
        longer, added = finer(strategy, candidates, prepared.space, parts=parts)
        candidates = (*candidates, *added)
        # the table first: after a kill in between the candidates are there, and are trained all the same
        write_table(folder.candidates, candidates)
        evidence = replace(evidence, candidates={one.id: one.shares.as_tuple() for one in candidates})
    else:
        longer = strategy.extended(_trainings(prepared, evidence, budget=budget, seeds=seeds or 0), evidence)
    record = with_plan_of(prepared.record, longer, evidence)
    folder.write_record(record)
    session.prepared = replace(prepared, record=record, strategy=longer, candidates=candidates)
    session.driver = None
    return session.prepared


def _trainings(prepared: Prepared, evidence: Evidence, *, budget: str | float | None, seeds: int) -> int:
    """How many trainings a budget holds, or so many more seeds are."""
    if budget is not None:
        seconds = parse_duration(budget) if isinstance(budget, str) else float(budget)
        return trainings_in(seconds, evidence, workers=prepared.record.executor.workers)
    if prepared.strategy.seeds is None:
        raise InvalidInput(f"{prepared.strategy.name} decides itself how often it trains: give a budget")
    return seeds * len(evidence.candidates)
