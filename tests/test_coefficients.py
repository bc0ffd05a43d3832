import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_search.coefficients import PAPER, REFERENCES, Coefficients, Multipliers, Shares, grid, lattice
from scaling_search.errors import InvalidInput


def test_the_papers_triple_misses_its_own_constraint_by_four_percent() -> None:
    assert pytest.approx(1.92027) == PAPER.budget
    assert PAPER in grid(0.05, 0.1)
    assert PAPER not in grid(0.05, 0.05)


def test_the_papers_grid_has_108_triples_all_under_the_constraint() -> None:
    triples = grid(0.05, 0.1)
    assert len(triples) == len(set(triples)) == 108
    assert all(abs(triple.budget - 2) <= 0.1 for triple in triples)
    assert all(abs(round(c.alpha / 0.05) * 0.05 - c.alpha) < 1e-9 for c in triples)


@pytest.mark.parametrize(("parts", "points"), [(1, 3), (2, 6), (6, 28)])
def test_lattice(parts: int, points: int) -> None:
    shares = lattice(parts)
    assert len(set(shares)) == points
    assert all(sum(point.as_tuple()) == pytest.approx(1) for point in shares)


@given(st.tuples(st.floats(0.001, 1), st.floats(0.001, 1), st.floats(0.001, 1)), st.floats(1.1, 50))
def test_shares_round_trip_and_meet_the_constraint_exactly(weights: tuple[float, float, float], budget: float) -> None:
    depth, width, _ = (weight / sum(weights) for weight in weights)
    shares = Shares(depth=depth, width=width, resolution=1 - depth - width)
    coefficients = shares.coefficients(budget)
    assert coefficients.budget == pytest.approx(budget)
    assert coefficients.shares().as_tuple() == pytest.approx(shares.as_tuple(), abs=1e-9)


def test_named_points() -> None:
    assert set(REFERENCES) == {"depth", "width", "resolution", "uniform", "fast", "paper"}
    assert REFERENCES["depth"].coefficients() == Coefficients(alpha=2.0, beta=1.0, gamma=1.0)
    assert REFERENCES["fast"].as_tuple() == (0.1, 0.8, 0.1)


def test_multipliers_of_phi() -> None:
    double = PAPER.multipliers(2)
    assert (double.depth, double.width, double.resolution) == pytest.approx((1.44, 1.21, 1.3225))
    assert PAPER.multipliers(0) == Multipliers(depth=1, width=1, resolution=1)
    assert PAPER.multipliers(-1).depth < 1


@pytest.mark.parametrize("value", [0.9, float("nan"), float("inf"), -1.0])
def test_coefficients_below_one_are_refused(value: float) -> None:
    with pytest.raises(InvalidInput, match="β must be"):
        Coefficients(alpha=1.2, beta=value, gamma=1.1)


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(InvalidInput, match="widen --tolerance"):
        grid(0.3, 0.001)
    with pytest.raises(InvalidInput, match="positive step"):
        grid(0, 0.1)
    with pytest.raises(InvalidInput, match="at least 1 part"):
        lattice(0)
    with pytest.raises(InvalidInput, match="sum to 1"):
        Shares(depth=0.5, width=0.6, resolution=0.1)
    with pytest.raises(InvalidInput, match="no shares"):
        Coefficients(alpha=1, beta=1, gamma=1).shares()
    with pytest.raises(InvalidInput, match="too large"):
        PAPER.multipliers(1e6)
