from pathlib import Path

import pandas as pd
import pytest

from scaling_search.architecture import Network, coarseness, parse_target, policy
from scaling_search.coefficients import grid
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace
from scaling_search.search.proxy import ProxySize, fine_size, in_steps, proxy_base
from scaling_search.search.space import Limits, Rule, Space
from scaling_search.search.table import read_table, write_table
from scaling_search.strategies import Lattice, Point, reference_points

COLUMNS = [
    "candidate", "alpha", "beta", "gamma", "share_depth", "share_width", "share_resolution",
    "depth", "width", "resolution", "effective_depth", "effective_width", "effective_resolution",
    "pixels", "network", "named", "params", "macs", "activations", "macs_ratio",
]  # fmt: skip

WIDTH = next(point for point in reference_points() if point.names == ("width",))


@pytest.fixture(scope="module")
def b0() -> Network:
    return searchspace.load("b0").network()


def test_the_papers_grid_on_b0_is_65_networks_of_which_4_cost_what_the_rule_says(b0: Network) -> None:
    points = [Point(coefficients=triple) for triple in grid(0.05, 0.1)]
    candidates = Space(base=b0, rule=Rule(growth=2, match="nominal")).candidates(points)
    assert len(candidates) == 65
    assert sum(abs(candidate.macs_ratio / 2 - 1) <= 0.05 for candidate in candidates) == 4
    assert max(candidate.macs_ratio for candidate in candidates) > 3.3


def test_a_fine_size_costs_the_same_and_misplaces_less(b0: Network) -> None:
    size = ProxySize(width=0.2, resolution=41, depth=0.63)
    fine = fine_size(b0, size, growth=8, classes=10)
    before, after = (proxy_base(b0, one, classes=10) for one in (size, fine))
    assert fine.resolution != size.resolution
    assert after.cost().macs == pytest.approx(before.cost().macs, rel=0.1)
    assert coarseness(after, growth=8) < 0.9 * coarseness(before, growth=8)


def test_equal_networks_are_kept_once_with_all_their_names(b0: Network) -> None:
    candidates = Space(base=b0, rule=Rule(growth=2)).candidates(Lattice(parts=1).points())
    assert len({candidate.key for candidate in candidates}) == len(candidates) == 6
    assert [candidate.names[0] for candidate in candidates] == [
        "depth", "width", "resolution", "uniform", "fast", "paper",
    ]  # fmt: skip


@pytest.mark.parametrize("target", [None, "macs=4x", "params=4x"])
def test_an_extent_goes_a_part_of_the_way_or_beyond(b0: Network, target: str | None) -> None:
    rule = Rule(growth=4, target=None if target is None else parse_target(target))
    space = Space(base=b0, rule=rule)
    metric = "params" if target == "params=4x" else "macs"
    own = getattr(b0.cost(), metric)
    for extent, ratio in ((0.5, 2.0), (1.0, 4.0), (1.5, 8.0)):
        found = space.candidate(Point(coefficients=WIDTH.coefficients, extent=extent))
        assert found is not None
        assert getattr(found.cost, metric) / own == pytest.approx(ratio, rel=0.02)
        assert found.shares == WIDTH.shares
    literal = Space(base=b0, rule=Rule(growth=4, match="nominal"))
    half = literal.candidate(Point(coefficients=WIDTH.coefficients, extent=0.5))
    assert half is not None
    assert half.multipliers.width == pytest.approx(2**0.5)


def test_the_table_keeps_the_contract_and_the_networks_come_back_from_it(b0: Network, tmp_path: Path) -> None:
    size = ProxySize(width=0.25, resolution=52)
    base = proxy_base(b0, size, classes=7)
    candidates = Space(base=base, rule=Rule(growth=2), full=b0, full_rule=Rule(growth=2)).candidates(reference_points())
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
    write_table(tmp_path / "again.csv", again)
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "candidates.csv").read_bytes(), "read back whole"


def test_a_table_of_the_first_version_opens(b0: Network, tmp_path: Path) -> None:
    """It kept no multipliers of the full-size networks."""
    base = proxy_base(b0, ProxySize(width=0.25, resolution=52), classes=7)
    write_table(
        tmp_path / "candidates.csv",
        Space(base=base, rule=Rule(growth=2), full=b0, full_rule=Rule(growth=2)).candidates(reference_points()),
    )
    table = pd.read_csv(tmp_path / "candidates.csv", keep_default_na=False)
    table.drop(columns=["full_depth", "full_width", "full_resolution"]).to_csv(tmp_path / "old.csv", index=False)
    again = read_table(tmp_path / "old.csv", base)
    assert [candidate.full.cost.macs for candidate in again if candidate.full] == table.full_macs.tolist()


def test_a_damaged_table_is_a_sentence(b0: Network, tmp_path: Path) -> None:
    whole = Space(base=b0, rule=Rule(growth=2)).candidates([WIDTH])
    write_table(tmp_path / "candidates.csv", whole)
    head, row = (tmp_path / "candidates.csv").read_text().splitlines()
    ratio = f",{whole[0].macs_ratio}"
    for content, message in {
        "nonsense": "holds no candidates", "candidate,depth\nc00,1\n": "it lacks width",
        "candidate\n\xff": "not text in UTF-8",
        f"{head}\n{row}\n{row}\n": "line 3: .*'c00' is another one's id",
        f"{head}\n{row.replace(ratio, ',0')}\n": "line 2: .*macs_ratio: '0' is not a number above 0",
        f"{head}\n{row.replace(ratio, ',[/red]')}\n": "line 2: .*could not convert",
    }.items():  # fmt: skip
        (tmp_path / "candidates.csv").write_text(content, encoding="latin-1")
        with pytest.raises(InvalidInput, match=rf"candidates\.csv.*{message}"):
            read_table(tmp_path / "candidates.csv", b0)


def test_a_point_outside_the_limits_is_no_candidate(b0: Network) -> None:
    space = Space(base=b0, rule=Rule(growth=2), limits=Limits(macs=1000))
    assert space.candidate(WIDTH) is None
    assert Space(base=b0, rule=Rule(growth=2)).candidate(WIDTH) is not None


def test_growth_is_what_was_asked_or_what_a_target_came_to(b0: Network) -> None:
    plain = Space(base=b0, rule=Rule(growth=4))
    assert plain.growth(plain.candidates(reference_points())) == 4
    aimed = Space(base=b0, rule=Rule(growth=2, target=parse_target("macs=3x")))
    assert aimed.growth(aimed.candidates(reference_points())) == pytest.approx(3, rel=0.05)


def test_the_literal_rule_meets_no_target() -> None:
    with pytest.raises(InvalidInput, match="--match nominal does not"):
        Rule(growth=2, match="nominal", target=parse_target("macs=3x"))


def test_a_table_of_another_base_is_noticed(b0: Network, tmp_path: Path) -> None:
    write_table(tmp_path / "candidates.csv", Space(base=b0, rule=Rule(growth=2)).candidates(reference_points()))
    with pytest.raises(InvalidInput, match="MACs now"):
        read_table(tmp_path / "candidates.csv", b0.replaced(rounding=policy("nearest"), resolution=160))


def test_limits_drop_candidates_and_say_when_none_is_left(b0: Network) -> None:
    all_of_them = Space(base=b0, rule=Rule(growth=2)).candidates(reference_points())
    limit = sorted(candidate.cost.params for candidate in all_of_them)[2]
    within = Space(base=b0, rule=Rule(growth=2), limits=Limits(params=limit)).candidates(reference_points())
    assert 0 < len(within) < len(all_of_them)
    assert all(candidate.cost.params <= limit for candidate in within)
    with pytest.raises(InvalidInput, match="no candidate keeps within the limits; the cheapest has"):
        Space(base=b0, rule=Rule(growth=2), limits=Limits(macs=1000)).candidates(reference_points())


def test_a_target_in_another_metric_is_walked_to_on_the_proxy_in_proportion(b0: Network) -> None:
    wanted = 2 * b0.cost().params
    rule = Rule(growth=2, target=parse_target(f"params={wanted}"))
    base = proxy_base(b0, ProxySize(width=0.5, resolution=52), classes=1000)
    (wide,) = Space(base=base, rule=rule.relative_to(b0), full=b0, full_rule=rule).candidates([WIDTH])
    assert wide.full is not None
    assert wide.full.cost.params == pytest.approx(wanted, rel=0.02)
    assert wide.cost.params == pytest.approx(2 * base.cost().params, rel=0.02)


def test_a_limit_in_latency_is_measured_on_the_full_network(b0: Network) -> None:
    measured: list[int] = []

    def stopwatch(network: Network) -> float:
        measured.append(network.resolution)
        return network.resolution / 1000

    limits = Limits(latency=0.25, measure=stopwatch)
    within = Space(base=b0, rule=Rule(growth=2), limits=limits).candidates(reference_points())
    assert len(measured) == 6
    assert 0 < len(within) < 6
    assert all(candidate.network.resolution <= 250 for candidate in within)


@pytest.mark.parametrize(("factor", "step"), [(1.2, 2**0.5), (1.5, 2.0), (2.1, 2**1.5), (3.9, 4.0)])
def test_proxies_are_made_smaller_by_steps_that_suffice(factor: float, step: float) -> None:
    assert in_steps(factor) == pytest.approx(step)
