import numpy as np
import pytest

from scaling_search.analysis.tail import tail_of

MEANS = np.array([0.70, 0.71, 0.69, 0.72, 0.705, 0.35, 0.40])


def test_the_order_stays_and_the_upper_half_too() -> None:
    tail = tail_of(MEANS, 0.01)
    seen = tail.compress(MEANS)
    assert (np.argsort(seen) == np.argsort(MEANS)).all()
    assert seen[:5] == pytest.approx(MEANS[:5])
    assert np.ptp(seen) < 0.5 * np.ptp(MEANS)


def test_expanding_undoes_compressing() -> None:
    tail = tail_of(MEANS, 0.01)
    assert tail.expand(tail.compress(MEANS)) == pytest.approx(MEANS)


def test_few_means_and_even_ones_are_left_alone() -> None:
    assert tail_of(MEANS[:3], 0.01).compress(MEANS[:3]) == pytest.approx(MEANS[:3])
    even = np.linspace(0.6, 0.62, 9)
    assert tail_of(even, 0.02).compress(even) == pytest.approx(even)
