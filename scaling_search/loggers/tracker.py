"""What all trackers share: nothing is told twice, and one that fails is left out without ending the search."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.loggers import facts
from scaling_search.loggers.facts import Value
from scaling_search.notes import Notes
from scaling_search.search.listener import Begun, Listener

if TYPE_CHECKING:
    from scaling_search.analysis import Analysis

FOLDER = "trackers"
"""Of what trackers were told, in the run's."""
_WRITTEN = ("report.html", "best.yaml", "comparison.yaml", "../verification.yaml", "run.yaml", "candidates.csv")
_INSIDE = ("verification", "finals")  # folders in a run's
EXTRA = "pip install 'scaling-search[trackers]'"


@dataclass(frozen=True, kw_only=True)
class Child:
    """A trial as trackers know it.

    Attributes:
        name: «c01-s0»; where a pilot was begun anew with smaller networks, «c01-s0-smaller1» and so on.
        facts: see `facts.of_trial`.
    """

    name: str
    facts: dict[str, Value]


class Tracker(Listener, ABC):
    """A listener that tells another program: the run once, each trial, each reading once, the answer and its figures.

    What has been told is kept in RUN/trackers/NAME.jsonl; a run that is resumed with a tracker of the same name goes on
    in the same place. A tracker that fails is told of in a warning, once, and hears nothing more.

    Raises:
        InvalidInput: its package is missing; says how to install it.
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        missing = [package for package in self.needs if util.find_spec(package) is None]
        if missing:
            raise InvalidInput(f"--log {self.name} needs {' and '.join(missing)}: {EXTRA}")
        self.failed = ""
        self._begun: Begun | None = None
        self._notes: Notes | None = None
        self._children: dict[str, Child] = {}
        self._open = False

    # --- what a tracker does with what it is told

    @abstractmethod
    def begin(self) -> None:
        """Opens the run's place, or goes on in it; called again after `end` where a run goes on."""

    @abstractmethod
    def log(self, child: Child, reading: Reading, values: dict[str, float]) -> None:
        """Takes in one reading of a trial."""

    @abstractmethod
    def rest(self, child: Child, status: Status, reason: str) -> None:
        """A trial has all that was asked for now, or has ended; called once for each time."""

    @abstractmethod
    def answer(self, numbers: dict[str, float], words: dict[str, str]) -> None:
        """Takes in the answer so far, see `facts.of_answer`."""

    @abstractmethod
    def end(self, figures: Sequence[Path], files: Sequence[Path]) -> None:
        """Takes in what was written (PNGs and others), and waits until all is kept."""

    # --- what it may look at

    @property
    def begun(self) -> Begun:
        """What was last told of the run."""
        assert self._begun is not None, "nothing comes before on_plan"
        return self._begun

    @property
    def notes(self) -> Notes:
        """What is kept of the run."""
        assert self._notes is not None, "nothing comes before on_plan"
        return self._notes

    @property
    def run_name(self) -> str:
        """The folder's name; a verification, and a search's last round, are named after their run too."""
        folder = self.begun.folder.absolute()
        return f"{folder.parent.name}-{folder.name}" if folder.name in _INSIDE else folder.name

    # --- the listener

    def on_plan(self, begun: Begun) -> None:
        """Begins, and catches up with what was read before."""

        def plan() -> None:
            if self._begun is None or self._begun.folder != begun.folder:
                self.finish()  # of a search for a baseline, before its last round
                self._children = {}
                self._notes = Notes(begun.folder / FOLDER / f"{self.name}.jsonl")
            self._begun = begun
            if not self._open:
                self.begin()
                self._open = True
            for reading in begun.evidence.readings():
                self._take(reading)

        self._try(plan)

    def on_reading(self, reading: Reading) -> None:
        """Passes a reading on."""
        if self._open:
            self._try(lambda: self._take(reading))

    def on_answer(self, analysis: "Analysis") -> None:
        """Passes the answer on, and what was written with it."""
        if self._open:
            self._try(lambda: self.answer(*facts.of_answer(analysis)))
            self.finish()

    def say(self, sentence: str) -> None:
        """Passes on what was found where that is one sentence: a comparison, a verification."""
        if self._open:
            self._try(lambda: self.answer({}, {"sentence": sentence}))

    def finish(self) -> None:
        """Passes figures and files on, and closes; `on_answer` does so too. Does nothing a second time."""
        if self._open:
            self._open = False
            self._try(self._end)

    # --- inside

    def _try(self, action: Callable[[], None]) -> None:
        if self.failed:
            return
        try:
            action()
        except Exception as error:
            self.failed = " ".join(str(error).split())[:300] or type(error).__name__
            warnings.warn(
                f"{self.name} is told nothing more of this run, which goes on: {self.failed}", stacklevel=3
            )  # fmt: skip

    def _take(self, reading: Reading) -> None:
        pilot = self.begun.record.pilot
        drawn = f"-shapes{pilot.difficulty}" if pilot is not None and pilot.difficulty is not None else ""
        smaller = f"-smaller{pilot.smaller}" if pilot is not None and pilot.smaller else ""
        name = f"{reading.trial}{drawn}{smaller}"
        values = facts.of_reading(reading)
        shown = f"reading {name} {reading.epoch} {values.get('top1')} {values.get('val_loss')}"
        rested = f"rest {name} {reading.epoch} {reading.status}"
        new, resting = bool(values) and shown not in self.notes, reading.resting and rested not in self.notes
        if not new and not resting:
            return
        if name not in self._children:
            found = facts.of_trial(self.begun.folder, self.begun.record, reading.trial)
            self._children[name] = Child(name=name, facts=found)
        child = self._children[name]
        if new:
            self.log(child, reading, values)
            self.notes.keep(shown)
        if resting:
            self.rest(child, reading.status, reading.reason)
            self.notes.keep(rested)

    def _end(self) -> None:
        folder = self.begun.folder
        files = [folder / name for name in _WRITTEN]
        self.end(sorted((folder / "figures").glob("*.png")), [path for path in files if path.is_file()])
