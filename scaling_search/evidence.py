"""What a search has seen so far: trials, their readings, and all of them together as evidence.

Strategies and the analysis look at nothing else. A trial is one candidate trained with one seed; a reading is what it
shows after an epoch; evidence is every reading, with the division of compute that each candidate stands for.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

Status = Literal["running", "paused", "done", "stopped", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
Division = tuple[float, float, float]
"""Shares of depth, width and resolution (see `coefficients.Shares`), as plain numbers."""

Choices = tuple[int, ...]
"""What is chosen in a space of stages, one number for each question; () where compute is divided instead."""

EVEN: Division = (1 / 3, 1 / 3, 1 / 3)
"""The division of a network that is not scaled: it has none, and leans to no side."""

UNSCALED = "base"
"""Id of the candidate that adds no compute: the proxies' base itself, where a search trains it. It has no shares."""

EPSILON = 0.005
"""Loss of accuracy that does not matter, as a fraction, unless a search says otherwise: half a point."""

READING_METRICS = (
    "images_seen", "train_loss", "val_loss", "top1", "top5", "raw_val_loss", "raw_top1", "seconds", "images_per_second",
)  # fmt: skip


_READ = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)
"""How entries are validated when they are read from a file (see `journal.decode`); making one in a program is not."""
Fraction = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=-1e-6, le=1 + 1e-6)]  # computed, not measured
Amount = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, kw_only=True, order=True)
class Trial:
    """One candidate trained with one seed. It can be paused and trained further."""

    __pydantic_config__: ClassVar[ConfigDict] = _READ
    candidate: Annotated[str, Field(min_length=1)]
    seed: Annotated[int, Field(ge=0)]

    def __str__(self) -> str:
        return f"{self.candidate}-s{self.seed}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a trial shows after an epoch, or its end when that brings no metrics (failed, stopped).

    Attributes:
        epoch: 1-based, counted from the trial's first image.
        status: «running» while epochs of what was asked remain; «paused» when it has all that was asked and can be
            trained further; «done» when it cannot be; «stopped» when a scheduler ended it early; «failed» (with a
            reason) when it could not go on.
        images_seen: since the start of the trial.
        train_loss, val_loss: cross-entropy in nats; the first with label smoothing.
        top1, top5: fractions of the validation images, 0..1.
        raw_val_loss, raw_top1: the same of the weights as they are, where the others are of averaged ones; of the last
            epoch that was asked for.
        seconds: of the epoch, evaluation included.
        images_per_second: of its training part.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _READ
    trial: Trial
    epoch: Annotated[int, Field(ge=1)]
    status: Status
    reason: str = ""
    images_seen: Annotated[int, Field(ge=0)] | None = None
    train_loss: Amount | None = None
    val_loss: Amount | None = None
    top1: Fraction | None = None
    top5: Fraction | None = None
    raw_val_loss: Amount | None = None
    raw_top1: Fraction | None = None
    seconds: Amount | None = None
    images_per_second: Amount | None = None

    @property
    def final(self) -> bool:
        """Whether the trial has ended: it is never trained again."""
        return self.status in ("done", "stopped", "failed")

    @property
    def resting(self) -> bool:
        """Whether nothing more is to come of what was asked: the trial has ended or is paused."""
        return self.status != "running"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A point that a sampling strategy asked for, and the candidate that it came to; "" where a limit refused it."""

    __pydantic_config__: ClassVar[ConfigDict] = _READ
    shares: tuple[Share, Share, Share]
    candidate: str
    choices: tuple[Annotated[int, Field(ge=0)], ...] = ()


@dataclass(frozen=True)
class Realised:
    """What a candidate came to when it was built.

    Attributes:
        shares: the division that its network really has, by the cost of each axis alone.
        macs_ratio: its MACs over the base's.
    """

    shares: Division
    macs_ratio: float


@dataclass(frozen=True)
class Evidence:
    """All that is known of a search at one moment. Equal evidence makes a strategy ask the same.

    Attributes:
        candidates: the division that each candidate was asked for, in the order in which they entered the search.
        histories: the readings of each trial that has any, by epoch.
        proposals: the points that were asked for beyond those of the start, in their order.
        realised: what candidates came to, where it is known; what was asked stands for the others.
        unscaled: the readings of the trials of the unscaled network, `UNSCALED`, which is no candidate.
        choices: of each candidate, where a space of stages is searched.
    """

    candidates: Mapping[str, Division]
    histories: Mapping[Trial, tuple[Reading, ...]]
    proposals: tuple[Proposal, ...] = ()
    realised: Mapping[str, Realised] = field(default_factory=dict)
    unscaled: Mapping[Trial, tuple[Reading, ...]] = field(default_factory=dict)
    choices: Mapping[str, Choices] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        candidates: Mapping[str, Division],
        readings: Iterable[Reading],
        proposals: Iterable[Proposal] = (),
        *,
        realised: Mapping[str, Realised] | None = None,
        choices: Mapping[str, Choices] | None = None,
    ) -> "Evidence":
        """Evidence from readings in any order."""
        found: dict[Trial, dict[int, Reading]] = defaultdict(dict)
        for reading in readings:
            found[reading.trial][reading.epoch] = reading
        ordered = {trial: tuple(by_epoch[epoch] for epoch in sorted(by_epoch)) for trial, by_epoch in found.items()}
        scaled = {trial: history for trial, history in ordered.items() if trial.candidate != UNSCALED}
        unscaled = {trial: history for trial, history in ordered.items() if trial.candidate == UNSCALED}
        return cls(candidates, scaled, tuple(proposals), dict(realised or {}), unscaled, dict(choices or {}))

    def history(self, trial: Trial) -> tuple[Reading, ...]:
        """The trial's readings by epoch; empty before the first."""
        return self.histories.get(trial) or self.unscaled.get(trial, ())

    def last(self, trial: Trial) -> Reading | None:
        """The trial's newest reading."""
        history = self.history(trial)
        return history[-1] if history else None

    def has(self, trial: Trial, epochs: int) -> bool:
        """Whether nothing is left to train for so many epochs: the trial has them or has ended."""
        return any(known.final or (known.resting and known.epoch >= epochs) for known in reversed(self.history(trial)))

    def top1(self, trial: Trial, epochs: int) -> float | None:
        """Accuracy at that epoch, or where a scheduler stopped it before; None while there is none, or if it failed."""
        last = self.last(trial)
        if last is None or last.status == "failed":
            return None
        if last.status == "stopped" and last.epoch <= epochs:
            return last.top1
        return next((reading.top1 for reading in self.history(trial) if reading.epoch == epochs), None)

    def readings(self) -> Iterator[Reading]:
        """All readings, trial by trial, those of the unscaled network last."""
        for history in (*self.histories.values(), *self.unscaled.values()):
            yield from history
