"""A search that could afford it ends with networks of the growth that was asked for: do both agree?

Proxies have leverage. Where noise is small, trainings are many and time is left, the pick and its rivals are trained
with fresh seeds at 2^φ too. That is a verification like another: it lies where others do, and `verify` goes on with it.
"""

from collections.abc import Sequence

import numpy as np

from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Train, train_trial
from scaling_search.search.listener import Listener
from scaling_search.search.verification import Verification
from scaling_search.strategies import Compare
from scaling_search.study.answer import Answer
from scaling_search.study.study import Study
from scaling_search.study.verification import FOLDER, Verifier

TRAININGS = 30
"""There must be more of them: a search that settles with fewer has said what it could for its price."""
NOISE = 0.01
"""Of a training, which must be below: at 2^φ divisions differ by little (docs/design.md)."""


def at_own_growth(
    study: Study, listeners: Sequence[Listener] = (), *, train: Train = train_trial
) -> Verification | None:
    """What a complete search's answer is worth at the growth that was asked for.

    None where it cannot be afforded, where the run's own networks have that growth, where somebody verifies the run in
    another way, and where it is cut off.
    """
    assert study.folder is not None, "it is complete"
    if study.prepared.record.plan.trials <= TRAININGS and not (study.folder / FOLDER).exists():
        return None  # without an analysis, which takes seconds
    verifier = Verifier(study.folder, executor=study.prepared.executor)
    if not verifier.begun and not (_affords(verifier.answer) and _fits(study, verifier, listeners)):
        return None
    assert verifier.study is not None
    strategy = verifier.study.prepared.strategy
    if not isinstance(strategy, Compare) or all(extent >= 1 for extent in strategy.further):
        return None
    return verifier.analyze() if verifier.run(listeners, train=train) else None


def _affords(answer: Answer) -> bool:
    """Whether the search has little noise and many trainings."""
    noise = float(np.median(answer.analysis.surface.trial_sd))
    return noise < NOISE and len(answer.analysis.trials.final) > TRAININGS


def _fits(study: Study, verifier: Verifier, listeners: Sequence[Listener]) -> bool:
    """Plans it for the time that is left, with twice the run's epochs or as many; whether that fits."""
    left = study.seconds_left
    if left is None or left <= 0:
        return False
    for epochs in (None, study.prepared.record.epochs):
        try:
            prepared = verifier.plan(left, epochs=epochs, larger=False, own_growth=True, listeners=listeners)
        except InvalidInput:  # no other growth, or images that were handed over and are in the cache no more
            return False
        plan = prepared.record.plan
        if plan.seconds <= left:
            for listener in listeners:
                listener.on_step(f"{plan.trials} trainings at the growth that was asked for too: there is time")
            return True
    return False
