from collections.abc import Sequence
from typing import Any

import pytest

from scaling_search.coefficients import Coefficients, Shares
from scaling_search.search.kept_speed import TrainingSpeeds
from scaling_search.search.plan import Plan, Speed, Work, choose_plan, expected_seconds, image_seconds, measure_corners
from scaling_search.search.searchspace import load
from scaling_search.search.space import Candidate
from scaling_search.strategies import Lattice, Optuna, Planned

SPEED = Speed(depth=0.004, width=0.002, resolution=0.003)
WORK = Work(train_images=4000, val_images=2000, workers=2, minimum_epochs=3, maximum_epochs=20)


def candidate(coefficients: Coefficients) -> Candidate:
    """Only what a plan looks at."""
    nothing: Any = None
    return Candidate(
        id="", coefficients=coefficients, names=(), multipliers=nothing, effective=nothing, network=nothing,
        cost=nothing, macs_ratio=2.0,
    )  # fmt: skip


def candidates(strategy: Planned) -> Sequence[Candidate]:
    return [candidate(point.coefficients) for point in strategy.points()]


def plan(minutes: float, strategy: Planned | None = None) -> tuple[Planned, Plan]:
    return choose_plan(
        (strategy or Lattice()).refinements(), candidates, speed=SPEED, work=WORK, budget_seconds=60 * minutes
    )


def test_speed_is_linear_between_the_corners() -> None:
    corner = Shares(depth=1, width=0, resolution=0)
    assert SPEED.seconds_per_image(corner, 2.0) == pytest.approx(0.004)
    assert SPEED.seconds_per_image(corner, 3.0) == pytest.approx(0.006)
    middle = Shares(depth=0.5, width=0.5, resolution=0)
    assert SPEED.seconds_per_image(middle, 2.0) == pytest.approx(0.003)


def test_a_longer_budget_buys_a_finer_plan() -> None:
    chosen = [plan(minutes) for minutes in (1, 15, 60, 600)]
    parts = [strategy.parts for strategy, _ in chosen if isinstance(strategy, Lattice)]
    trials = [found.trials for _, found in chosen]
    assert parts == sorted(part or 0 for part in parts)
    assert trials == sorted(trials)
    assert (parts[0], parts[-1]) == (1, 6)
    assert chosen[-1][0].epochs == 20


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_the_plan_fits_its_budget(minutes: float) -> None:
    strategy, chosen = plan(minutes)
    assert chosen.seconds <= 60 * minutes
    assert strategy.seeds is not None
    assert strategy.epochs is not None
    each = image_seconds(candidates(strategy), SPEED)
    expected = expected_seconds(each, WORK, trainings=chosen.trials, epochs=strategy.epochs)
    assert chosen.seconds == pytest.approx(expected, abs=1)
    assert chosen.trials == len(each) * strategy.seeds


def test_what_the_user_fixes_stays() -> None:
    strategy, chosen = plan(5, Lattice(parts=3, seeds=4, epochs=2))
    assert strategy == Lattice(parts=3, seeds=4, epochs=2)
    assert chosen.candidates == 6 + 10


def test_a_budget_too_small_for_anything_still_trains_one_epoch() -> None:
    assert plan(0.1)[0].epochs == 1


def test_proposals_are_counted_before_they_are_made() -> None:
    few, many = (plan(60, Optuna(samples=samples, seeds=2, epochs=3))[1] for samples in (2, 20))
    assert (few.candidates, many.candidates) == (8, 26)
    assert many.seconds > 2.5 * few.seconds


def test_speed_is_measured_in_seconds_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that trains 250 images a second takes 4 ms for one, whatever its cost came to beside the wanted one."""
    monkeypatch.setattr("scaling_search.training.speed.measure_speed", lambda network, batch_size, device: 250.0)
    speeds = TrainingSpeeds("cpu", 32)
    base = load("b0").network()
    speed = measure_corners(base, growth=2.0, speeds=speeds)
    for name in ("depth", "width", "resolution"):
        assert getattr(speed, name) == pytest.approx(0.004, rel=0.05)
    assert speed.growth == 2
