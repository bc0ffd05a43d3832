from pathlib import Path

import pandas as pd
import pytest

from scaling_search import searchspace
from scaling_search.architecture import Network, parse_target, policy
from scaling_search.coefficients import grid
from scaling_search.errors import InvalidInput
from scaling_search.search.candidates import Limits, Rule, read_table, realise, write_table
from scaling_search.search.strategies import Point, SearchConfig, named_points, plan_points

COLUMNS = [
    "candidate", "alpha", "beta", "gamma", "share_depth", "share_width", "share_resolution",
    "depth", "width", "resolution", "effective_depth", "effective_width", "effective_resolution",
    "pixels", "network", "named", "params", "macs", "activations", "macs_ratio",
]  # fmt: skip


@pytest.fixture(scope="module")
def b0() -> Network:
    return searchspace.load("b0").network()


def test_the_papers_grid_on_b0_is_65_networks_of_which_4_cost_what_the_rule_says(b0: Network) -> None:
    points = [Point(coefficients=triple) for triple in grid(0.05, 0.1)]
    candidates = realise(points, b0, Rule(phi=1, match="nominal"))
    assert len(candidates) == 65
    assert sum(abs(candidate.macs_ratio / 2 - 1) <= 0.05 for candidate in candidates) == 4
    assert max(candidate.macs_ratio for candidate in candidates) > 3.3


def test_equal_networks_are_kept_once_with_all_their_names(b0: Network) -> None:
    candidates = realise(plan_points(SearchConfig(), parts=1), b0, Rule(phi=1))
    assert len({candidate.key for candidate in candidates}) == len(candidates) == 6
    assert [candidate.names[0] for candidate in candidates] == [
        "depth", "width", "resolution", "uniform", "fast", "paper",
    ]  # fmt: skip


def test_the_table_keeps_the_contract_and_the_networks_come_back_from_it(b0: Network, tmp_path: Path) -> None:
    size = searchspace.ProxySize(width=0.25, resolution=52)
    base = searchspace.proxy_base(b0, size, classes=7)
    candidates = realise(named_points(), base, Rule(phi=1), full=b0)
    write_table(tmp_path / "candidates.csv", candidates)
    table = pd.read_csv(tmp_path / "candidates.csv", keep_default_na=False)
    assert table.columns[: len(COLUMNS)].tolist() == COLUMNS
    shares = table[["share_depth", "share_width", "share_resolution"]].sum(axis=1)
    assert shares.tolist() == pytest.approx([1.0] * len(table))
    assert (table.macs / base.cost().macs).tolist() == pytest.approx(table.macs_ratio.tolist())
    assert (table.full_macs > 100 * table.macs).all()
    again = read_table(tmp_path / "candidates.csv", base)
    assert [candidate.key for candidate in again] == [candidate.key for candidate in candidates]
    assert [candidate.network for candidate in again] == [candidate.network for candidate in candidates]


def test_a_table_of_another_base_is_noticed(b0: Network, tmp_path: Path) -> None:
    write_table(tmp_path / "candidates.csv", realise(named_points(), b0, Rule(phi=1)))
    with pytest.raises(InvalidInput, match="MACs now"):
        read_table(tmp_path / "candidates.csv", b0.replaced(rounding=policy("nearest"), resolution=160))


def test_limits_drop_candidates_and_say_when_none_is_left(b0: Network) -> None:
    all_of_them = realise(named_points(), b0, Rule(phi=1))
    limit = sorted(candidate.cost.params for candidate in all_of_them)[2]
    within = realise(named_points(), b0, Rule(phi=1), limits=Limits(params=limit))
    assert 0 < len(within) < len(all_of_them)
    assert all(candidate.cost.params <= limit for candidate in within)
    with pytest.raises(InvalidInput, match="no candidate keeps within the limits; the cheapest has"):
        realise(named_points(), b0, Rule(phi=1), limits=Limits(macs=1000))


def test_a_target_in_another_metric_is_walked_to_on_the_proxy_in_proportion(b0: Network) -> None:
    wanted = 2 * b0.cost().params
    rule = Rule(phi=1, target=parse_target(f"params={wanted}"))
    base = searchspace.proxy_base(b0, searchspace.ProxySize(width=0.5, resolution=52), classes=1000)
    (wide,) = realise([point for point in named_points() if point.names == ("width",)], base, rule, full=b0)
    assert wide.full is not None
    assert wide.full.cost.params == pytest.approx(wanted, rel=0.02)
    assert wide.cost.params == pytest.approx(2 * base.cost().params, rel=0.02)


def test_a_limit_in_latency_is_measured_on_the_full_network(b0: Network) -> None:
    measured: list[int] = []

    def stopwatch(network: Network) -> float:
        measured.append(network.resolution)
        return network.resolution / 1000

    limits = Limits(latency=0.25, measure=stopwatch)
    within = realise(named_points(), b0, Rule(phi=1), limits=limits)
    assert len(measured) == 6
    assert 0 < len(within) < 6
    assert all(candidate.network.resolution <= 250 for candidate in within)
