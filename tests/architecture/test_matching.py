"""Matching along a ray: exact against brute force, never worse than the nominal rule, monotone, deterministic."""

from math import log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scaling_search.architecture import TARGET_METRICS, Architecture, Network, match, nominal, parse_target
from scaling_search.coefficients import PAPER, REFERENCES, Multipliers, Shares, lattice
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace

FAMILIES = ("b0", "lite0", "resnet18", "densenet121", "regnety_004", "convnext_tiny", "mobilenet_v3_small")


def baseline(name: str) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network


def along(network: Architecture, shares: Shares, ts: np.ndarray, metric: str = "macs") -> np.ndarray:
    """The metric at every t of the ray, over the base's."""
    axes = np.exp(shares.depth * ts), np.exp(shares.width * ts / 2), np.exp(shares.resolution * ts / 2)
    values = np.asarray(TARGET_METRICS[metric](network.costs(*axes)), dtype=float)
    return values / float(TARGET_METRICS[metric](network.cost()))


def test_b0_comes_within_3_percent_wherever_the_ray_does() -> None:
    b0 = baseline("b0")
    ts = np.linspace(-0.5, 2.5, 6001)
    hits = 0
    for shares in lattice(6):
        found = match(b0, shares)
        reachable = np.abs(along(b0, shares, ts) / 2 - 1).min()
        assert abs(found.miss) <= reachable + 1e-12
        hits += abs(found.miss) <= 0.03
    assert hits == 24


@pytest.mark.parametrize("metric", ["params", "activations", "memory"])
def test_other_metrics_are_as_exact(metric: str) -> None:
    b0, shares = baseline("b0"), Shares(depth=0.3, width=0.5, resolution=0.2)
    found = match(b0, shares, target=parse_target(f"{metric}=1.7x"))
    reachable = np.abs(along(b0, shares, np.linspace(-0.5, 4, 9001), metric) / 1.7 - 1).min()
    assert abs(found.miss) <= reachable + 1e-12
    assert TARGET_METRICS[metric](found.cost) == pytest.approx(
        1.7 * (1 + found.miss) * TARGET_METRICS[metric](b0.cost())
    )


shares_of_all = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)).filter(lambda parts: sum(parts) > 0.1)


def as_shares(parts: tuple[float, float, float]) -> Shares:
    depth, width, _ = (part / sum(parts) for part in parts)
    return Shares(depth=depth, width=width, resolution=1 - depth - width)


@settings(max_examples=25)
@given(name=st.sampled_from(FAMILIES), parts=shares_of_all, phi=st.floats(0.5, 3))
def test_never_worse_than_the_nominal_rule(name: str, parts: tuple[float, float, float], phi: float) -> None:
    network, shares = baseline(name), as_shares(parts)
    literal = nominal(network, shares.coefficients(), phi)
    found = match(network, shares, growth=2**phi)
    assert abs(found.miss) <= abs(literal.miss) + 1e-9
    again = match(network, shares, growth=2**phi)
    assert (again.multipliers, again.cost) == (found.multipliers, found.cost)


@settings(max_examples=25)
@given(name=st.sampled_from(FAMILIES), parts=shares_of_all, phi=st.floats(-1, 3), more=st.floats(0, 2))
def test_more_is_asked_more_is_found(name: str, parts: tuple[float, float, float], phi: float, more: float) -> None:
    network, shares = baseline(name), as_shares(parts)
    try:
        less = match(network, shares, growth=2**phi)
    except InvalidInput:
        assume(False)
    assert match(network, shares, growth=2 ** (phi + more)).cost.macs >= less.cost.macs


@settings(max_examples=25)
@given(name=st.sampled_from(FAMILIES), parts=shares_of_all, start=st.floats(-2, 3))
def test_realised_cost_climbs_along_every_ray(name: str, parts: tuple[float, float, float], start: float) -> None:
    """What the search relies on."""
    ratios = along(baseline(name), as_shares(parts), np.linspace(start, start + 0.5, 400))
    assert (np.diff(ratios) >= 0).all()


def test_a_coarse_dimension_gives_the_nearest_step_and_says_how_far() -> None:
    found = match(baseline("resnet18"), REFERENCES["depth"], growth=1.1)
    assert found.network.depths == (2, 2, 2, 2)  # every stage steps from 2 to 3 layers at once
    assert found.miss == pytest.approx(1 / 1.1 - 1)


def test_shrinking_matches_too() -> None:
    found = match(baseline("b0"), REFERENCES["paper"], growth=0.5)
    assert abs(found.miss) < 0.03
    assert found.multipliers.depth < 1


def test_an_absolute_target() -> None:
    found = match(baseline("b0"), REFERENCES["uniform"], target=parse_target("macs=800M"))
    assert found.cost.macs == pytest.approx(800e6, rel=0.03)


def test_what_cannot_be_reached_is_refused_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match=r"params of 10\.58 M; the nearest has 5\.289 M"):
        match(baseline("b0"), REFERENCES["resolution"], target=parse_target("params=2x"))
    with pytest.raises(InvalidInput, match="the nearest has"):
        match(baseline("resnet18"), REFERENCES["depth"], growth=1e-3)


def test_the_nominal_rule_reports_its_miss() -> None:
    b0 = baseline("b0")
    literal = nominal(b0, PAPER, 1)
    assert literal.multipliers == Multipliers(depth=1.2, width=1.1, resolution=1.15)
    assert literal.ratio == literal.cost.macs / b0.cost().macs
    assert literal.miss == pytest.approx(literal.ratio / PAPER.budget - 1)
    assert literal.miss > 0.3  # rounding swamps the rule at φ = 1 (docs/design.md, «What was measured»)


def test_a_target_in_latency_is_bisected_with_few_measurements() -> None:
    measured: list[Network] = []

    def seconds(network: Network) -> float:
        measured.append(network)
        return network.cost().macs * 1e-11

    found = match(baseline("b0"), REFERENCES["uniform"], target=parse_target("latency=2x"), latency=seconds)
    assert found.ratio == pytest.approx(2, rel=0.03)
    assert len(measured) <= 15
    assert len({(n.depths, n.widths, n.resolution) for n in measured}) == len(measured)


def test_a_target_in_latency_needs_a_device() -> None:
    with pytest.raises(InvalidInput, match="--latency-on"):
        match(baseline("b0"), REFERENCES["uniform"], target=parse_target("latency=5ms"))


def test_targets_are_read() -> None:
    assert parse_target("macs=2x").growth == 2
    assert parse_target("macs = 400M").amount == 400e6
    assert parse_target("params=5.3m").amount == 5.3e6
    assert parse_target("memory=2GB").amount == 2e9
    assert parse_target("latency=5ms").amount == pytest.approx(5e-3)
    assert parse_target("activations=1e7").amount == 1e7


@pytest.mark.parametrize("text", ["macs", "macs=", "macs=-1", "macs=0x", "mac=2x", "macs=2 apples", "latency=5M", ""])
def test_what_is_no_target_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_target(text)


def test_the_window_is_wide_enough_for_shares_that_hardly_move_the_metric() -> None:
    shares = Shares(depth=0.0, width=0.1, resolution=0.9)
    found = match(baseline("b0"), shares, target=parse_target("params=1.5x"))
    assert abs(found.miss) < 0.03
    assert found.ratio > 2 ** (log(1.5) / log(2))
