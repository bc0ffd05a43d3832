"""How far a search has come: what is expected to be lost now, and how many trainings may be enough."""

from dataclasses import dataclass

from scaling_search.evidence import Evidence
from scaling_search.strategies.surface import ENOUGH, Known

_LOOKED_AT = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is expected of a search.

    Attributes:
        loss: accuracy that an answer would expect its pick to lose now, as a fraction.
        trainings: about how many more until a search stops at ε, each where it is worth most now; 0: it is there; None:
            over 64, or no end. It stops by a larger figure (see `analysis.outlook`).
    """

    loss: float
    trainings: int | None


def forecast(evidence: Evidence, epochs: int, *, epsilon: float) -> Forecast | None:
    """None while there is too little to build on: less than four trials of two candidates with so many epochs."""
    import numpy as np

    known = Known(evidence, epochs, ())
    if len(known.read) < ENOUGH or len({trial.candidate for trial in known.read}) < 2:
        return None
    now = known.judged(known.read)
    loss = known.stated()
    if now.loss() <= epsilon:
        return Forecast(loss=loss, trainings=0)
    noise = np.concatenate([np.full(now.places, now.new_variance), now.trial_variance])
    order = np.argsort(-np.concatenate([now.gain(), now.seed_gain()]))
    for count in _LOOKED_AT:
        rows = order[:count]
        if now.after(rows, noise[rows], epsilon=epsilon)[0] <= epsilon:
            return Forecast(loss=loss, trainings=count)
    return Forecast(loss=loss, trainings=None)
