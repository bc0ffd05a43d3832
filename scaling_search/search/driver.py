"""Between a strategy and an executor: asks become jobs, points become candidates, readings go to the journal.

Only the driver knows the journal and the checkpoints. It keeps nothing that the journal does not hold but which jobs
are under way: a run is resumed by making another driver over the same folder.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from scaling_search.coefficients import Shares
from scaling_search.evidence import UNSCALED, Choices, Evidence, Reading, Realised, Trial
from scaling_search.files import inside
from scaling_search.search.executors import Job
from scaling_search.search.journal import Readings
from scaling_search.search.listener import Listener
from scaling_search.search.tally import Tally
from scaling_search.strategies import DONE, Ask, Asking, Decision, Point


class Known(Protocol):
    """What the driver needs of a candidate."""

    @property
    def id(self) -> str: ...
    @property
    def key(self) -> Hashable:
        """What makes two candidates the same network."""

    @property
    def shares(self) -> Shares:
        """What was asked for."""

    @property
    def choices(self) -> Choices:
        """In a space of stages."""

    @property
    def realised(self) -> Realised:
        """What came of it."""

    def with_id(self, name: str) -> Self: ...


C = TypeVar("C", bound=Known)
Co = TypeVar("Co", bound=Known, covariant=True)


class Places(Protocol[Co]):
    """What a point comes to: the space, or a recorded table."""

    def candidate(self, point: Point) -> Co | None:
        """None where the limits refuse it."""


_TRIES = 2
"""Of a job that the environment fails; then it is left for another day."""


class Driver(Generic[C]):
    """A strategy at work.

    Args:
        strategy: what to ask next.
        places: what a point comes to.
        candidates: those that the run has, in their order.
        journal: what is known, and where new readings go.
        checkpoints: the folder in which a trial's checkpoint lies while it may be trained further.
        write: keeps the table of candidates, called when a new one enters.
        base: the unscaled network, which may be trained beside them.
        keep: called with a trial that has all that was asked and its checkpoint, before that may be deleted.
        retell: hand out the trials that have ended or rest once more, first, with their history: what a scheduler that
            compares trials has to be told on resuming (its own state is not restored, ray#30838).

    Attributes:
        listeners: told of every new reading.
        troubles: the trials that are set aside, and why.
    """

    def __init__(
        self,
        strategy: Asking,
        places: Places[C],
        candidates: Sequence[C],
        *,
        journal: Readings,
        checkpoints: Path,
        write: Callable[[Sequence[C]], None],
        base: C | None = None,
        keep: Callable[[Trial, Path], None] | None = None,
        retell: bool = False,
    ) -> None:
        self.journal = journal
        self.listeners: Sequence[Listener] = ()
        self.troubles: dict[Trial, str] = {}
        self._strategy = strategy
        self._places = places
        self._candidates = {candidate.id: candidate for candidate in candidates}
        self._divisions = {candidate.id: candidate.shares.as_tuple() for candidate in candidates}
        self._built = {candidate.id: candidate.realised for candidate in candidates}
        self._choices = {candidate.id: candidate.choices for candidate in candidates if candidate.choices}
        self._base = base
        self._keep = keep
        self._checkpoints = checkpoints
        self._write = write
        self._running: dict[Trial, Ask] = {}
        self._complete_proposals()
        self._retold = self._ended_asks() if retell else []

    def follow(self, strategy: Asking) -> None:
        """Asks another strategy from here on: the pilot's plan, once the pilot is done."""
        self._strategy = strategy

    # --- for anyone who trains

    def ask(self) -> Ask | Decision:
        """The trial that the strategy wants most, which counts as running until it is released.

        Raises:
            ValueError: the strategy asks for what there is not.
        """
        if self._retold:
            return self._retold.pop()
        while True:
            decision = self._strategy.decide(self.evidence(), self.running)
            if isinstance(decision, Decision):
                waits_in_vain = self.troubles and len(self.troubles) == len(self._running)
                return DONE if waits_in_vain else decision
            wanted = decision[0]
            if isinstance(wanted, Ask):
                self._check(wanted)
                self._running[wanted.trial] = wanted
                return wanted
            self._propose(wanted)

    def tell(self, reading: Reading) -> None:
        """Writes a reading down, and tells the listeners if it is new. A trial that has ended loses its checkpoint."""
        if self._keep is not None and reading.status in ("paused", "done"):
            self._keep(reading.trial, self.checkpoint(reading.trial))
        if not self.journal.add(reading):
            return
        if reading.final:
            self._remove_checkpoint(reading.trial)
        for listener in self.listeners:
            listener.on_reading(reading)
        if reading.resting and self.listeners:
            evidence = self.evidence()
            for listener in self.listeners:
                listener.on_rest(reading.trial, evidence)

    def release(self, ask: Ask) -> None:
        """What was asked is not being trained any more, whatever became of it."""
        self._running.pop(ask.trial, None)

    def set_aside(self, ask: Ask, reason: str, *, again: bool) -> None:
        """The environment failed a trial: it is not asked for until it is taken up.

        Args:
            again: whether that will be tried in this session.
        """
        for listener in self.listeners:  # first: one that ends the run knows of a trouble that was an interruption
            listener.on_trouble(ask.trial, reason, again=again)
        self.troubles[ask.trial] = reason

    def take_up(self, trials: Iterable[Trial]) -> None:
        """Trials that were set aside may be asked for again."""
        for trial in list(trials):
            del self.troubles[trial], self._running[trial]

    def tidy(self) -> None:
        """Deletes all checkpoints but those of paused trials, which can be trained further."""
        self.journal.settle()
        paused = {str(reading.trial) for reading in self.journal.readings() if reading.status == "paused"}
        for path in self._checkpoints.glob("*"):
            if path.name.partition(".pt")[0] not in paused:
                path.unlink(missing_ok=True)
        if self._checkpoints.is_dir() and not any(self._checkpoints.iterdir()):
            self._checkpoints.rmdir()

    # --- what there is

    @property
    def candidates(self) -> tuple[C, ...]:
        """All so far, in the order in which they entered the search."""
        return tuple(self._candidates.values())

    @property
    def running(self) -> frozenset[Ask]:
        """What was asked for and has not been released."""
        return frozenset(self._running.values())

    @property
    def complete(self) -> bool:
        """Whether the strategy wants nothing more."""
        return self._strategy.decide(self.evidence(), frozenset()) is DONE

    def evidence(self) -> Evidence:
        """All readings so far."""
        return self.journal.evidence(self._divisions, self._built, self._choices)

    def candidate(self, trial: Trial) -> C:
        """What is trained in a trial."""
        if trial.candidate == UNSCALED and self._base is not None:
            return self._base
        return self._candidates[trial.candidate]

    def checkpoint(self, trial: Trial) -> Path:
        """Where a trial's checkpoint lies while it may be trained further."""
        return inside(self._checkpoints.absolute(), f"{trial}.pt")

    # --- inside

    def _check(self, ask: Ask) -> None:
        if ask.trial.candidate not in self._candidates and not (self._base and ask.trial.candidate == UNSCALED):
            raise ValueError(f"{self._strategy.name} asks for {ask.trial}, and there is no such candidate")
        if ask.trial in self._running:
            raise ValueError(f"{self._strategy.name} asks for {ask.trial} while it is being trained")
        if self.evidence().has(ask.trial, ask.epochs):
            raise ValueError(f"{self._strategy.name} asks for {ask.trial}, which has its {ask.epochs} epochs or ended")

    def _propose(self, point: Point) -> None:
        """Written into the journal before the table, so that a kill in between loses nothing."""
        found = self._places.candidate(point)
        name = "" if found is None else self._name(found)
        self.journal.propose(point.proposed(name))
        if found is not None and name not in self._candidates:
            self._enter(found.with_id(name))

    def _name(self, found: C) -> str:
        """The id of a network that is known already, or the next free one."""
        known = (candidate.id for candidate in self._candidates.values() if candidate.key == found.key)
        return next(known, found.id or f"c{len(self._candidates):02d}")

    def _enter(self, candidate: C) -> None:
        self._candidates[candidate.id] = candidate
        self._divisions[candidate.id] = candidate.shares.as_tuple()
        self._built[candidate.id] = candidate.realised
        if candidate.choices:
            self._choices[candidate.id] = candidate.choices
        self._write(self.candidates)

    def _complete_proposals(self) -> None:
        """Candidates that the journal knows and the table does not: the trace of a kill between the two."""
        for proposal in self.journal.proposals:
            if proposal.candidate and proposal.candidate not in self._candidates:
                found = self._places.candidate(Point.of(proposal))
                assert found is not None, "what was allowed once is allowed again"
                self._enter(found.with_id(proposal.candidate))

    def _ended_asks(self) -> list[Ask]:
        evidence = self.evidence()
        lasts = [last for trial in evidence.histories if (last := evidence.last(trial))]
        endings = [last for last in lasts if last.resting]
        return [Ask(ending.trial, ending.epoch) for ending in reversed(endings)]

    def _remove_checkpoint(self, trial: Trial) -> None:
        path = self.checkpoint(trial)
        if path.parent.is_dir():
            from scaling_search.training import checkpoint

            checkpoint.remove(path)


MakeJob = Callable[[Ask, C, Path, tuple[Reading, ...]], Job]
"""A job for an ask, from its candidate, its checkpoint's place and its history."""


class Jobs(Generic[C]):
    """A driver as executors see it: asks with all that their training needs.

    A trial that the environment fails is tried once more when nothing else is left to do, and then left open.

    Args:
        make: adds what the training needs.
        trials: that the search will have in all; None where nobody knows.
        more: called with DONE when a strategy has all it wanted, with WAIT when a worker has nothing to do meanwhile;
            whether the driver follows another one now.
    """

    def __init__(
        self,
        driver: Driver[C],
        make: MakeJob[C],
        *,
        trials: int | None = None,
        more: Callable[[Decision], bool] = lambda decision: False,
    ) -> None:
        self._driver = driver
        self._make = make
        self._more = more
        self._tries: Counter[Trial] = Counter()
        self._tally = Tally(trials)
        driver.take_up(driver.troubles)

    @property
    def stopped(self) -> str:
        """Why no more jobs are handed out: too many trials failed for one reason. "" while there are jobs."""
        return self._tally.stopped

    def next(self) -> Job | Decision:
        """The job that is wanted most; WAIT or DONE when none is wanted now."""
        if self.stopped:
            return DONE
        ask = self._driver.ask()
        if ask is DONE and (again := [trial for trial in self._driver.troubles if self._tries[trial] < _TRIES]):
            self._driver.take_up(again)
            ask = self._driver.ask()
        if isinstance(ask, Decision):
            return self.next() if not self._driver.troubles and self._more(ask) else ask
        trial = ask.trial
        return self._make(
            ask, self._driver.candidate(trial), self._driver.checkpoint(trial), self._driver.journal.history(trial)
        )

    def ended(self, job: Job, *, trouble: str = "", interrupted: bool = False) -> None:
        """Nothing more comes of this job; see `JobSource`."""
        ask = Ask(job.trial, job.epochs)
        evidence = self._driver.evidence()
        if interrupted:
            self._driver.release(ask)
        elif evidence.has(ask.trial, ask.epochs):
            self._driver.release(ask)
            last = evidence.last(ask.trial)
            if last is not None and last.status == "failed":
                self._tally.failed(last.reason)
            else:
                self._tally.well()
        else:
            self._set_aside(ask, trouble or "its training ended without a reading")

    def _set_aside(self, ask: Ask, reason: str) -> None:
        self._tries[ask.trial] += 1
        if self._tries[ask.trial] == 1:
            self._tally.troubled(reason)
        self._driver.set_aside(ask, reason, again=self._tries[ask.trial] < _TRIES and not self.stopped)
