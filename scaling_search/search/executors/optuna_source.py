"""Points proposed by Optuna on the share triangle, through Tune's OptunaSearch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from math import sqrt

import optuna
from optuna.distributions import FloatDistribution
from ray.tune.search.optuna import OptunaSearch

from scaling_search.coefficients import Shares
from scaling_search.search.executors.base import Planned, Work
from scaling_search.search.strategies import Point

_SPACE = {"u": FloatDistribution(0.0, 1.0), "v": FloatDistribution(0.0, 1.0)}


class OptunaSource:
    """First the planned work, whose results Optuna is told; then proposals, until there are `samples` of them.

    A proposal whose network is known already is answered from the journal: it trains nothing and counts as a sample.

    Args:
        planned: the named points and, on resuming, everything proposed so far, with their shares.
        propose: turns a proposed point into work.
    """

    def __init__(
        self, planned: Sequence[tuple[Shares, Work]], propose: Callable[[Point], Work], *, samples: int, seed: int = 0
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._planned = Planned([work for _, work in planned])
        self._shares = {work.name: shares for shares, work in planned}
        self._propose = propose
        self._left = samples
        self._search = OptunaSearch(space=_SPACE, metric="top1", mode="max", seed=seed)
        self._numbers = count()

    @property
    def left(self) -> int:
        return self._planned.left + max(self._left, 0)

    def next(self) -> Work | None:
        work = self._planned.next()
        if work is not None or self._left <= 0:
            return work
        self._left -= 1
        name = f"proposal-{next(self._numbers)}"  # of its own: two proposals can come to the same candidate
        proposal = self._search.suggest(name)
        assert proposal is not None
        work = self._propose(Point(coefficients=to_shares(proposal["u"], proposal["v"]).coefficients()))
        return replace(work, name=name)

    def tell(self, work: Work, score: float | None) -> None:
        planned = self._shares.get(work.name)
        if planned is None:
            result = {"top1": score} if score is not None else None
            self._search.on_trial_complete(work.name, result, error=score is None)
        elif score is not None:
            u, v = from_shares(planned)
            self._search.add_evaluated_point({"u": u, "v": v}, score)


def to_shares(u: float, v: float) -> Shares:
    """The unit square mapped onto the triangle so that uniform points stay uniform."""
    root = sqrt(u)
    return Shares(depth=1 - root, width=root * (1 - v), resolution=root * v)


def from_shares(shares: Shares) -> tuple[float, float]:
    """The inverse of `to_shares`; at the depth corner v is free, and a half."""
    root = min(max(1 - shares.depth, 0.0), 1.0)
    v = shares.resolution / root if root > 0 else 0.5
    return root**2, min(max(v, 0.0), 1.0)
