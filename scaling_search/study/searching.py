"""`ss.search`: a search from its wishes to its answer, in one call."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from scaling_search.search.executors import Executor
from scaling_search.search.listener import Listener
from scaling_search.strategies import Strategy
from scaling_search.study.answer import Answer
from scaling_search.study.dataset import Data
from scaling_search.study.options import ExecutorName, StudyOptions
from scaling_search.study.own_growth import at_own_growth
from scaling_search.study.study import Study

if TYPE_CHECKING:
    from scaling_search.study.network import NetworkLike


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

    With time left, little noise and many trainings it ends at the growth that was asked for, see `own_growth`.
    Interrupted (Ctrl-C), it answers with what is there so far; so it does, with a warning, where the environment failed
    trials.

    Raises:
        InvalidInput: something that was asked for cannot be done, or nothing was trained to its end.
    """
    study = Study(baseline, data, strategy=strategy, executor=executor, folder=folder, **options)
    if study.run(listeners):
        at_own_growth(study, listeners)
    elif reason := study.shortfall():
        warnings.warn(f"{reason}; Study.open({str(study.folder)!r}).run() goes on", stacklevel=2)
    return study.analyze(listeners)
