"""A verification as an object: did a run's answer hold, with fresh seeds, longer trainings and larger networks?

It is a run of its own in RUN/verification/, planned, driven and resumed as others are; what it found is written beside
the run's answer, as RUN/verification.yaml.
"""

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from math import log2
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search.analysis.trials import SHARES
from scaling_search.coefficients import PAPER, REFERENCES, Coefficients
from scaling_search.environment import git_commit, resolve_device, versions
from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Executor, Train, train_trial
from scaling_search.search.folder import RECORD, RunFolder
from scaling_search.search.listener import Listener
from scaling_search.search.plan import Work, choose_plan
from scaling_search.search.proxy import with_room
from scaling_search.search.record import RunRecord
from scaling_search.search.searchspace import adopt_live
from scaling_search.search.space import Candidate
from scaling_search.search.verification import Verification, write_verification
from scaling_search.strategies import Compare, Compound
from scaling_search.strategies.compare import AXES
from scaling_search.study.answer import Answer, read_answer
from scaling_search.study.beginning import data_listener, typed_command
from scaling_search.study.design import make_space
from scaling_search.study.engines import executor_again
from scaling_search.study.preparation import Prepared, data_again, executor_record
from scaling_search.study.session import Session
from scaling_search.study.study import Study
from scaling_search.study.verified import verified
from scaling_search.units import parse_duration

if TYPE_CHECKING:
    from scaling_search.study.dataset import Data

FOLDER = "verification"
LONGER = 2
"""So many times the run's epochs."""
_APART = 0.1  # of the compute: nearer ones are the pick's own network again
_SAME_GROWTH = 0.2  # doublings
_DETAIL = ((False, 2), (False, 3), (True, 3))
"""(with the larger networks, seeds), coarsest first."""


class Verifier:
    """The verification of a search.

    Args:
        run: the folder of a search.
        data: only where they were handed over in Python and the cache holds them no more.
        executor: instead of the run's.

    Raises:
        InvalidInput: the folder is not a search, or nothing has finished in it.
    """

    def __init__(self, run: str | Path, *, data: "Data" = None, executor: Executor | None = None) -> None:
        self.run_folder = RunFolder(Path(run))
        if self.run_folder.record().compares:
            raise InvalidInput(f"{run} is a comparison: it has no pick to be verified; `extend` gives it more seeds")
        self.answer = read_answer(self.run_folder)
        self.path = self.run_folder.path / FOLDER
        self._data, self._executor = data, executor
        self.study: Study | None = None
        if self.begun:
            self.study = Study.open(self.path, data=data, executor=executor)

    @property
    def begun(self) -> bool:
        """Whether trials have been planned: what is planned is kept."""
        return (self.path / RECORD).is_file()

    def plan(
        self,
        budget: str | float | None = None,
        *,
        seeds: int | None = None,
        epochs: int | None = None,
        larger: bool | None = None,
        own_growth: bool = False,
        listeners: Sequence[Listener] = (),
    ) -> Prepared:
        """What is trained: pick, runner-up, uniform, paper and each dimension alone, with fresh seeds, longer.

        Args:
            budget: time, as «30m» or seconds; None: the run's.
            seeds: of each network; None: as the budget allows, 2 or 3.
            epochs: None: twice the run's.
            larger: also networks of twice the compute (φ + 1); None: where the budget has time for them.
            own_growth: also networks of the growth that was asked for, 2^φ, where the run's have more leverage.

        Raises:
            InvalidInput: it has begun with another plan, or it cannot be done, or the run's networks have that growth.
        """
        wished = own_growth or any(wish is not None for wish in (budget, seeds, epochs, larger))
        if self.study is not None and (self.begun or not wished):
            if wished:
                raise InvalidInput(f"{self.path} has begun and keeps its plan; remove it to verify anew")
            return self.study.prepared
        seconds = parse_duration(budget) if isinstance(budget, str) else budget
        prepared = self._prepare(
            seconds, seeds=seeds, epochs=epochs, larger=larger, own_growth=own_growth, listeners=listeners
        )
        self.study = Study.of(Session(path=self.path, prepared=prepared))
        return prepared

    def run(self, listeners: Sequence[Listener] = (), *, train: Train = train_trial) -> bool:
        """Trains what is missing; True when nothing is missing at the end. See `Study.run`."""
        if self.study is None:
            self.plan(listeners=listeners)
        assert self.study is not None
        return self.study.run(listeners, train=train)

    def analyze(self) -> Verification:
        """What has been found so far, written as verification.yaml beside the run's answer.

        Raises:
            InvalidInput: the pick or all others have no finished trial yet.
        """
        from scaling_search.report.transfer import transfer

        found = verified(RunFolder(self.path), self.answer, self.run_folder.record())
        write_verification(self.run_folder.path, found)
        figures = self.path / "figures"
        figures.mkdir(exist_ok=True)
        transfer(found).write(figures)
        return found

    def _prepare(
        self,
        budget: float | None,
        *,
        seeds: int | None,
        epochs: int | None,
        larger: bool | None,
        own_growth: bool,
        listeners: Sequence[Listener],
    ) -> Prepared:
        record = self.run_folder.record()
        adopt_live(self.run_folder.path)
        if record.epochs is None:
            raise InvalidInput(f"{self.run_folder.path} does not say how long its trials are")
        space = make_space(record.question, base=record.base_network(), full=record.full_network())
        executor = self._executor or executor_again(record.executor)
        own = (_own_extent(record),) if own_growth else ()
        refinements = [
            _strategy(
                self.answer, record, seeds=seeds or count, epochs=epochs or LONGER * record.epochs,
                larger=(many if larger is None else larger), own=own,
            )
            for many, count in _DETAIL
        ]  # fmt: skip
        found: dict[int, tuple[Candidate, ...]] = {}

        def candidates(strategy: Compare) -> tuple[Candidate, ...]:
            if len(strategy.further) not in found:
                found[len(strategy.further)] = tuple(space.candidates(strategy.points()))
            return found[len(strategy.further)]

        workers = executor.workers_on(resolve_device(record.device.kind))
        work = Work(
            train_images=record.data.train, val_images=record.data.val, workers=workers, minimum_epochs=1,
            maximum_epochs=max(1, refinements[0].epochs or 1),
        )  # fmt: skip
        strategy, plan = choose_plan(
            refinements,
            candidates,
            speed=record.speed,
            work=work,
            budget_seconds=budget or record.plan.budget_seconds,
            unscaled=seeds or 3,
        )
        chosen = candidates(strategy)
        pixels = max(record.data.pixels, with_room(max(one.network.resolution for one in chosen)))
        dataset = data_again(record.data, self._data, data_listener(listeners), pixels=pixels)
        assert strategy.seeds is not None
        again = record.model_copy(
            update={
                "command": typed_command(), "started": datetime.now(UTC).isoformat(timespec="seconds"),
                "git": git_commit(), "versions": versions(), "strategy": strategy.to_dict(), "pilot": None,
                "lengths": None, "counts": (), "executor": executor_record(executor, workers),
                "plan": plan.model_copy(update={"trials": plan.trials + strategy.seeds}),  # with the unscaled network's
                "data": record.data.model_copy(update={"pixels": pixels, "fingerprint": dataset.fingerprint}),
            }
        )  # fmt: skip
        return Prepared(
            record=again, space=space, candidates=chosen, dataset=dataset, strategy=strategy, executor=executor
        )


def verify(
    run: str | Path,
    *,
    budget: str | float | None = None,
    seeds: int | None = None,
    epochs: int | None = None,
    larger: bool | None = None,
    own_growth: bool = False,
    data: "Data" = None,
    executor: Executor | None = None,
    listeners: Sequence[Listener] = (),
) -> Verification:
    """Plans (or goes on with), runs and reads the verification of a run; the arguments are those of `Verifier`.

    Raises:
        InvalidInput: something that was asked for cannot be done, or nothing was trained to its end.
    """
    verifier = Verifier(run, data=data, executor=executor)
    verifier.plan(budget, seeds=seeds, epochs=epochs, larger=larger, own_growth=own_growth, listeners=listeners)
    assert verifier.study is not None
    if not verifier.run(listeners) and (reason := verifier.study.shortfall()):
        warnings.warn(f"{reason}; ss.verify({str(run)!r}) goes on", stacklevel=2)
    return verifier.analyze()


def _own_extent(record: RunRecord) -> float:
    """The extent (see `strategies.Point`) at which networks have the growth that was asked for.

    Raises:
        InvalidInput: the run's own have it, or were to save compute.
    """
    asked = 2.0**record.question.phi
    if record.question.leverage is None or asked <= 1 or abs(log2(record.growth / asked)) < _SAME_GROWTH:
        raise InvalidInput(
            f"the run's networks have {record.growth:.3g}× the base's cost: there is no other growth to try"
        )
    return log2(asked) / log2(record.growth)


def _strategy(
    answer: Answer, record: RunRecord, *, seeds: int, epochs: int, larger: bool, own: tuple[float, ...]
) -> Compare:
    """What is trained again."""
    growth = answer.analysis.trials.growth or record.growth
    used = max(int(answer.analysis.trials.final["seed"].max()), 0)
    return Compare(
        compounds=tuple(
            Compound(name=name, alpha=max(1.0, one.alpha), beta=max(1.0, one.beta), gamma=max(1.0, one.gamma))
            for name, one in _compounds(answer).items()
        ),
        axes=AXES,
        steps=1,
        further=(*own, *((1 + 1 / abs(log2(growth)),) if larger else ())),
        first_seed=used + 1,
        seeds=seeds,
        epochs=epochs,
    )


def _compounds(answer: Answer) -> dict[str, Coefficients]:
    """The pick first; the runner-up is the best candidate that is another division."""
    found = {"pick": answer.pick.coefficients}
    pick = answer.pick.shares.as_tuple()
    for _, row in answer.table.sort_values("expected_loss").iterrows():
        if sum(abs(row[name] - share) for name, share in zip(SHARES, pick, strict=True)) / 2 > _APART:
            found["runner-up"] = Coefficients(alpha=row["alpha"], beta=row["beta"], gamma=row["gamma"])
            break
    return found | {"uniform": REFERENCES["uniform"].coefficients(), "paper": PAPER}
