"""Who wants to know what a search does: progress displays, trackers, a person's own code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search.evidence import Evidence, Reading, Trial
from scaling_search.search.record import RunRecord
from scaling_search.search.space import Candidate

if TYPE_CHECKING:
    from scaling_search.analysis import Analysis


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What a listener is told when trials are about to train.

    Attributes:
        folder: of the run.
        record: what run.yaml says.
        candidates: those that are known at the start.
        evidence: what an earlier start of this run has brought already.
    """

    folder: Path
    record: RunRecord
    candidates: Sequence[Candidate]
    evidence: Evidence


class Listener:
    """Does nothing; override what you want to hear. Called in the process that drives the search, in order.

    An exception that a listener raises ends the search; what was read until then is kept.
    """

    def on_step(self, title: str) -> None:
        """A part of the planning begins: reading, measuring, building."""

    def on_data(self, title: str, done: int, total: int) -> None:
        """Images are being drawn or packed."""

    def on_plan(self, begun: Begun) -> None:
        """Trials are about to train."""

    def on_reading(self, reading: Reading) -> None:
        """A trial has finished an epoch, or has ended. Each is told once, after it is on the disk."""

    def on_rest(self, trial: Trial, evidence: Evidence) -> None:
        """A trial has all its epochs or has ended; after `on_reading`, with all that is known."""

    def on_trouble(self, trial: Trial, reason: str, *, again: bool) -> None:
        """The environment failed a trial: it is tried again later in this run, or left open for `resume`."""

    def on_answer(self, analysis: "Analysis") -> None:
        """The answer is there, and written."""
