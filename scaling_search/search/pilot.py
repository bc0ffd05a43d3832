"""Before the first question: a short training of the unscaled network, the corners and the middle.

Chance, ceiling, speed and the time to learn are measured instead of guessed, and the plan follows. The pilot's trials
are evidence: they are trained further where the search asks for more of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from pydantic import Field

from scaling_search.configuration import Strict
from scaling_search.evidence import UNSCALED, Evidence, Trial
from scaling_search.search.plan import Speed, Work
from scaling_search.search.proxy import ProxySize
from scaling_search.search.space import Candidate
from scaling_search.strategies import DONE, WAIT, Ask, Asking, Asks, Decision
from scaling_search.strategies.base import all_of

UNSCALED_SEEDS = 3
"""Trainings of the unscaled network where a strategy has no seeds of its own: together less than half a candidate's."""

PILOTED = ("depth", "width", "resolution", "uniform")
"""The references that are trained: the corners of the triangle and its middle."""

FIRST_LOOK = 2
"""Epochs after which the pilot judges first."""

LEARNED = 0.1
"""Of the way from guessing to all right that the best of the pilot must go; the verdict asks it of the median."""

SATURATED = 0.95
"""Accuracy of the median above which differences begin to vanish; the verdict calls 0.97 not learned."""

MOST_SMALLER = 2
"""Times that proxies which are near the ceiling after one epoch are made smaller."""


class Found(Strict):
    """What a pilot has shown.

    Attributes:
        epochs: that its trials had.
        unscaled: mean accuracy of the unscaled network after them, 0..1.
        lowest, highest: accuracy of the candidates after them.
        learned: the best of them is clearly above guessing.
        saturated: epochs after which the median candidate is near the ceiling; None: it is not.
    """

    epochs: int = Field(ge=1)
    unscaled: float | None = Field(ge=0, le=1)
    lowest: float = Field(ge=0, le=1)
    highest: float = Field(ge=0, le=1)
    learned: bool
    saturated: int | None = None

    def bounds(self, work: Work) -> Work:
        """What a plan counts with, after this."""
        if self.saturated is not None:
            most = max(1, self.saturated - 1)
            return work.model_copy(update={"minimum_epochs": min(work.minimum_epochs, most), "maximum_epochs": most})
        return work.model_copy(update={"minimum_epochs": max(work.minimum_epochs, self.epochs)})

    def sentence(self, epochs: int) -> str:
        """In words; the search trains for so many epochs."""
        unscaled = "" if self.unscaled is None else f"unscaled {self.unscaled:.1%}, "
        shown = f"{unscaled}candidates {self.lowest:.1%} to {self.highest:.1%} after {self.epochs} epochs"
        if self.saturated is not None:
            return f"{shown}: near the ceiling after {self.saturated}, so they are judged after {epochs}"
        return shown if self.learned else f"{shown}: nothing is learned yet, so trials get {epochs}"


class PilotRecord(Strict):
    """The pilot of a run, and the unscaled network beside it.

    Attributes:
        seeds: trainings of the unscaled network.
        candidates: trained shortly, with the first seed; none where the recipe cannot train a trial further.
        most: epochs that the pilot goes to while nothing is learned.
        asked: the strategy as it was asked for, with what it leaves to the plan.
        work: what a plan counts with.
        found: None until the pilot is done.
        size: of the proxies' base, which may be made smaller; None: it is what somebody asked for.
        smaller: times that it was, because a pilot was near the ceiling after one epoch.
        difficulty: of the embedded images, where a pilot had them drawn anew; None elsewhere.
    """

    seeds: int = Field(ge=1)
    candidates: tuple[str, ...] = ()
    most: int = Field(default=FIRST_LOOK, ge=1)
    asked: dict[str, Any]
    work: Work
    found: Found | None = None
    size: ProxySize | None = None
    smaller: int = Field(default=0, ge=0)
    difficulty: float | None = Field(default=None, ge=0, le=1)

    @property
    def pending(self) -> bool:
        """Whether there is a pilot, and it is not done."""
        return bool(self.candidates) and self.found is None


def _unscaled(seeds: int) -> list[Trial]:
    return [Trial(candidate=UNSCALED, seed=seed) for seed in range(seeds)]


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """Asks for the pilot's trials: after two epochs it looks, and doubles them while nothing is learned.

    Attributes:
        classes: of the data: guessing is right once in so many.
    """

    record: PilotRecord
    classes: int
    name: str = "pilot"

    @property
    def trials(self) -> list[Trial]:
        """Those of the candidates first, which take longest."""
        return [Trial(candidate=name, seed=0) for name in self.record.candidates] + _unscaled(self.record.seeds)

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What is missing of the level that is looked at."""
        epochs = self.level(evidence)
        return all_of([Ask(trial, epochs) for trial in self.trials], evidence, running) or DONE

    def level(self, evidence: Evidence) -> int:
        """Epochs that the trials are to have, as far as is known."""
        epochs = min(FIRST_LOOK, self.record.most)
        while epochs < self.record.most and self._complete(evidence, epochs) and not self._learned(evidence, epochs):
            epochs = min(2 * epochs, self.record.most)
        return epochs

    def found(self, evidence: Evidence) -> Found:
        """What it has shown, once it is complete."""
        epochs = self.level(evidence)
        scores = self._scores(evidence, epochs) or [0.0]
        unscaled = [
            top1 for trial in _unscaled(self.record.seeds) if (top1 := evidence.top1(trial, epochs)) is not None
        ]
        near = [epoch for epoch in range(1, epochs + 1) if median(self._scores(evidence, epoch) or [0.0]) > SATURATED]
        return Found(
            epochs=epochs,
            unscaled=fmean(unscaled) if unscaled else None,
            lowest=min(scores),
            highest=max(scores),
            learned=self._learned(evidence, epochs),
            saturated=near[0] if near else None,
        )

    def _complete(self, evidence: Evidence, epochs: int) -> bool:
        return all(evidence.has(trial, epochs) for trial in self.trials)

    def _scores(self, evidence: Evidence, epochs: int) -> list[float]:
        found = [evidence.top1(Trial(candidate=name, seed=0), epochs) for name in self.record.candidates]
        return [top1 for top1 in found if top1 is not None]

    def _learned(self, evidence: Evidence, epochs: int) -> bool:
        chance = 1 / self.classes
        return max(self._scores(evidence, epochs), default=0.0) - chance >= LEARNED * (1 - chance)


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A strategy, and the unscaled network with so many seeds, trained as long as its trials."""

    strategy: Asking
    seeds: int
    epochs: int

    @property
    def name(self) -> str:
        return self.strategy.name

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """The unscaled network's trials first; the strategy does not see them."""
        asks = [Ask(trial, self.epochs) for trial in _unscaled(self.seeds)]
        missing = all_of(asks, evidence, running)
        if missing and missing is not WAIT:
            return missing
        decision = self.strategy.decide(evidence, frozenset(ask for ask in running if ask not in asks))
        return WAIT if decision is DONE and missing is WAIT else decision


def measured_speed(speed: Speed, candidates: Sequence[Candidate], evidence: Evidence, *, images: float) -> Speed:
    """The speed as the pilot's trainings had it: each corner's own, and the others' by what they took against it.

    Args:
        speed: measured on a few steps, alone.
        images: that an epoch costs, in training images.
    """
    ratios: dict[str, float] = {}
    for candidate in candidates:
        history = evidence.history(Trial(candidate=candidate.id, seed=0))
        seconds = [reading.seconds for reading in history if reading.seconds]
        if seconds:
            expected = speed.seconds_per_image(candidate.shares, candidate.macs_ratio)
            ratios |= dict.fromkeys(candidate.names or (candidate.id,), median(seconds) / images / expected)
    if not ratios:
        return speed
    usual = median(ratios.values())
    corners = {axis: getattr(speed, axis) * ratios.get(axis, usual) for axis in ("depth", "width", "resolution")}
    return speed.model_copy(update=corners)
