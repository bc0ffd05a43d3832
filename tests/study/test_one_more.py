"""One more training, where there is time for it: it is one that ends in time."""

from dataclasses import dataclass

import numpy as np

from scaling_search.coefficients import lattice
from scaling_search.evidence import Evidence, Reading, Trial
from scaling_search.strategies import DONE, Ask, Decision, Point, Surface
from scaling_search.strategies.base import Asks
from scaling_search.study.more import InTime

POINTS = [point.as_tuple() for point in lattice(3)]


@dataclass
class Usual:
    """A search that has all it wanted."""

    name: str = "usual"

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        return DONE


def shallow(shares: tuple[float, float, float]) -> bool:
    return shares[0] < 0.2


def read(*, named: str | None = None, point: Point | None = None) -> Evidence:
    """Ten candidates of one training, and one point that has come to another or to one of them."""
    random = np.random.default_rng(1)
    candidates = {f"c{index:02d}": place for index, place in enumerate(POINTS)}
    readings = [
        Reading(trial=Trial(candidate=name, seed=0), epoch=2, status="paused", top1=top1, val_loss=2.4 - 2 * top1)
        for name, top1 in zip(candidates, 0.6 + 0.03 * random.standard_normal(10), strict=True)
    ]
    if named is None or point is None:
        return Evidence.of(candidates, readings)
    candidates.setdefault(named, point.shares.as_tuple())
    return Evidence.of(candidates, readings, (point.proposed(named),))


def test_it_goes_on_asking_for_what_fits_until_one_has_begun() -> None:
    asking = InTime(Usual(), Surface(trials=11, epochs=2), shallow)
    (point,) = asking.decide(read(), frozenset())  # type: ignore[misc]
    assert isinstance(point, Point) and shallow(point.shares.as_tuple())
    new = read(named="c10", point=point)
    (ask,) = asking.decide(new, frozenset())  # type: ignore[misc]
    assert ask == Ask(Trial(candidate="c10", seed=0), 2)
    assert asking.decide(new, frozenset({ask})) is DONE, "what the search says, when all are spent"
    (other,) = asking.decide(read(named="c00", point=point), frozenset())  # type: ignore[misc]
    shares = other.shares.as_tuple() if isinstance(other, Point) else POINTS[int(other.trial.candidate[1:])]
    assert other != point and shallow(shares), "a point that comes to a trained network is let go"
