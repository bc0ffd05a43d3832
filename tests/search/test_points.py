import pytest

from scaling_search.coefficients import PAPER
from scaling_search.search.strategies import SearchConfig, named_points, plan_points


def test_the_named_points_come_first_in_every_strategy() -> None:
    for strategy in ("lattice", "grid", "optuna"):
        points = plan_points(SearchConfig(strategy=strategy), parts=3)
        assert points[:6] == named_points()


def test_the_papers_point_is_the_published_triple() -> None:
    assert next(point for point in named_points() if point.names == ("paper",)).coefficients == PAPER


@pytest.mark.parametrize(("config", "count"), [
    (SearchConfig(parts=6), 28), (SearchConfig(), 10), (SearchConfig(strategy="grid"), 108),
    (SearchConfig(strategy="optuna"), 0),
])  # fmt: skip
def test_how_many_points_a_strategy_plans(config: SearchConfig, count: int) -> None:
    assert len(plan_points(config, parts=3)) == 6 + count
