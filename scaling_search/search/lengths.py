"""Two lengths: where time is left, five divisions are trained four times as long, to see whether the order holds.

Budgets nest, so that the longer trainings go on from the search's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.evidence import Evidence, Trial
from scaling_search.search.plan import ENDING_SECONDS, STARTUP_SECONDS
from scaling_search.strategies import DONE, Ask, Asking, Asks, Decision
from scaling_search.strategies.base import all_of

LONGER = 4
DIVISIONS = 5
_FIRST = ("depth", "width", "resolution", "uniform")


class LengthsRecord(Strict):
    """The candidates that are trained for so many epochs, each with its first seed."""

    candidates: tuple[str, ...] = Field(min_length=3)
    epochs: int = Field(ge=2)


@dataclass(frozen=True, kw_only=True)
class Longer:
    """Asks for the longer trainings when the search has all that it wanted."""

    search: Asking
    record: LengthsRecord

    @property
    def name(self) -> str:
        return self.search.name

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What the search wants; then what is missing of the longer trainings."""
        asks = [Ask(Trial(candidate=name, seed=0), self.record.epochs) for name in self.record.candidates]
        decision = self.search.decide(evidence, running - set(asks))
        return (all_of(asks, evidence, running) or DONE) if decision is DONE else decision


def plan_lengths(
    evidence: Evidence, names: Mapping[str, Sequence[str]], *, epochs: int, seconds: float, workers: int
) -> LengthsRecord | None:
    """The corners, the middle and the best others, if their longer trainings fit; None where they do not.

    The longest comes first, so that no worker is left with it while the others wait.

    Args:
        names: the references that each candidate stands for.
        epochs: of a whole trial of the search.
        seconds: of training that are left, of all workers together.
        workers: that train at once.
    """
    found = {name: evidence.top1(Trial(candidate=name, seed=0), epochs) for name in evidence.candidates}
    tops = {name: top1 for name, top1 in found.items() if top1 is not None}
    first = [name for name in tops if set(names.get(name, ())) & set(_FIRST)]
    others = sorted((name for name in tops if name not in first), key=lambda name: -tops[name])
    chosen = tuple([*first, *others][:DIVISIONS])
    took = {
        name: fmean(each)
        for name in chosen
        if (each := [one.seconds for one in evidence.history(Trial(candidate=name, seed=0)) if one.seconds])
    }
    if len(took) < DIVISIONS:
        return None
    longest_first = tuple(sorted(took, key=lambda name: -took[name]))
    ends = [0.0] * workers  # when each worker is free
    for name in longest_first:
        ends.sort()
        ends[0] += took[name] * (LONGER - 1) * epochs
    if max(ends) * workers > seconds:
        return None
    return LengthsRecord(candidates=longest_first, epochs=LONGER * epochs)


def seconds_left(evidence: Evidence, *, budget: float, workers: int, spent: float) -> float:
    """Seconds of training that a budget still has, of all workers together.

    Args:
        spent: of the budget, as far as this process knows; the trainings may have taken longer, in others.
    """
    trained = STARTUP_SECONDS + sum(reading.seconds or 0.0 for reading in evidence.readings()) / workers
    return (budget - max(spent + ENDING_SECONDS, trained)) * workers
