"""Costs from a table against walking each network: equal to the unit, whatever is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_search.architecture import Architecture, match, match_all
from scaling_search.architecture.building import built_of
from scaling_search.architecture.sums import ADDITIVE, sums
from scaling_search.coefficients import REFERENCES, Multipliers, Shares, lattice
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace
from scaling_search.search.proxy import ProxySize, proxy_base


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is made for the first question."""
    monkeypatch.setattr("scaling_search.architecture.sums._FEW", 0)


SUMMED = ("b0", "lite0", "resnet18", "regnety_004", "convnext_tiny", "mobilenet_v3_small", "vgg16_bn", "mobilenet_v2")


def baseline(name: str) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network


def small(name: str) -> Architecture:
    base = proxy_base(baseline(name), ProxySize(width=0.2, resolution=41, depth=0.63), classes=10)
    assert isinstance(base, Architecture)
    return base


def drawn(seed: int, count: int = 300, *, furthest: float = 0.8) -> list[np.ndarray]:
    """Multipliers of depth, width and resolution, among them 1."""
    axes = np.exp(np.random.default_rng(seed).uniform(-0.4, furthest, (3, count)))
    axes[:, :3] = 1.0
    axes[0, 3:20] = axes[1, 20:40] = axes[2, 40:60] = 1.0
    return list(axes)


@pytest.mark.parametrize("metric", ADDITIVE)
@pytest.mark.parametrize("name", SUMMED)
def test_the_table_counts_as_walking_does(name: str, metric: str) -> None:
    for base in (baseline(name), small(name)):
        axes = drawn(0)
        table = sums(base, metric)
        assert table is not None
        assert table(*axes).tolist() == getattr(base.costs(*axes), metric).tolist()


def test_a_single_question_makes_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scaling_search.architecture.sums._FEW", 1)
    made: list[object] = []
    monkeypatch.setattr("scaling_search.architecture.sums._Table.of", lambda *what: made.append(what))
    base = baseline("mobilenet_v1")
    table = sums(base, "macs")
    assert table is not None
    assert table(*drawn(1)).tolist() == base.costs(*drawn(1)).macs.tolist()
    assert not made
    table(*drawn(1))
    assert made


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(SUMMED))
def test_it_does_so_just_before_and_at_every_step(seed: int, name: str) -> None:
    base = small(name)
    table = sums(base, "macs")
    assert table is not None
    axes = drawn(seed, 60)
    steps = [np.concatenate([axis, np.nextafter(axis, 0), np.nextafter(axis, 9)]) for axis in axes]
    halves = (np.arange(1, 181) + 0.5) / base.widths[-1]  # where the nearest number of channels changes
    steps[1] = np.where(halves < 2, np.maximum(halves, 0.7), steps[1])
    assert table(*steps).tolist() == base.costs(*steps).macs.tolist()


def test_what_is_beyond_the_table_is_counted() -> None:
    base = baseline("resnet18")
    table = sums(base, "macs")
    assert table is not None
    far = [np.array([1.0, 200.0]), np.array([1.0, 30.0]), np.array([1.0, 1e4])]
    assert table(*far).tolist() == [float(value) for value in base.costs(*far).macs]
    near = drawn(3, furthest=1.1)  # wider than the first table
    assert table(*near).tolist() == base.costs(*near).macs.tolist()


def test_what_is_no_sum_of_sections_has_no_table() -> None:
    assert sums(baseline("b0"), "memory") is None
    assert sums(baseline("densenet121"), "macs") is None  # a layer costs more than the one before it


def test_many_networks_at_once_are_what_each_is() -> None:
    base = small("b0")
    multipliers = [Multipliers(depth=d, width=w, resolution=r) for d, w, r in zip(*drawn(5, 20), strict=True)]
    for one, built in zip(multipliers, built_of(base, multipliers), strict=True):
        network = base.scaled(one)
        assert built.network == network
        assert built.cost.as_dict() == network.cost().as_dict()
        assert built.effective == network.effective(base)


def test_matching_many_is_matching_each() -> None:
    points = [*lattice(3), *REFERENCES.values()]
    for base in (small("b0"), baseline("densenet121")):
        together = match_all(base, points, growth=3)
        for shares, found in zip(points, together, strict=True):
            assert not isinstance(found, InvalidInput)
            alone = match(base, shares, growth=3)
            assert (found.multipliers, found.network, found.miss) == (alone.multipliers, alone.network, alone.miss)
            assert found.effective == alone.effective
            assert found.cost.as_dict() == alone.cost.as_dict()


def test_points_that_lead_nowhere_say_why_in_their_place() -> None:
    base = baseline("resnet18")
    found = match_all(base, [Shares(depth=1, width=0, resolution=0), REFERENCES["uniform"]], growth=1e-3)
    assert "no network with the shares 100 % / 0 % / 0 %" in str(found[0])
