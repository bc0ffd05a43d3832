"""What halving, race and random train: the comparison strategies, beside the promises that every strategy keeps."""

from collections import Counter

import numpy as np

from scaling_search.evidence import Evidence, Reading, Status, Trial
from scaling_search.strategies import DONE, WAIT, Ask, Halving, Race, Random, testing

DIVISIONS = {"c00": (1.0, 0.0, 0.0), "c01": (0.0, 1.0, 0.0), "c02": (0.0, 0.0, 1.0), "c03": (0.4, 0.3, 0.3)}


def evidence(scores: dict[str, float], epoch: int, *, failed: str = "") -> Evidence:
    def reading(name: str, top1: float) -> Reading:
        status: Status = "failed" if name == failed else "paused"
        return Reading(trial=Trial(candidate=name, seed=0), epoch=epoch, status=status, top1=top1)

    return Evidence.of(DIVISIONS, [reading(name, top1) for name, top1 in scores.items()])


def test_halving_trains_the_better_half_twice_as_long() -> None:
    strategy = Halving(parts=1, seeds=1, epochs=5)
    assert list(strategy.stages()) == [(1, 1), (1, 2), (1, 4), (1, 5)]
    scores = {"c00": 0.1, "c01": 0.4, "c02": 0.2, "c03": 0.3}
    wanted = {Ask(Trial(candidate=name, seed=0), 2) for name in ("c01", "c03")}
    assert set(strategy.decide(evidence(scores, 1), frozenset())) == wanted  # type: ignore[arg-type]
    assert strategy.decide(evidence(scores, 1), frozenset(wanted)) is WAIT
    world = testing.search(strategy, testing.World())
    epochs = Counter(reading.trial for reading in world.readings)
    assert sorted(epochs.values()) == [1, 1, 1, 2, 2, 5], "six candidates, then three, then one"


def test_a_candidate_that_failed_is_behind_all_others() -> None:
    strategy = Halving(parts=1, seeds=1, epochs=2)
    asks = strategy.decide(evidence({"c00": 0.1, "c01": 0.9, "c02": 0.2, "c03": 0.3}, 1, failed="c01"), frozenset())
    assert [str(ask.trial) for ask in asks if isinstance(ask, Ask)] == ["c03-s0", "c02-s0"]  # type: ignore[union-attr]


def test_a_race_repeats_what_is_ahead() -> None:
    strategy = Race(parts=1, seeds=3, epochs=2)
    world = testing.search(strategy, testing.World())
    trained = Counter(trial.candidate for trial in {reading.trial for reading in world.readings})
    assert sorted(trained.values(), reverse=True) == [3, 2, 2, 1, 1, 1]
    assert sum(trained.values()) == strategy.trainings(len(world.candidates))
    assert strategy.decide(world.evidence(), frozenset()) is DONE


def test_random_divisions_fill_the_triangle() -> None:
    shares = np.array([point.shares.as_tuple() for point in Random(samples=600, seeds=1).points()])
    np.testing.assert_allclose(shares.mean(axis=0), 1 / 3, atol=0.03)
    np.testing.assert_allclose(shares.var(axis=0), 1 / 18, atol=0.006)  # of the flat Dirichlet distribution


def test_fewer_random_divisions_are_the_beginning_of_more() -> None:
    few, many = Random(samples=4).points(), Random(samples=9).points()
    assert many[:4] == few
    assert Random(samples=4, random=1).points() != few
    assert [(one.samples, one.seeds) for one in Random().refinements()][:2] == [(12, 1), (15, 1)]
