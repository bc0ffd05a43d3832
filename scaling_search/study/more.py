"""More trainings of a search that has its plan: how many fit into a time, and the plan with them."""

from dataclasses import dataclass, replace
from math import floor
from statistics import fmean

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence
from scaling_search.search.plan import EVALUATION
from scaling_search.search.record import RunRecord
from scaling_search.strategies import Ask, Planned, Surface
from scaling_search.strategies.base import Asking, Asks, Decision
from scaling_search.strategies.points import shares_of
from scaling_search.strategies.surface import Fits
from scaling_search.study.preparation import Prepared
from scaling_search.units import format_seconds

_SLOWER = 1.1
"""Times what the pilot's speed says that a training may take: 97 of the 100 of seven demos took less, one 1.16."""


def training_seconds(evidence: Evidence) -> float:
    """What a candidate's training took on average, of those that have come to rest.

    Raises:
        InvalidInput: none has.
    """
    took = _took(evidence)
    if not took:
        raise InvalidInput("no trial has finished yet; go on with `scaling-search resume`")
    return fmean(took)


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


def with_plan_of(record: RunRecord, longer: Planned, evidence: Evidence) -> RunRecord:
    """The run with another plan: all that a longer strategy wants of the candidates of the evidence."""
    total = longer.trainings(len(evidence.candidates))
    added = max(0, total - record.plan.trials) * training_seconds(evidence) / record.executor.workers
    plan = record.plan.model_copy(
        update={
            "trials": total,
            "seconds": record.plan.seconds + added,
            "budget_seconds": max(record.plan.budget_seconds, record.plan.seconds + added),
            "more": 0,
            "final": False,
        }
    )
    return record.model_copy(update={"strategy": longer.to_dict(), "plan": plan})


def with_more(
    prepared: Prepared, evidence: Evidence, running: frozenset[Ask], *, seconds: float
) -> tuple[Prepared, Asking] | None:
    """With one more training, and who asks for it, where the search has had all of its plan and is not settled: what is
    worth most of what ends in time.

    None where that is not so, and where somebody said how many there are to be. Only a strategy that asks for the next
    best trial can use whatever number there is time for.

    Args:
        running: what is being trained, while a worker has nothing to do.
        seconds: that are left for this one.
    """
    record, strategy = prepared.record, prepared.strategy
    if not isinstance(strategy, Surface) or not _took(evidence):
        return None
    if record.pilot is None or record.pilot.asked["trials"] is not None:
        return None
    if len({*evidence.histories, *(ask.trial for ask in running)}) < record.plan.trials:
        return None  # it waits for something else
    images = record.data.train + EVALUATION * record.data.val

    def in_time(shares: tuple[float, float, float]) -> bool:
        each = record.speed.seconds_per_image(shares_of(shares), record.growth)
        return _SLOWER * each * images * (record.epochs or 1) <= seconds

    longer = strategy.with_more(1)
    if not longer.fitting(evidence, running, in_time):
        return None
    extended = with_plan_of(record, longer, evidence)
    budget = record.plan.budget_seconds  # as it was: it comes out of what is left of it
    more = {"seconds": min(extended.plan.seconds, budget), "budget_seconds": budget, "more": record.plan.more + 1}
    plan = extended.plan.model_copy(update=more)
    found = replace(prepared, strategy=longer, record=extended.model_copy(update={"plan": plan}))
    return found, InTime(found.asking(), longer, in_time)


@dataclass(frozen=True)
class InTime:
    """A search whose trainings beyond its plan must end in time: what is worth most of what fits, while one is open."""

    search: Asking
    strategy: Surface
    fits: Fits

    @property
    def name(self) -> str:
        return self.search.name

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What fits; when all are spent or settled, what the search says."""
        return self.strategy.fitting(evidence, running, self.fits) or self.search.decide(evidence, running)


def _took(evidence: Evidence) -> list[float]:
    """Seconds of each training of a candidate that has come to rest."""
    histories = [history for history in evidence.histories.values() if history[-1].resting]
    return [took for history in histories if (took := sum(reading.seconds or 0.0 for reading in history))]
