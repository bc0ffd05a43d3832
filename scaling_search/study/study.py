"""A search as an object: plan it, run it, train its trials yourself, analyse it, open it again.

    study = ss.Study(ss.network("b0"), ss.dataset(train_set, val_set), strategy=ss.strategies.Lattice(parts=4))
    study.plan(budget="2h")
    study.run()
    study.analyze().pick

Nothing is printed: who wants to see what happens passes listeners.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Trial
from scaling_search.files import sweep
from scaling_search.locks import take
from scaling_search.search import folder as folders
from scaling_search.search.counts import count_record
from scaling_search.search.driver import Driver, Jobs
from scaling_search.search.executors import Conditions, Executor, Train, train_trial
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import JOURNAL, Journal, Readings, read_entries
from scaling_search.search.listener import Begun, Listener
from scaling_search.search.space import Candidate
from scaling_search.search.table import write_table
from scaling_search.strategies import DONE, Ask, Decision, Strategy
from scaling_search.study.answer import Answer, write_answer
from scaling_search.study.asking import TrialAsk, told_reading
from scaling_search.study.beginning import data_listener, job_maker, keep_live, typed_command
from scaling_search.study.design import Data, Design, make_design
from scaling_search.study.extending import extended, trainings_in
from scaling_search.study.network import ScalableNetwork, network
from scaling_search.study.options import ExecutorName, Options, StudyOptions
from scaling_search.study.preparation import Prepared, after_pilot, prepare_again, prepare_new
from scaling_search.units import parse_duration

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from scaling_search.study.network import NetworkLike


@dataclass(frozen=True, kw_only=True)
class _Own:
    """What a person hands over again when a run is opened, because no file can hold it."""

    data: Data = None
    strategy: Strategy | None = None
    executor: Executor | None = None


class Study:
    """A search in a folder.

    Args:
        baseline: what `ss.network` takes.
        data: a folder of images by class, a data set's name, or what `ss.dataset` gives; None is the embedded set.
        strategy: what to try next; None: the one that the options name.
        executor: how trials run: `ss.Ray()`, `ss.Inline()` or their names; None: Ray, as the options say.
        folder: of the run; made when trials start. None: results/<baseline>-phi<φ>-<data>-<time>.
        options: see `Options`; the names are those of `scaling-search run`.

    Raises:
        InvalidInput: something that was asked for cannot be done; the message says what would work.
    """

    def __init__(
        self,
        baseline: "NetworkLike" = "b0",
        data: Data = None,
        *,
        strategy: Strategy | None = None,
        executor: Executor | ExecutorName | None = None,
        folder: str | Path | None = None,
        **options: Unpack[StudyOptions],
    ) -> None:
        self._path = None if folder is None else Path(folder)
        if self._path is not None:
            folders.check_free(self._path)
        named = {"executor": executor} if isinstance(executor, str) else {}
        asked = parse(Options, {**options, **named}, origin="options")
        executor = None if isinstance(executor, str) else executor
        self._design: Design | None = make_design(
            network(baseline), data, asked, strategy=strategy, executor=executor
        )  # fmt: skip
        self._own = _Own()
        self._prepared: Prepared | None = None
        self._folder: RunFolder | None = None
        self._driver: Driver[Candidate] | None = None
        self._lock: BaseFileLock | None = None
        self._stopped = ""

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        data: Data = None,
        strategy: Strategy | None = None,
        executor: Executor | None = None,
    ) -> Self:
        """A search that was begun, to be run to its end or looked at. Its data are opened when it is run.

        Args:
            data: only where they were handed over in Python and the cache holds them no more.
            strategy, executor: only where the run's is your own; or to go on with another executor.

        Raises:
            InvalidInput: the folder is not a run. (When it is run: its data have changed since.)
        """
        study = cls.__new__(cls)
        study._design = study._prepared = study._driver = study._lock = None
        study._stopped = ""
        study._folder = RunFolder(Path(folder))
        study._path = study._folder.path
        study._folder.record()  # whatever is wrong with it is said now, though it is needed later
        study._own = _Own(data=data, strategy=strategy, executor=executor)
        return study

    # --- plan, run, analyse

    def plan(
        self, budget: str | float | None = None, *, listeners: Sequence[Listener] = ()
    ) -> Prepared:  # fmt: skip
        """Packs the data, measures the speed and makes the plan; trains nothing.

        Args:
            budget: time for the whole search, as "2h" or seconds; None: what the options say.

        Raises:
            InvalidInput: the run has begun already, or something that was asked for cannot be done.
        """
        if self._design is None or self._folder is not None:
            raise InvalidInput(f"{self._path} has begun and keeps its plan")
        design = self._design if budget is None else self._design.with_budget(budget)
        self._prepared = prepare_new(design, command=typed_command(), on_data=data_listener(listeners))
        return self._prepared

    def run(self, listeners: Sequence[Listener] = (), *, train: Train = train_trial) -> bool:
        """Trains what is missing; True when nothing is missing at the end.

        False means that the run was interrupted (Ctrl-C), or that the environment failed some trials (`troubles`) or
        too many (`stopped`): what finished is kept, and the same call goes on.

        Args:
            listeners: told of every step, in this process.
            train: how one job is trained; for tests and replays.

        Raises:
            InvalidInput: another process is at work in the folder, or something that was asked for cannot be done.
            OSError: the folder cannot be written.
        """
        try:
            return self._run(listeners, train)
        finally:
            self.release()

    def _run(self, listeners: Sequence[Listener], train: Train) -> bool:
        if self._folder is not None:
            self._hold()  # before any work is done for it
        prepared = self._begin(listeners)
        self._driver = None  # what an interrupted call had out is not being trained any more
        driver = self._drive(listeners)
        begun = Begun(record=prepared.record, candidates=driver.candidates, evidence=driver.evidence())
        for listener in listeners:
            listener.on_plan(begun)
        jobs = Jobs(
            driver, job_maker(prepared), trials=prepared.record.plan.trials, more=lambda: self._settle_plan(listeners)
        )
        prepared.executor.run(jobs, train=train, on_reading=driver.tell, conditions=self._conditions(prepared))
        self._stopped = jobs.stopped
        complete = self.complete
        if complete:
            driver.tidy()
        return complete

    def retry_failed(self) -> int:
        """Opens the trials whose networks failed again, for `run`; how many they are.

        Raises:
            InvalidInput: nothing has been trained yet, or another process is at work in the folder.
        """
        self._hold()
        return Journal(self._begun().path).forget_failures()

    def extend(self, *, budget: str | float | None = None, seeds: int | None = None) -> Prepared:
        """Plans more evidence in the same run; `run` then trains it.

        Args:
            budget: time for what comes, as "30m" or seconds; what was measured says how many trainings that is.
            seeds: so many more of every candidate instead, for a strategy that trains all alike.

        Raises:
            InvalidInput: nothing has been trained yet, it is too little for one more training, or another process is at
                work in the folder.
        """
        try:
            self._hold()
            return self._extend(budget, seeds)
        except InvalidInput:
            self.release()
            raise

    def _extend(self, budget: str | float | None, seeds: int | None) -> Prepared:
        folder, prepared = self._begun(), self.prepared
        if (budget is None) == (seeds is None):
            raise InvalidInput("say how much more: a budget or seeds")
        if self._pilot_pending:
            raise InvalidInput(f"the plan is not settled yet: go on with `scaling-search resume {folder.path}`")
        evidence, workers = self._drive(()).evidence(), prepared.record.executor.workers
        if budget is not None:
            seconds = parse_duration(budget) if isinstance(budget, str) else float(budget)
            trainings = trainings_in(seconds, evidence, workers=workers)
        elif prepared.strategy.seeds is None:
            raise InvalidInput(f"{prepared.strategy.name} decides itself how often it trains: give a budget")
        else:
            trainings = (seeds or 0) * len(evidence.candidates)
        record, strategy = extended(prepared.record, prepared.strategy, evidence, trainings=trainings)
        folder.write_record(record)
        self._prepared, self._driver = replace(prepared, record=record, strategy=strategy), None
        return self._prepared

    def analyze(self, listeners: Sequence[Listener] = ()) -> Answer:
        """The answer of what is there so far, written into the folder: best.yaml, family, figures, report.html.

        Raises:
            InvalidInput: no trial has finished.
        """
        answer = write_answer(self._begun())
        for listener in listeners:
            listener.on_answer(answer.analysis)
        return answer

    def shortfall(self) -> str:
        """What of the last run could not be trained, and why, in one sentence; "" where nothing failed."""
        if self.stopped:
            return f"stopped: {self.stopped}"
        reasons = Counter(self.troubles.values())
        if not reasons:
            return ""
        found = "; ".join(f"{count} × {reason}" for reason, count in reasons.most_common(3))
        trials = "1 trial" if len(self.troubles) == 1 else f"{len(self.troubles)} trials"
        return f"{trials} could not be trained here, and can be later: {found}"

    # --- a training loop of one's own

    def ask(self) -> TrialAsk | None:
        """The next trial to train; None when none is wanted now: all are out, or all is done (see `complete`).

        From the first question on no other process can work in the folder, until `release` or the end of this one.
        """
        self._begin(())
        driver = self._drive(())
        found = driver.ask()
        if found is DONE and self._settle_plan(()):
            found = driver.ask()
        if isinstance(found, Decision):
            return None
        candidate = driver.candidate(found.trial)
        return TrialAsk(found.trial, found.epochs, network=ScalableNetwork(candidate.network))

    def tell(
        self,
        ask: Ask,
        *,
        top1: float | None = None,
        val_loss: float | None = None,
        epoch: int | None = None,
        failed: str = "",
        **metrics: float,
    ) -> None:
        """What a trial showed after an epoch, by default its last.

        Args:
            ask: what `ask` gave.
            top1: fraction of the validation images, 0..1.
            val_loss: cross-entropy of the validation images, in nats.
            epoch: 1-based; None: the last one that was asked for.
            failed: a reason, where the trial cannot be trained.
            metrics: train_loss, top5, seconds, images_seen, images_per_second.

        Raises:
            InvalidInput: a number is out of its range, neither metrics nor a reason are given, or there is no such
                candidate.
        """
        driver = self._drive(())
        if ask.trial.candidate not in {UNSCALED, *(candidate.id for candidate in driver.candidates)}:
            raise InvalidInput(f"{ask.trial} is no trial of this search: tell what `ask` gave")
        driver.tell(told_reading(ask, top1=top1, val_loss=val_loss, epoch=epoch, failed=failed, metrics=metrics))
        if failed or epoch is None or epoch == ask.epochs:
            driver.release(ask)

    # --- what there is

    @property
    def complete(self) -> bool:
        """Whether nothing is missing. Changes nothing."""
        if self._folder is None or self._pilot_pending:
            return False
        return (self._driver or self._make_driver(Readings(read_entries(self._folder.path / JOURNAL)))).complete

    def release(self) -> None:
        """Lets other processes work in the folder; the next `run` or `ask` takes it again."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    @property
    def troubles(self) -> dict[Trial, str]:
        """The trials that the environment failed in the last run, and why: they are open."""
        return {} if self._driver is None else dict(self._driver.troubles)

    @property
    def stopped(self) -> str:
        """Why the last run stopped before its end: a third of its trials failed for one reason. "" where it did not."""
        return self._stopped

    @property
    def folder(self) -> Path | None:
        """Where the run lies; None before it has begun and where no folder was named."""
        return self._path

    @property
    def prepared(self) -> Prepared:
        """Data, candidates and plan; made, or read back from the folder, if they are not there yet."""
        return self._prepare(())

    def __repr__(self) -> str:
        where = f"Study in {self._path}" if self._path else "Study"
        return f"<{where}: {'begun' if self._folder else 'planned' if self._prepared else 'not planned yet'}>"

    def _repr_html_(self) -> str:
        return self._prepared._repr_html_() if self._prepared else f"<p>{escape(repr(self))}</p>"

    # --- inside

    def _begun(self) -> RunFolder:
        if self._folder is None:
            raise InvalidInput("nothing has been trained yet: call run() first")
        return self._folder

    def _prepare(self, listeners: Sequence[Listener]) -> Prepared:
        if self._prepared is not None:
            return self._prepared
        if self._folder is None:
            return self.plan(listeners=listeners)
        own, on_data = self._own, data_listener(listeners)
        self._prepared = prepare_again(
            self._folder, strategy=own.strategy, executor=own.executor, data=own.data, on_data=on_data
        )
        return self._prepared

    def _begin(self, listeners: Sequence[Listener]) -> Prepared:
        """Makes the folder and writes what resuming needs, before the first trial starts."""
        prepared = self._prepare(listeners)
        if self._folder is not None:
            return prepared
        record, path = prepared.record, self._path
        if path is None:
            name = str(record.baseline["name"])
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
        self._folder, self._path, self._lock = folder, path, lock
        return prepared

    def _drive(self, listeners: Sequence[Listener]) -> Driver[Candidate]:
        """The one driver of this object: it knows which trials are out. Made anew where others may have worked."""
        if self._driver is None or self._lock is None:
            self._hold()
            self._driver = self._make_driver(Journal(self._begun().path))
        self._driver.listeners = tuple(listeners)
        return self._driver

    @property
    def _pilot_pending(self) -> bool:
        pilot = self.prepared.record.pilot
        return pilot is not None and pilot.pending

    def _settle_plan(self, listeners: Sequence[Listener]) -> bool:
        """When the pilot is done, makes the plan anew and follows it; whether it was that."""
        if not self._pilot_pending or self._driver is None:
            return False
        self._prepared = prepared = after_pilot(self.prepared, self._driver.evidence())
        self._begun().write_record(prepared.record)
        self._driver.follow(prepared.asking())
        begun = Begun(record=prepared.record, candidates=self._driver.candidates, evidence=self._driver.evidence())
        for listener in listeners:
            listener.on_plan(begun)
        return True

    def _hold(self) -> None:
        if self._lock is None:
            self._lock = take(self._begun().path)
            sweep(self._begun().path)

    def _make_driver(self, journal: Readings) -> Driver[Candidate]:
        prepared, folder = self.prepared, self._begun()
        writes = isinstance(journal, Journal)
        return Driver(
            prepared.asking(),
            prepared.space,
            prepared.candidates,
            journal=journal,
            checkpoints=folder.checkpoints,
            write=lambda candidates: write_table(folder.candidates, candidates) if writes else None,
            base=prepared.space.unscaled() if prepared.record.pilot else None,
            retell=prepared.executor.scheduler != "fifo",
        )

    def _conditions(self, prepared: Prepared) -> Conditions:
        epochs = prepared.strategy.epochs
        device = prepared.record.device.kind
        return Conditions(device=device, epochs=epochs or 1, log=self._begun().log)


def search(
    baseline: "NetworkLike" = "b0",
    data: Data = None,
    *,
    strategy: Strategy | None = None,
    executor: Executor | ExecutorName | None = None,
    folder: str | Path | None = None,
    listeners: Sequence[Listener] = (),
    **options: Unpack[StudyOptions],
) -> Answer:
    """Plans, runs and analyses a search; the arguments are those of `Study`.

    Interrupted (Ctrl-C), it answers with what is there so far; so it does, with a warning, where the environment failed
    trials.

    Raises:
        InvalidInput: something that was asked for cannot be done, or nothing was trained to its end.
    """
    study = Study(baseline, data, strategy=strategy, executor=executor, folder=folder, **options)
    if not study.run(listeners) and (reason := study.shortfall()):
        warnings.warn(f"{reason}; Study.open({str(study.folder)!r}).run() goes on", stacklevel=2)
    return study.analyze(listeners)
