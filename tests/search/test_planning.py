from collections.abc import Sequence

import pytest

from scaling_search.coefficients import Shares, lattice
from scaling_search.search.planning import Load, Plan, Speed, choose_plan, expected_seconds

SPEED = Speed(depth=0.004, width=0.002, resolution=0.003)


def loads(parts: int) -> Sequence[Load]:
    return [Load(shares=shares, macs_ratio=2.0) for shares in lattice(parts)]


def plan(minutes: float, **fixed: int) -> Plan:
    return choose_plan(
        loads, SPEED, budget_seconds=60 * minutes, images=(4000, 2000), workers=2, minimum_epochs=3,
        maximum_epochs=20, **fixed,
    )  # fmt: skip


def test_speed_is_linear_between_the_corners() -> None:
    corner = Shares(depth=1, width=0, resolution=0)
    assert SPEED.seconds_per_image(corner, 2.0) == pytest.approx(0.004)
    assert SPEED.seconds_per_image(corner, 3.0) == pytest.approx(0.006)
    middle = Shares(depth=0.5, width=0.5, resolution=0)
    assert SPEED.seconds_per_image(middle, 2.0) == pytest.approx(0.003)


def test_a_longer_budget_buys_a_finer_plan() -> None:
    plans = [plan(minutes) for minutes in (1, 15, 60, 600)]
    assert [p.parts for p in plans] == sorted(p.parts for p in plans)
    assert [p.trials for p in plans] == sorted(p.trials for p in plans)
    assert plans[0].parts == 1
    assert plans[-1].parts == 6
    assert plans[-1].epochs == 20


@pytest.mark.parametrize("minutes", [5, 15, 60])
def test_the_plan_fits_its_budget(minutes: float) -> None:
    chosen = plan(minutes)
    assert chosen.seconds <= 60 * minutes
    assert chosen.seconds == pytest.approx(
        expected_seconds(
            loads(chosen.parts), SPEED, seeds=chosen.seeds, epochs=chosen.epochs, images=(4000, 2000), workers=2
        ),
        abs=1,
    )


def test_what_the_user_fixes_stays() -> None:
    chosen = plan(5, parts=3, seeds=4, epochs=2)
    assert (chosen.parts, chosen.seeds, chosen.epochs, chosen.candidates) == (3, 4, 2, 10)


def test_a_budget_too_small_for_anything_still_trains_one_epoch() -> None:
    assert plan(0.1).epochs == 1
