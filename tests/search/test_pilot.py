"""The pilot: what it asks for, what it finds, and what the plan makes of it."""

from collections.abc import Mapping
from typing import Any

import pytest

from scaling_search.coefficients import REFERENCES
from scaling_search.evidence import UNSCALED, Evidence, Reading, Status, Trial
from scaling_search.search.pilot import Beside, Found, Pilot, PilotRecord, measured_speed
from scaling_search.search.plan import Speed, Work
from scaling_search.search.space import Candidate
from scaling_search.strategies import DONE, WAIT, Ask, Lattice

WORK = Work(train_images=100, val_images=30, workers=2, minimum_epochs=4, maximum_epochs=20)
RECORD = PilotRecord(seeds=2, candidates=("c00", "c01"), most=8, asked={}, work=WORK)
PILOT = Pilot(record=RECORD, classes=10)
PLACES = {"c00": (1.0, 0.0, 0.0), "c01": (0.0, 1.0, 0.0)}


def reading(name: str, seed: int, epoch: int, top1: float, *, ended: int) -> Reading:
    status: Status = "paused" if epoch == ended else "running"
    return Reading(trial=Trial(candidate=name, seed=seed), epoch=epoch, status=status, top1=top1, seconds=3.0)


def evidence(curves: Mapping[str, list[float]], *, base: list[float] | None = None) -> Evidence:
    """Candidates' accuracies by epoch, with one seed; the unscaled network's with two."""
    found = [
        reading(name, 0, epoch, top1, ended=len(tops))
        for name, tops in curves.items()
        for epoch, top1 in enumerate(tops, start=1)
    ]
    tops = base or []
    for seed in range(2):
        found += [reading(UNSCALED, seed, epoch, top1, ended=len(tops)) for epoch, top1 in enumerate(tops, start=1)]
    return Evidence.of(PLACES, found)


def asked(decision: object) -> list[str]:
    assert isinstance(decision, list)
    return [f"{ask.trial} {ask.epochs}" for ask in decision]


def test_candidates_and_the_unscaled_network_get_two_epochs_first() -> None:
    assert asked(PILOT.decide(evidence({}), frozenset())) == ["c00-s0 2", "c01-s0 2", "base-s0 2", "base-s1 2"]
    running = frozenset([Ask(Trial(candidate="c01", seed=0), 2)])
    some = evidence({"c00": [0.2, 0.3]}, base=[0.1, 0.2])
    assert asked(PILOT.decide(some, frozenset())) == ["c01-s0 2"]
    assert PILOT.decide(some, running) is WAIT
    assert PILOT.decide(evidence({"c00": [0.2, 0.3], "c01": [0.1, 0.2]}, base=[0.1, 0.2]), frozenset()) is DONE


def test_what_has_not_learned_is_trained_twice_as_long_up_to_a_limit() -> None:
    def nothing(epochs: int) -> Evidence:
        return evidence({"c00": [0.1] * epochs, "c01": [0.18] * epochs}, base=[0.1] * epochs)

    assert asked(PILOT.decide(nothing(2), frozenset()))[0] == "c00-s0 4"
    assert asked(PILOT.decide(nothing(4), frozenset()))[0] == "c00-s0 8"
    assert PILOT.decide(nothing(8), frozenset()) is DONE
    found = PILOT.found(nothing(8))
    assert (found.learned, found.epochs, found.lowest, found.highest) == (False, 8, 0.1, 0.18)
    assert found.bounds(WORK).minimum_epochs == 8
    assert "nothing is learned yet, so trials get 8" in found.sentence(8)


def test_what_nears_the_ceiling_is_judged_before() -> None:
    high = evidence({"c00": [0.9, 0.96], "c01": [0.9, 0.97]}, base=[0.5, 0.6])
    found = PILOT.found(high)
    assert (found.saturated, found.unscaled) == (2, 0.6)
    assert (found.bounds(WORK).minimum_epochs, found.bounds(WORK).maximum_epochs) == (1, 1)
    assert "near the ceiling after 2, so they are judged after 1" in found.sentence(1)
    usual = PILOT.found(evidence({"c00": [0.2, 0.3], "c01": [0.3, 0.5]}, base=[0.2, 0.25]))
    assert usual == Found(epochs=2, unscaled=0.25, lowest=0.3, highest=0.5, learned=True)
    assert usual.bounds(WORK) == WORK
    assert usual.sentence(4) == "unscaled 25.0%, candidates 30.0% to 50.0% after 2 epochs"


def test_a_failed_trial_does_not_hold_it_up() -> None:
    failed = Reading(trial=Trial(candidate="c00", seed=0), epoch=1, status="failed", reason="too large")
    rest = evidence({"c01": [0.3, 0.4]}, base=[0.1, 0.2])
    known = Evidence.of(PLACES, [failed, *rest.readings()])
    assert PILOT.decide(known, frozenset()) is DONE
    assert PILOT.found(known).lowest == 0.4


def test_a_strategy_does_not_see_the_unscaled_network_beside_it() -> None:
    strategy = Lattice(parts=1, seeds=1, epochs=3)
    beside = Beside(strategy=strategy, seeds=2, epochs=3)
    base = frozenset(Ask(Trial(candidate=UNSCALED, seed=seed), 3) for seed in range(2))
    none = evidence({})
    assert asked(beside.decide(none, frozenset())) == ["base-s0 3", "base-s1 3"]
    assert beside.decide(none, base) == strategy.decide(none, frozenset())
    all_there = evidence({"c00": [0.1] * 3, "c01": [0.1] * 3})
    assert beside.decide(all_there, base) is WAIT
    assert beside.decide(evidence({"c00": [0.1] * 3, "c01": [0.1] * 3}, base=[0.1] * 3), frozenset()) is DONE


@pytest.mark.parametrize("named", [("depth",), ()])
def test_speed_is_what_the_trainings_took(named: tuple[str, ...]) -> None:
    nothing: Any = None
    place = Candidate(
        id="c00", coefficients=REFERENCES["depth"].coefficients(), names=named, multipliers=nothing, effective=nothing,
        network=nothing, cost=nothing, macs_ratio=2.0,
    )  # fmt: skip
    speed = Speed(depth=0.01, width=0.02, resolution=0.03, growth=2.0)
    found = measured_speed(speed, [place], evidence({"c00": [0.2, 0.3]}), images=150.0)
    assert found.depth == pytest.approx(3.0 / 150)
    assert (found.width, found.resolution) == pytest.approx((0.04, 0.06)), "the others by the same factor"
    assert measured_speed(speed, [place], evidence({}), images=150.0) == speed
