"""One more training, where there is time for it: what it is, and that it comes first."""

from dataclasses import dataclass, replace

import pytest

from scaling_search.coefficients import Shares
from scaling_search.evidence import Evidence, Reading, Trial
from scaling_search.strategies import DONE, Ask, Decision, Point
from scaling_search.strategies.base import Asks
from scaling_search.study.more import First


@dataclass
class Usual:
    """A search that is done."""

    name: str = "usual"

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        return DONE


PLACE = (0.0, 0.5, 0.5)


@pytest.mark.parametrize("new", [True, False])
def test_what_is_wanted_first_is_asked_for_until_it_has_begun(new: bool) -> None:
    candidates, trial = {"c00": (1.0, 0.0, 0.0)}, Trial(candidate="c01" if new else "c00", seed=0 if new else 1)
    ask = Ask(trial, 2)
    point = Point(coefficients=Shares(depth=0, width=0.5, resolution=0.5).coefficients())
    first = First(Usual(), point if new else ask, 2)
    evidence = Evidence.of(candidates, [])
    if new:
        assert first.decide(evidence, frozenset()) == [point]
        candidates["c01"] = PLACE
        evidence = Evidence.of(candidates, [], (point.proposed("c01"),))
    assert first.decide(evidence, frozenset()) == [ask]
    assert first.decide(evidence, frozenset({ask})) is DONE
    reading = Reading(trial=trial, epoch=1, status="running", top1=0.5, val_loss=1.0)
    assert first.decide(replace(evidence, histories={trial: (reading,)}), frozenset()) is DONE


def test_a_place_that_nothing_comes_of_is_let_go() -> None:
    point = Point(coefficients=Shares(depth=0, width=0.5, resolution=0.5).coefficients())
    refused = Evidence.of({}, [], (point.proposed(""),))
    assert First(Usual(), point, 2).decide(refused, frozenset()) is DONE
