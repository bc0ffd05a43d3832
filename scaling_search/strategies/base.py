"""What a strategy is: a pure answer to «what next?».

A strategy keeps no state. It is asked again whenever something has changed, and sees all there is: the evidence, and
what is being trained. So a run is resumed by asking again, replayed by asking about recorded readings, and judged by
the conformance kit (`strategies.testing`). Vizier's Designer is the model; that a paused trial is not an ended one is
Syne Tune's.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import fmean
from typing import Any, Protocol, Self, runtime_checkable

from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence, Trial
from scaling_search.strategies.points import Point


@dataclass(frozen=True)
class Ask:
    """A wish: this trial, trained until it has so many epochs. Asked for more, a paused trial goes on."""

    trial: Trial
    epochs: int


class Decision(Enum):
    """What a strategy says when it asks for nothing."""

    WAIT = "wait"  # not now: ask again when something that is being trained has brought a reading or ended
    DONE = "done"  # the search is over


WAIT, DONE = Decision.WAIT, Decision.DONE

Asks = Sequence[Ask | Point]
"""The most wanted first. A point becomes a candidate before the strategy is asked again; a trial is trained."""


class Asking(Protocol):
    """Who can be asked «what next?»."""

    @property
    def name(self) -> str:
        """The word that `--search` knows it by."""

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What next. A pure function: no clock, no global random numbers, no memory.

        Args:
            evidence: all readings so far.
            running: what is being trained now.
        """


@runtime_checkable
class Strategy(Asking, Protocol):
    """What the search asks of a strategy; `Planned` below is the base of those that ship."""

    @property
    def seeds(self) -> int | None:
        """Trainings of each candidate; None leaves them to the plan."""

    @property
    def epochs(self) -> int | None:
        """Of a whole trial; None leaves them to the plan."""

    @property
    def proposals(self) -> int:
        """How many points it will ask for beyond those of the start: what the plan counts with."""

    def points(self) -> list[Point]:
        """The points that the search starts with, the references first."""

    def trainings(self, candidates: int) -> int:
        """How many trials it will ask for at most, of so many candidates: what the plan counts with."""

    def refinements(self) -> Sequence[Self]:
        """Itself with what it leaves open (but epochs) filled in, from the coarsest to the finest."""

    def with_epochs(self, epochs: int) -> Self:
        """Itself with the epochs of a whole trial."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values that run.yaml keeps, `name` under the key «strategy»."""


SEEDS = (2, 3)
"""What a plan chooses among: one seed cannot tell a difference from noise."""


class Planned(Strict, ABC):
    """The base of the strategies that ship: their settings, of which None is left to the plan."""

    seeds: int | None = Field(default=None, ge=1, le=1000)
    epochs: int | None = Field(default=None, ge=1, le=100_000)

    @property
    def name(self) -> str:
        """The word that `--search` knows it by; the class's name where it is a person's own."""
        return str(self.to_dict()["strategy"])

    @property
    def proposals(self) -> int:
        """None: all points are known from the start."""
        return 0

    @abstractmethod
    def points(self) -> list[Point]:
        """The points that the search starts with, the references first."""

    @abstractmethod
    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What next; see `Strategy`."""

    def trainings(self, candidates: int) -> int:
        """Every candidate with every seed."""
        assert self.seeds is not None, "a refinement has its seeds"
        return candidates * self.seeds

    def refinements(self) -> Sequence[Self]:
        """With two seeds, then with three, where they are open."""
        return [self.model_copy(update={"seeds": seeds}) for seeds in ((self.seeds,) if self.seeds else SEEDS)]

    def with_epochs(self, epochs: int) -> Self:
        """Itself with the epochs of a whole trial."""
        return self.model_copy(update={"epochs": epochs})

    def extended(self, trainings: int, evidence: Evidence) -> Self:
        """Every candidate with more seeds.

        Raises:
            InvalidInput: not all candidates could be trained once more.
        """
        assert self.seeds is not None, "the plan has filled these in"
        more = trainings // len(evidence.candidates)
        if more < 1:
            raise InvalidInput(
                f"{trainings} more trainings are not one of each of the {len(evidence.candidates)} candidates"
            )
        return self.model_copy(update={"seeds": self.seeds + more})

    def to_dict(self) -> dict[str, Any]:
        """Plain values that run.yaml keeps."""
        return {"strategy": type(self).__name__, **self.model_dump(mode="json")}

    def missing(self, evidence: Evidence, running: frozenset[Ask]) -> tuple[list[Ask], bool]:
        """Every candidate with every seed: what is still to be trained, and whether all that was asked has come.

        Seed by seed, so that a search that ends early has compared all candidates.
        """
        assert self.epochs is not None, "the plan has filled these in"
        under_way = {ask.trial for ask in running}
        lacking = [trial for trial in self.every_trial(evidence) if not evidence.has(trial, self.epochs)]
        return [Ask(trial, self.epochs) for trial in lacking if trial not in under_way], not lacking

    def every_trial(self, evidence: Evidence) -> list[Trial]:
        """Every candidate with every seed, seed by seed."""
        assert self.seeds is not None, "the plan has filled these in"
        return [Trial(candidate=name, seed=seed) for seed in range(self.seeds) for name in evidence.candidates]


def sweep(strategy: Planned, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
    """The decision of a strategy that trains everything it starts with."""
    asks, complete = strategy.missing(evidence, running)
    return DONE if complete else asks or WAIT


def all_of(asks: Sequence[Ask], evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision | None:
    """Those that are neither trained nor being trained; WAIT where the last ones are under way, None: all are there."""
    missing = [ask for ask in asks if not evidence.has(ask.trial, ask.epochs)]
    under_way = {ask.trial for ask in running}
    return [ask for ask in missing if ask.trial not in under_way] or (WAIT if missing else None)


def mean_top1(evidence: Evidence, name: str, *, seeds: int, epochs: int) -> float | None:
    """Mean accuracy over all seeds; None before all have one, or where one failed."""
    found = [evidence.top1(Trial(candidate=name, seed=seed), epochs) for seed in range(seeds)]
    scores = [score for score in found if score is not None]
    return fmean(scores) if len(scores) == seeds else None
