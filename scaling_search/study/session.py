"""A search and its folder, from the wishes to the driver: what is behind `Study`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search.errors import InvalidInput
from scaling_search.files import sweep
from scaling_search.locks import take
from scaling_search.search import folder as folders
from scaling_search.search.counts import count_record
from scaling_search.search.driver import Driver
from scaling_search.search.executors import Executor
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import JOURNAL, Journal, Readings, read_entries
from scaling_search.search.lengths import seconds_left
from scaling_search.search.listener import Begun, Listener
from scaling_search.search.space import Candidate
from scaling_search.search.table import write_table
from scaling_search.strategies import Ask, Strategy
from scaling_search.study.beginning import data_listener, keep_live, step_listener, typed_command, weight_keeper
from scaling_search.study.dataset import Data
from scaling_search.study.design import Design
from scaling_search.study.preparation import Prepared, prepare_again, prepare_new
from scaling_search.study.replanning import after_pilot, drawn_anew, made_smaller, with_the_rest

if TYPE_CHECKING:
    from filelock import BaseFileLock


@dataclass(kw_only=True)
class Session:
    """What this process knows of a search, and holds of its folder. It is planned, begun and driven at most once.

    Attributes:
        path: of the folder; None before it has begun and where no folder was named.
        design: what a new search is made of; None where one was opened.
        data, strategy, executor: what a person hands over again when a run is opened, because no file can hold it.
        address: of the Ray that an opened run joins.
        prepared: data, candidates and plan, once they are there.
        folder: of the run, once it has begun.
        driver: of the last run, or of the one that is under way.
        repeats: it is another run's search again, with the plan as that had it at its end.
    """

    path: Path | None
    design: Design | None = None
    data: Data = None
    strategy: Strategy | None = None
    executor: Executor | None = None
    address: str | None = None
    prepared: Prepared | None = None
    folder: RunFolder | None = None
    driver: Driver[Candidate] | None = None
    repeats: bool = False
    _lock: "BaseFileLock | None" = None
    _anew: Prepared | None = None
    _planning: float = 0.0  # seconds that the plan took
    _waits_for: frozenset[Ask] = frozenset()  # beside which there was no time for another training
    _since: float | None = None  # when this process began it, planning included

    @classmethod
    def opened(
        cls, path: Path, *, data: Data, strategy: Strategy | None, executor: Executor | None, address: str | None = None
    ) -> "Session":
        """Of a run that was begun.

        Raises:
            InvalidInput: the folder is not a run.
        """
        folder = RunFolder(path)
        folder.record()  # whatever is wrong with it is said now, though it is needed later
        return cls(path=path, folder=folder, data=data, strategy=strategy, executor=executor, address=address)

    def plan(self, design: Design | None, listeners: Sequence[Listener]) -> Prepared:
        """Packs the data, measures the speed and makes the plan; trains nothing.

        Raises:
            InvalidInput: the run has begun already, or something that was asked for cannot be done.
        """
        if design is None or self.folder is not None:
            raise InvalidInput(f"{self.path} has begun and keeps its plan")
        begun = time.monotonic()
        self.prepared = prepare_new(
            design, command=typed_command(), on_data=data_listener(listeners), on_step=step_listener(listeners)
        )
        self._planning = time.monotonic() - begun
        return self.prepared

    def prepare(self, listeners: Sequence[Listener] = ()) -> Prepared:
        """Data, candidates and plan; made, or read back from the folder, if they are not there yet."""
        if self.prepared is None and self.folder is None:
            return self.plan(self.design, listeners)
        if self.prepared is None:
            self.prepared = prepare_again(
                self.begun(), strategy=self.strategy, executor=self.executor, address=self.address, data=self.data,
                on_data=data_listener(listeners),
            )  # fmt: skip
        return self.prepared

    def begin(self, listeners: Sequence[Listener]) -> Prepared:
        """Makes the folder and writes what resuming needs, before the first trial starts."""
        prepared = self.prepare(listeners)
        if self.folder is not None:
            return prepared
        self._since = time.monotonic() - self._planning
        record, path = prepared.record, self.path
        if path is None:
            name = str(record.baseline["name"])
            name = f"compare-{name}" if prepared.record.compares else name
            name = f"baseline-{name}" if prepared.record.seeks else name
            path = folders.default_path(baseline=name, phi=record.question.phi, data=record.data.name)
        folder = folders.create(path)
        lock = folder.begin()
        try:
            base = count_record("base", record.base_network())
            record = record.model_copy(update={"counts": (*record.counts, base)})
            write_table(folder.candidates, prepared.candidates)
            keep_live(folder, record.baseline)
            folder.write_record(record)
        except BaseException:
            folder.remove()  # a full disk or Ctrl-C here must not leave half a run
            lock.release()
            raise
        self.folder, self.path, self._lock = folder, path, lock
        return prepared

    def begun(self) -> RunFolder:
        """The folder of the run.

        Raises:
            InvalidInput: it has not begun.
        """
        if self.folder is None:
            raise InvalidInput("nothing has been trained yet: call run() first")
        return self.folder

    def drive(self, listeners: Sequence[Listener] = ()) -> Driver[Candidate]:
        """The one driver of this object: it knows which trials are out. Made anew where others may have worked."""
        if self.driver is None or self._lock is None:
            self.hold()
            journal = Journal(self.begun().path)
            if self.prepare().record.begun_anew and not any(journal.readings()):
                write_table(self.begun().candidates, self.prepare().candidates)
            self.driver = self._make_driver(journal)
        self.driver.listeners = tuple(listeners)
        return self.driver

    @property
    def spent(self) -> float | None:
        """Seconds of the budget, where this process began the run; None where it goes on with one."""
        return None if self._since is None else time.monotonic() - self._since

    @property
    def seconds_left(self) -> float | None:
        """Of the budget, where this process began a run of its own and has a driver; None elsewhere."""
        if self.spent is None or self.driver is None or self.repeats:
            return None
        plan, workers = self.prepare().record.plan, self.prepare().record.executor.workers
        evidence = self.driver.evidence()
        return seconds_left(evidence, budget=plan.budget_seconds, workers=workers, spent=self.spent) / workers

    @property
    def complete(self) -> bool:
        """Whether nothing is missing. Changes nothing."""
        if self.folder is None or self.pilot_pending:
            return False
        return (self.driver or self._make_driver(Readings(read_entries(self.folder.path / JOURNAL)))).complete

    @property
    def pilot_pending(self) -> bool:
        """Whether the pilot is still to be done, after which the plan is settled."""
        pilot = self.prepare().record.pilot
        return pilot is not None and pilot.pending

    def go_on(self, listeners: Sequence[Listener] = (), *, waiting: bool = False) -> bool:
        """After the pilot comes the search; then more of it, or longer trainings, if time is left. Whether one came.

        Not where the pilot has to be made anew: see `begin_anew`.

        Args:
            waiting: a worker has nothing to do while others train: then only more of the search comes.
        """
        if self.driver is None or self.repeats:
            return False
        running = self.driver.running if waiting else frozenset()
        if waiting and (self.pilot_pending or self._since is None or running == self._waits_for):
            return False
        if self.pilot_pending:
            if self._anew is None:
                asked, shown = self.prepare(), self.driver.evidence()
                self._anew = drawn_anew(asked, shown, data_listener(listeners)) or made_smaller(asked, shown)
            if self._anew is not None:
                return False
        known = self.prepare(), self.driver.evidence(), self.driver.candidates
        if self.pilot_pending:
            self.prepared = after_pilot(*known)
            asking = self.prepared.asking()
        elif found := with_the_rest(*known, running, spent=self.spent or 0.0):
            self.prepared, asking = found
        else:
            self._waits_for = running  # executors ask many times
            return False
        self.begun().write_record(self.prepared.record)
        if self.prepared.record.plan.final:
            return False
        self.driver.follow(asking)
        self.announce(listeners)
        return True

    def begin_anew(self) -> bool:
        """Begins the pilot anew, with other images or smaller proxies, where `go_on` says so; whether it did.

        The trials are forgotten first: a kill at any point leaves a run whose pilot is still to be trained.
        """
        if self._anew is None:
            return False
        folder = self.begun()
        folder.forget_trials()
        folder.write_record(self._anew.record)
        self.prepared, self.driver, self._anew = self._anew, None, None
        self.drive()
        return True

    def announce(self, listeners: Sequence[Listener]) -> None:
        """Tells the listeners what is about to be trained."""
        driver = self.drive(listeners)
        begun = Begun(
            folder=self.begun().path, record=self.prepare().record, candidates=driver.candidates,
            evidence=driver.evidence(),
        )  # fmt: skip
        for listener in listeners:
            listener.on_plan(begun)

    def hold(self) -> None:
        """Keeps other processes out of the folder.

        Raises:
            InvalidInput: another one is at work in it, or it has not begun.
        """
        if self._lock is None:
            self._lock = take(self.begun().path)
            sweep(self.begun().path)

    def release(self) -> None:
        """Lets other processes work in the folder; the next `drive` takes it again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _make_driver(self, journal: Readings) -> Driver[Candidate]:
        prepared, folder = self.prepare(), self.begun()
        writes = isinstance(journal, Journal)
        return Driver(
            prepared.asking(),
            prepared.space,
            prepared.candidates,
            journal=journal,
            checkpoints=folder.checkpoints,
            write=lambda candidates: write_table(folder.candidates, candidates) if writes else None,
            base=prepared.space.unscaled() if prepared.record.pilot or prepared.record.compares else None,
            keep=weight_keeper(folder, prepared.strategy) if writes else None,
            retell=prepared.executor.scheduler != "fifo",
        )
