"""Schedules: where they peak, where they end, and which of them nest."""

import pytest

from scaling_search.training.schedule import Annealed, Constant, Exponential, WarmupStableDecay


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_annealed_peaks_after_warmup_and_ends_at_zero(shape: str) -> None:
    schedule = Annealed.model_validate({"warmup": 0.1, "shape": shape})
    assert schedule.factor(0.2, 4) == pytest.approx(0.5)
    assert schedule.factor(0.4, 4) == pytest.approx(1)
    assert schedule.factor(4, 4) == pytest.approx(0, abs=1e-12)
    assert schedule.factor(2.2, 4) == pytest.approx(0.5)  # halfway between peak and end, in both shapes


def test_constant_ignores_the_budget() -> None:
    schedule = Constant(warmup_epochs=0.5)
    assert schedule.factor(0.25, 4) == schedule.factor(0.25, 40) == pytest.approx(0.5)
    assert schedule.factor(3.9, 4) == 1


def test_warmup_stable_decay_differs_between_budgets_only_in_the_decay() -> None:
    schedule = WarmupStableDecay(warmup_epochs=0.5, decay=0.25)
    assert schedule.factor(3, 4) == schedule.factor(3, 8) == 1
    assert schedule.factor(3.5, 4) == pytest.approx(0.5)
    assert schedule.factor(4, 4) == 0
    assert schedule.factor(4, 8) == 1


def test_exponential_follows_the_paper() -> None:
    schedule = Exponential()  # 0.97 every 2.4 epochs after five of warm-up
    assert schedule.factor(2.5, 350) == pytest.approx(0.5 * 0.97)
    assert schedule.factor(24.1, 350) == pytest.approx(0.97**10)


def test_only_schedules_that_do_not_know_the_budget_nest() -> None:
    positions = [index / 10 for index in range(1, 40)]
    for schedule in (Annealed(), Constant(), WarmupStableDecay(), Exponential()):
        same = all(schedule.factor(at, 4) == schedule.factor(at, 8) for at in positions)
        assert schedule.nests == same
