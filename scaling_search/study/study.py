"""A search as an object: plan it, run it, train its trials yourself, analyse it, open it again.

    study = ss.Study(ss.network("b0"), ss.dataset(train_set, val_set), strategy=ss.strategies.Lattice(parts=4))
    study.plan(budget="2h")
    study.run()
    study.analyze().pick

Nothing is printed: who wants to see what happens passes listeners.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Self, Unpack

from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Reading, Trial
from scaling_search.files import plain
from scaling_search.search import folder as folders
from scaling_search.search.driver import Jobs
from scaling_search.search.executors import Conditions, Executor, Train, train_trial
from scaling_search.search.journal import Journal, read_entries
from scaling_search.search.listener import Listener
from scaling_search.strategies import DONE, WAIT, Ask, Decision, Strategy
from scaling_search.study.answer import Answer, write_answer
from scaling_search.study.asking import TrialAsk, told_reading
from scaling_search.study.beginning import job_maker, typed_command
from scaling_search.study.dataset import Data
from scaling_search.study.design import make_design
from scaling_search.study.extending import extend
from scaling_search.study.network import ScalableNetwork, network
from scaling_search.study.options import ExecutorName, Options, StudyOptions
from scaling_search.study.preparation import Prepared
from scaling_search.study.repeating import repeated
from scaling_search.study.session import Session

if TYPE_CHECKING:
    from scaling_search.study.network import NetworkLike


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
        path = None if folder is None else Path(folder)
        if path is not None:
            folders.check_free(path)
        named = {"executor": executor} if isinstance(executor, str) else {}
        asked = parse(Options, {**options, **named}, origin="options")
        executor = None if isinstance(executor, str) else executor
        design = make_design(network(baseline), data, asked, strategy=strategy, executor=executor)
        self._session = Session(path=path, design=design)
        self._stopped = ""

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        data: Data = None,
        strategy: Strategy | None = None,
        executor: Executor | None = None,
        address: str | None = None,
    ) -> Self:
        """A search that was begun, to be run to its end or looked at. Its data are opened when it is run.

        Args:
            data: only where they were handed over in Python and the cache holds them no more.
            strategy, executor: only where the run's is your own; or to go on with another executor.
            address: of a Ray to join, as `ss.Ray(address=…)` takes it.

        Raises:
            InvalidInput: the folder is not a run. (When it is run: its data have changed since.)
        """
        return cls.of(Session.opened(Path(folder), data=data, strategy=strategy, executor=executor, address=address))

    @classmethod
    def again(
        cls, config: str | Path, *, changes: Mapping[str, str] | None = None, folder: str | Path | None = None
    ) -> Self:
        """The search of another run, in a folder of its own: the same candidates, seeds and epochs, and so the same
        trainings, to the bit on a CPU.

        Args:
            config: run.yaml of that run, or its folder.
            changes: what is to be otherwise, as text: seeds, epochs, epsilon, recipe, workers, executor, device, data.
            folder: of the new run.

        Raises:
            InvalidInput: the file is no run's, its data have changed, or something cannot be changed so.
        """
        path = None if folder is None else Path(folder)
        if path is not None:
            folders.check_free(path)
        prepared = repeated(Path(config), changes or {}, command=typed_command())
        return cls.of(Session(path=path, prepared=prepared, repeats=True))

    @classmethod
    def of(cls, session: Session) -> Self:
        """The study of a session that was made elsewhere."""
        study = cls.__new__(cls)
        study._session, study._stopped = session, ""
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
        if self._session.repeats and budget is None:
            return self._session.prepare(listeners)
        design = self._session.design
        if design is not None and budget is not None:
            design = design.with_budget(budget)
        return self._session.plan(design, listeners)

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
        session = self._session
        if session.folder is not None:
            session.hold()  # before any work is done for it
        session.begin(listeners)
        session.driver = None  # what an interrupted call had out is not being trained any more
        self._train(listeners, train)
        while session.begin_anew():
            self._train(listeners, train)
        complete = session.complete
        if complete:
            session.drive(listeners).tidy()
        return complete

    def _train(self, listeners: Sequence[Listener], train: Train) -> None:
        session, prepared = self._session, self._session.prepare()
        driver = session.drive(listeners)
        session.announce(listeners)
        record = prepared.record
        jobs = Jobs(
            driver, job_maker(prepared), trials=record.plan.trials,
            more=lambda decision: session.go_on(listeners, waiting=decision is WAIT),
        )  # fmt: skip
        conditions = Conditions(
            device=record.device.kind,
            epochs=prepared.strategy.epochs or 1,
            log=session.begun().log,
            run=plain(f"{session.begun().path.name}-{record.started}-{record.base.macs}"),  # a pilot may begin anew
            dataset=prepared.dataset,
            checkpoints=session.begun().checkpoints.absolute(),
        )
        prepared.executor.run(jobs, train=train, on_reading=driver.tell, conditions=conditions)
        self._stopped = jobs.stopped

    def retry_failed(self) -> int:
        """Opens the trials whose networks failed again, for `run`; how many they are.

        Raises:
            InvalidInput: nothing has been trained yet, or another process is at work in the folder.
        """
        self._session.hold()
        return Journal(self._session.begun().path).forget_failures()

    def extend(
        self, *, budget: str | float | None = None, seeds: int | None = None, parts: int | None = None
    ) -> Prepared:
        """Plans more evidence in the same run; `run` then trains it.

        Args:
            budget: time for what comes, as "30m" or seconds; what was measured says how many trainings that is.
            seeds: so many more of every candidate instead, for a strategy that trains all alike.
            parts: a finer lattice instead, for the strategy `Lattice`: its new divisions get the seeds of the others.

        Raises:
            InvalidInput: nothing has been trained yet, it is too little for one more training, or another process is at
                work in the folder.
        """
        try:
            self._session.hold()
            return extend(self._session, budget=budget, seeds=seeds, parts=parts)
        except InvalidInput:
            self.release()
            raise

    def analyze(self, listeners: Sequence[Listener] = ()) -> Answer:
        """The answer of what is there so far, written into the folder: best.yaml, family, figures, report.html.

        Raises:
            InvalidInput: no trial has finished.
        """
        answer = write_answer(self._session.begun())
        for listener in listeners:
            listener.on_answer(answer.analysis)
        return answer

    def failures(self) -> Counter[str]:
        """Why networks failed, and how often; `retry_failed` opens these trials again."""
        entries = read_entries(self._session.begun().journal)
        endings = {entry.trial: entry for entry in entries if isinstance(entry, Reading)}
        return Counter(entry.reason for entry in endings.values() if entry.status == "failed")

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
        self._session.begin(())
        found = self._session.drive().ask()
        if found is DONE and (self._session.go_on() or self._session.begin_anew()):
            found = self._session.drive().ask()
        if isinstance(found, Decision):
            return None
        candidate = self._session.drive().candidate(found.trial)
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
        driver = self._session.drive()
        if ask.trial.candidate not in {UNSCALED, *(candidate.id for candidate in driver.candidates)}:
            raise InvalidInput(f"{ask.trial} is no trial of this search: tell what `ask` gave")
        driver.tell(told_reading(ask, top1=top1, val_loss=val_loss, epoch=epoch, failed=failed, metrics=metrics))
        if failed or epoch is None or epoch == ask.epochs:
            driver.release(ask)

    # --- what there is

    @property
    def complete(self) -> bool:
        """Whether nothing is missing. Changes nothing."""
        return self._session.complete

    @property
    def seconds_left(self) -> float | None:
        """Of the budget, where this object began the run and has trained; None where it goes on with or repeats one."""
        return self._session.seconds_left

    def release(self) -> None:
        """Lets other processes work in the folder; the next `run` or `ask` takes it again."""
        self._session.release()

    @property
    def troubles(self) -> dict[Trial, str]:
        """The trials that the environment failed in the last run, and why: they are open."""
        return {} if self._session.driver is None else dict(self._session.driver.troubles)

    @property
    def stopped(self) -> str:
        """Why the last run stopped before its end: a third of its trials failed for one reason. "" where it did not."""
        return self._stopped

    @property
    def folder(self) -> Path | None:
        """Where the run lies; None before it has begun and where no folder was named."""
        return self._session.path

    @property
    def prepared(self) -> Prepared:
        """Data, candidates and plan; made, or read back from the folder, if they are not there yet."""
        return self._session.prepare()

    def __repr__(self) -> str:
        session = self._session
        where = f"Study in {session.path}" if session.path else "Study"
        return f"<{where}: {'begun' if session.folder else 'planned' if session.prepared else 'not planned yet'}>"

    def _repr_html_(self) -> str:
        prepared = self._session.prepared
        return prepared._repr_html_() if prepared else f"<p>{escape(repr(self))}</p>"
