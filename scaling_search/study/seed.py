"""A search for the baseline itself, as an object: planned, run and resumed as other searches are.

    found = ss.baseline("mnasnet", "photos/", target="macs=400M", budget="20m")
    found.sentence, found.baseline

Two thirds of the time are the search's; the last third goes to its best few and to known networks at the same cost,
with fresh seeds (`study.finals`).
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from scaling_search.errors import InvalidInput
from scaling_search.search import folder as folders
from scaling_search.search.executors import Executor, Train, train_trial
from scaling_search.search.folder import RECORD, RunFolder
from scaling_search.search.listener import Listener
from scaling_search.search.stages import StagedName, StageSpace, load_space
from scaling_search.strategies.goal import Reward
from scaling_search.study.finals import FOLDER, SHARE, plan_finals
from scaling_search.study.options import ExecutorName
from scaling_search.study.preparation import Prepared
from scaling_search.study.seed_answer import BaselineAnswer, read_baseline, seeking_of, write_baseline
from scaling_search.study.seed_design import make_seed_design
from scaling_search.study.session import Session
from scaling_search.study.study import Study

if TYPE_CHECKING:
    from scaling_search.study.dataset import Data


class BaselineSearch:
    """A search for a baseline in a folder.

    Args:
        space: a shipped space of stages («mnasnet», «resnet»), a YAML file of the same form, or one as an object.
        data: as of `Study`.
        target: MACs of the full-size network, «macs=400M», or «macs=1.2x» of the space's own.
        reward: «soft» (ACC · (MACs/T)^w), «hard», or «frontier»: both axes.
        weight: w of the soft reward; None: −0.07.
        strategy: «evolution», «optuna», «random» or «halving».
        samples: networks that are tried beside the space's own; None: as the budget allows.
        executor, folder: as of `Study`.
        options: see `Options`; those of divisions (phi, leverage, target, parts …) are refused.

    Raises:
        InvalidInput: something that was asked for cannot be done; the message says what would work.
    """

    def __init__(
        self,
        space: str | Path | StageSpace = "mnasnet",
        data: "Data" = None,
        *,
        target: str = "macs=1x",
        reward: Reward = "soft",
        weight: float | None = None,
        strategy: StagedName = "evolution",
        samples: int | None = None,
        executor: Executor | ExecutorName | None = None,
        folder: str | Path | None = None,
        **options: Any,
    ) -> None:
        if foreign := sorted(set(options) & _OF_DIVISIONS):
            raise InvalidInput(f"{foreign[0]} is a setting of a search of divisions; a search for a baseline has none")
        path = None if folder is None else Path(folder)
        if path is not None:
            folders.check_free(path)
        asked = dict(options) | ({"executor": executor} if isinstance(executor, str) else {})
        design = make_seed_design(
            space if isinstance(space, StageSpace) else load_space(str(space)), data, target=target, reward=reward,
            weight=weight, strategy=strategy, samples=samples,
            executor=None if isinstance(executor, str) else executor, options=asked,
        )  # fmt: skip
        search = design.with_budget((1 - SHARE) * design.budget)
        self.study = Study.of(Session(path=path, design=search))
        self.last: Study | None = None

    @classmethod
    def open(cls, folder: str | Path, *, data: "Data" = None, executor: Executor | None = None) -> Self:
        """A search for a baseline that was begun, to be run to its end or looked at.

        Raises:
            InvalidInput: the folder is no such search.
        """
        seeking_of(RunFolder(Path(folder)).record(), Path(folder))
        return cls.of(Study.open(folder, data=data, executor=executor))

    @classmethod
    def of(cls, study: Study) -> Self:
        """The search for a baseline that a study of one is."""
        search = cls.__new__(cls)
        search.study, search.last = study, None
        return search

    def plan(self, budget: str | float | None = None, *, listeners: Sequence[Listener] = ()) -> Prepared:
        """Packs the data, measures the speed and makes the plan of the search; trains nothing. See `Study.plan`.

        Args:
            budget: of the search alone, without the last round.
        """
        return self.study.plan(budget, listeners=listeners)

    def run(self, listeners: Sequence[Listener] = (), *, train: Train = train_trial) -> bool:
        """Trains what is missing of the search, then of the last round; True when nothing is missing at the end."""
        if not self.study.run(listeners, train=train):
            return False
        if self.study.prepared.record.seeking is None:  # it is the last round itself that was opened
            return True
        self.last = self._last_round(listeners)
        return self.last.run(listeners, train=train)

    def _last_round(self, listeners: Sequence[Listener]) -> Study:
        """The last round, planned or begun."""
        assert self.folder is not None, "a search that has run has a folder"
        path = self.folder / FOLDER
        executor = self.study.prepared.executor
        if (path / RECORD).is_file():
            return Study.open(path, executor=executor)
        run = RunFolder(self.folder)
        prepared = plan_finals(run, read_baseline(run).ranked, executor=executor, listeners=listeners)
        return Study.of(Session(path=path, prepared=prepared))

    def analyze(self) -> BaselineAnswer:
        """What is there so far, written into the folder: mine.yaml, baseline.yaml and figures.

        Raises:
            InvalidInput: no candidate has finished.
        """
        if self.folder is None or not (self.folder / RECORD).exists():
            raise InvalidInput("nothing has been trained yet: call run() first")
        folder = RunFolder(self.folder)
        return write_baseline(folder if folder.record().seeking else RunFolder(folder.path.parent))

    def shortfall(self) -> str:
        """What could not be trained, and why; "" where nothing failed. See `Study.shortfall`."""
        return self.study.shortfall() or (self.last.shortfall() if self.last else "")

    @property
    def folder(self) -> Path | None:
        """Where it lies; None before it has begun and where no folder was named."""
        return self.study.folder


_OF_DIVISIONS = {
    "phi", "leverage", "target", "match", "search", "parts", "step", "tolerance", "rounding", "pilot", "scheduler",
}  # fmt: skip


def baseline(
    space: str | Path | StageSpace = "mnasnet",
    data: "Data" = None,
    *,
    target: str = "macs=1x",
    reward: Reward = "soft",
    weight: float | None = None,
    strategy: StagedName = "evolution",
    samples: int | None = None,
    executor: Executor | ExecutorName | None = None,
    folder: str | Path | None = None,
    listeners: Sequence[Listener] = (),
    **options: Any,
) -> BaselineAnswer:
    """Plans, runs and analyses a search for a baseline; the arguments are those of `BaselineSearch`.

    Raises:
        InvalidInput: something that was asked for cannot be done, or nothing was trained to its end.
    """
    search = BaselineSearch(
        space, data, target=target, reward=reward, weight=weight, strategy=strategy, samples=samples,
        executor=executor, folder=folder, **options,
    )  # fmt: skip
    if not search.run(listeners) and (reason := search.shortfall()):
        warnings.warn(f"{reason}; ss.BaselineSearch.open({str(search.folder)!r}).run() goes on", stacklevel=2)
    return search.analyze()
