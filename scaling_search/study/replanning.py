"""A plan made anew from what was trained: after the pilot, with other images or proxies, for the rest of the time."""

from collections.abc import Sequence
from dataclasses import replace

from scaling_search.configuration import parse
from scaling_search.data import prepare
from scaling_search.data.shapes import NAME
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence
from scaling_search.search.counts import count_record
from scaling_search.search.kept_speed import TrainingSpeeds
from scaling_search.search.lengths import plan_lengths, seconds_left
from scaling_search.search.pilot import MOST_SMALLER, Found, Pilot, PilotRecord, measured_speed
from scaling_search.search.plan import choose_plan, measure_corners
from scaling_search.search.proxy import proxy_base
from scaling_search.search.record import BaseRecord
from scaling_search.search.space import Candidate
from scaling_search.strategies import RECORDED, Ask, Asking, Strategy
from scaling_search.study.design import make_space
from scaling_search.study.more import with_more
from scaling_search.study.preparation import OnData, Prepared, piloted

EASIER, HARDER = 0.25, 0.75
"""Difficulty of the embedded images that a pilot asks for, in place of 0.55."""
_SMALLER = 4.0
"""How many times as cheap proxies near the ceiling are made at once."""
_LEAST_IMAGES = 100
"""Of validation: the ceiling is soon reached by chance with fewer."""
_CHEAPER = 0.7
"""Of the MACs that smaller proxies must come below, to be worth another pilot."""


def after_pilot(prepared: Prepared, evidence: Evidence, candidates: Sequence[Candidate]) -> Prepared:
    """The plan made anew from what the pilot has shown; the candidates stay as they are.

    What is near the ceiling is judged earlier. What has not learned gets no more trials than the coarsest plan has, and
    all the epochs that it allows.
    """
    record, pilot = prepared.record, prepared.record.pilot
    assert pilot is not None and pilot.pending
    found = _found(prepared, evidence)
    work = pilot.work.model_copy(update={"workers": record.executor.workers})
    speed = measured_speed(record.speed, candidates, evidence, images=work.images)
    strategy, plan = choose_plan(
        _still_open(pilot, prepared.strategy),
        lambda strategy: candidates,
        speed=speed,
        work=found.bounds(work),
        budget_seconds=record.plan.budget_seconds,
        unscaled=pilot.seeds,
    )
    done = pilot.model_copy(update={"found": found})
    changes = {"strategy": strategy.to_dict(), "plan": plan, "speed": speed, "pilot": done}
    return replace(prepared, strategy=strategy, record=record.model_copy(update=changes))


def with_the_rest(
    prepared: Prepared,
    evidence: Evidence,
    candidates: Sequence[Candidate],
    running: frozenset[Ask],
    *,
    spent: float,
) -> tuple[Prepared, Asking] | None:
    """With what the rest of the budget is for, and who asks for it: one more training where the search is not settled,
    else longer ones.

    With a final plan where neither fits; None where the plan is that already, and where it cannot be changed.

    Args:
        running: what is being trained, while a worker has nothing to do: then it is one more training or nothing.
        spent: seconds of the budget, as far as this process knows.
    """
    record, workers = prepared.record, prepared.record.executor.workers
    if record.pilot is None or record.lengths is not None or record.compares or record.plan.final:
        return None
    left = seconds_left(evidence, budget=record.plan.budget_seconds, workers=workers, spent=spent)
    more = with_more(prepared, evidence, running, seconds=left / workers)
    if more or running:
        return more
    final = record.model_copy(update={"plan": record.plan.model_copy(update={"final": True})})
    found = _with_lengths(prepared, evidence, candidates, seconds=left) or replace(prepared, record=final)
    return found, found.asking()


def _with_lengths(
    prepared: Prepared, evidence: Evidence, candidates: Sequence[Candidate], *, seconds: float
) -> Prepared | None:
    """With five divisions trained longer, where there is time for it and trials can go on; else None."""
    record = prepared.record
    if not record.recipe.schedule.nests or record.epochs is None:
        return None
    names = {candidate.id: candidate.names for candidate in candidates}
    workers = record.executor.workers
    lengths = plan_lengths(evidence, names, epochs=record.epochs, seconds=seconds, workers=workers)
    return replace(prepared, record=record.model_copy(update={"lengths": lengths})) if lengths else None


def drawn_anew(prepared: Prepared, evidence: Evidence, on_data: OnData | None = None) -> Prepared | None:
    """With embedded images that are easier, where nothing was learned of them, or harder, where all was after one
    epoch; else None.

    None too where somebody asked for their difficulty, and where they were drawn anew before.
    """
    record, pilot = prepared.record, prepared.record.pilot
    assert pilot is not None and pilot.pending
    if record.data.live or record.data.source not in (None, NAME) or pilot.difficulty is not None:
        return None
    found = _found(prepared, evidence)
    if found.learned and found.saturated != 1:
        return None
    difficulty = HARDER if found.learned else EASIER
    source = f"{NAME}:{difficulty}"
    dataset = prepare(source, resolution=record.data.pixels, progress=on_data)
    changes = {
        "data": record.data.model_copy(update={"source": source, "fingerprint": dataset.fingerprint}),
        "pilot": pilot.model_copy(update={"difficulty": difficulty}),
    }
    return replace(prepared, record=record.model_copy(update=changes), dataset=dataset)


def made_smaller(prepared: Prepared, evidence: Evidence) -> Prepared | None:
    """With smaller proxies, where those of the pilot were near the ceiling after one epoch; else None.

    None too where somebody asked for their size, where they cannot be made smaller any more, and where there are too
    few validation images to say.
    """
    record, pilot = prepared.record, prepared.record.pilot
    assert pilot is not None and pilot.pending
    if record.data.val < _LEAST_IMAGES or pilot.size is None or pilot.smaller == MOST_SMALLER:
        return None
    if _found(prepared, evidence).saturated != 1:
        return None
    size, before, full = pilot.size.shrunk(_SMALLER), record.base_network(), record.full_network()
    try:
        base = proxy_base(full, size, classes=len(prepared.dataset.classes), rounding=before.rounding)
        space = make_space(record.question, base=base, full=full)
        candidates = tuple(space.candidates(prepared.strategy.points()))
        if base.cost().macs > _CHEAPER * record.base.macs:
            return None
        speeds = TrainingSpeeds.kept(record.device.kind, record.recipe.batch_size)
        speed = measure_corners(base, growth=record.question.growth, speeds=speeds)
    except InvalidInput:  # so small a network is not to be had
        return None
    again = pilot.model_copy(update={"size": size, "smaller": pilot.smaller + 1, "candidates": piloted(candidates)})
    changes = {
        "base": BaseRecord.of(base), "growth": space.growth(candidates), "speed": speed, "pilot": again,
        "counts": (*(count for count in record.counts if count.network != "base"), count_record("base", base)),
    }  # fmt: skip
    return replace(prepared, record=record.model_copy(update=changes), space=space, candidates=candidates)


def _found(prepared: Prepared, evidence: Evidence) -> Found:
    pilot = prepared.record.pilot
    assert pilot is not None
    return Pilot(record=pilot, classes=len(prepared.dataset.classes)).found(evidence)


def _still_open(pilot: PilotRecord, planned: Strategy) -> Sequence[Strategy]:
    """The refinements that a plan may still choose among: those that begin with the same points."""
    kind = RECORDED.get(pilot.asked.get("strategy", ""))
    if kind is None:
        return [planned]  # a person's own
    asked = parse(kind, pilot.asked, origin="strategy")
    return [one for one in asked.refinements() if one.points() == planned.points()]
