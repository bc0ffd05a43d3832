"""Rounding and scaling as each family's authors do it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling_search.architecture import POLICIES, Architecture, Rounding, policy
from scaling_search.coefficients import REFERENCES, Multipliers, grid
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace


def baseline(name: str) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network


def channels(rounding: Rounding, base: int, multiplier: float) -> int:
    return int(rounding.channels(base, np.array([multiplier]), step=rounding.divisor)[0])


def layers(rounding: Rounding, base: int, multiplier: float) -> int:
    return int(rounding.depths((1, base, 1), np.array([multiplier]))[0, 1])


def test_the_90_percent_rule() -> None:
    efficientnet = policy("efficientnet")
    assert channels(efficientnet, 32, 1.1) == 32  # 35.2 is nearest to 32, which is 9 % below
    assert channels(efficientnet, 24, 0.75) == 24  # 18 is nearest to 16, which is 11 % below
    assert channels(policy("nearest"), 24, 0.75) == 16
    assert channels(efficientnet, 320, 0.001) == 8


def test_layers_round_up_or_to_the_nearest_and_stay_at_least_one() -> None:
    assert [layers(policy("efficientnet"), 2, d) for d in (0.1, 1.0, 1.1, 2.0)] == [1, 2, 3, 4]
    assert [layers(policy("nearest"), 2, d) for d in (0.1, 1.0, 1.1, 1.3)] == [1, 2, 2, 3]
    # a product that is whole but for the last bit is not one layer more
    assert layers(policy("efficientnet"), 10, 1.1) == 11


def test_the_facts_of_the_design_page() -> None:
    """108 triples, but few networks, and fewer near twice the cost (docs/design.md, «What was measured»)."""
    b0 = baseline("b0")
    for name, networks, near in (("efficientnet", 65, 4), ("nearest", 83, 41)):
        base = b0.replaced(rounding=policy(name))
        triples = [triple.multipliers(1) for triple in grid()]
        axes = (np.array([getattr(triple, axis) for triple in triples]) for axis in ("depth", "width", "resolution"))
        built = {base.scaled(triple).signature for triple in triples}
        ratios = base.costs(*axes).macs / base.cost().macs
        distinct = {base.scaled(triple).signature: ratio for triple, ratio in zip(triples, ratios, strict=True)}
        assert (len(triples), len(built)) == (108, networks)
        assert sum(abs(ratio / 2 - 1) <= 0.05 for ratio in distinct.values()) == near


def test_tinynets() -> None:
    """TinyNet A–E from B0 (arXiv 2010.14819), in millions of multiply-adds."""
    b0 = baseline("b0").replaced(rounding=policy("tinynet"))
    specs = [(1.0, 1.2, 192), (0.75, 1.1, 188), (0.54, 0.85, 184), (0.54, 0.695, 152), (0.51, 0.6, 106)]
    networks = [b0.scaled(Multipliers(depth=d, width=w, resolution=r / 224)) for w, d, r in specs]
    assert [round(network.cost().macs / 1e6, 1) for network in networks] == [336.9, 200.7, 99.5, 51.6, 24.4]
    assert all((network.widths[0], network.widths[-1]) == (32, 1280) for network in networks)


def test_lite_keeps_its_ends() -> None:
    scaled = baseline("lite0").scaled(Multipliers(depth=1.8, width=1.4, resolution=300 / 224))
    assert (scaled.widths[0], scaled.widths[-1]) == (32, 1280)
    assert (scaled.depths[0], scaled.depths[-1]) == (1, 1)
    assert scaled.depths[1:-1] == (4, 4, 6, 6, 8)


def test_mobilenet_v2_never_loses_head() -> None:
    network = baseline("mobilenet_v2")
    heads = [network.scaled(Multipliers(depth=1, width=w, resolution=1)).widths[-1] for w in (0.5, 1.0, 1.5)]
    assert heads == [1280, 1280, 1920]


def test_resnet_widens_every_stage() -> None:
    wide = baseline("resnet50").scaled(Multipliers(depth=1, width=2, resolution=1))
    assert wide.widths == (128, 512, 1024, 2048, 4096)


def test_densenet_scales_its_growth_rate() -> None:
    wide = baseline("densenet121").scaled(Multipliers(depth=1, width=1.5, resolution=1))
    assert wide.widths == (96, 48, 48, 48, 48)


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(searchspace.names())),
    depth=st.floats(0.05, 4), width=st.floats(0.05, 4), resolution=st.floats(0.05, 3),
)  # fmt: skip
def test_whatever_is_scaled_can_be_built(name: str, depth: float, width: float, resolution: float) -> None:
    """Group widths stay legal, no stage loses its last layer, and the strides keep something to halve."""
    network = baseline(name).scaled(Multipliers(depth=depth, width=width, resolution=resolution))
    assert network.replaced() == network  # which reads it again, with all checks


@settings(max_examples=60)
@given(
    rounding=st.sampled_from(sorted(POLICIES)), base=st.integers(1, 64), low=st.floats(0.05, 4), more=st.floats(0, 2)
)
def test_rounding_is_monotone(rounding: str, base: int, low: float, more: float) -> None:
    chosen = policy(rounding)
    assert layers(chosen, base, low) <= layers(chosen, base, low + more)
    assert channels(chosen, base * 8, low) <= channels(chosen, base * 8, low + more)


SPREAD = Rounding(depth="spread")


def spread(base: tuple[int, ...], *multipliers: float) -> list[tuple[int, ...]]:
    return [tuple(row) for row in SPREAD.depths(base, np.array(multipliers)).tolist()]


def test_spread_layers_come_one_at_a_time_and_in_the_middle_first() -> None:
    assert spread((1, 1, 1, 1), 1, 1.25, 1.5, 1.75, 2, 2.25) == [
        (1, 1, 1, 1), (1, 1, 2, 1), (1, 2, 2, 1), (1, 2, 2, 2), (2, 2, 2, 2), (2, 2, 3, 2),
    ]  # fmt: skip
    assert spread((2, 8, 2), 0.3, 1e8) == [(1, 2, 1), (2 * 10**8, 8 * 10**8, 2 * 10**8)]
    ends = Rounding(depth="spread", fixed_depths=("first", "last"))
    assert ends.depths((3, 1, 1, 3), np.array([1.5]))[0].tolist() == [3, 1, 2, 3]


@settings(max_examples=60)
@given(base=st.lists(st.integers(1, 9), min_size=1, max_size=7), depth=st.floats(0.05, 6))
def test_spread_shares_out_the_nearest_number_of_layers(base: list[int], depth: float) -> None:
    (built,) = spread(tuple(base), depth)
    assert sum(built) == max(round(sum(base) * depth), len(base))
    assert min(built) >= 1
    assert spread(tuple(base), 1.0) == [tuple(base)]
    (more,) = spread(tuple(base), (sum(built) + 1) / sum(base))
    assert sorted(np.subtract(more, built)) == [0] * (len(base) - 1) + [1]


@settings(max_examples=60)
@given(base=st.lists(st.integers(1, 9), min_size=1, max_size=7), depth=st.floats(1, 6))
def test_spread_is_what_rounding_to_the_nearest_gives_at_some_multiplier(base: list[int], depth: float) -> None:
    """But for stages that would step together."""
    nearest = Rounding(depth="nearest").depths(base, np.array([depth]))[0]
    (built,) = spread(tuple(base), nearest.sum() / sum(base))
    assert np.abs(nearest - built).max() <= 1


def test_a_policy_comes_back_from_its_values() -> None:
    lite = baseline("lite0").replaced(rounding=policy("lite").for_proxies())
    assert lite.rounding.fixed_depths == ("first", "last")
    assert lite.replaced(classes=10).rounding == lite.rounding


def test_groups_shrink_with_the_base_and_keep_its_proportions() -> None:
    quarter = Multipliers(depth=1, width=0.25, resolution=0.25)
    assert baseline("regnetx_004").proxied(quarter).widths == (8, 8, 16, 40, 96)
    (resnext,) = {stage.model_dump()["groups"] for stage in baseline("resnext50").proxied(quarter).stages}
    assert resnext == 8
    assert baseline("resnet50").proxied(quarter).stages[0].model_dump()["groups"] == 1


def test_the_divisor_shrinks_with_the_base() -> None:
    divisors = [policy("nearest").for_base_width(width).divisor for width in (2.0, 1.0, 0.5, 0.25, 0.05)]
    assert divisors == [8, 8, 4, 2, 1]
    small = baseline("b0").proxied(Multipliers(depth=1, width=0.5, resolution=48 / 224))
    assert small.widths == (16, 8, 12, 20, 40, 56, 96, 160, 640)
    assert small.rounding.divisor == 4


@pytest.mark.parametrize("name", sorted(searchspace.names()))
def test_every_family_shrinks_and_says_what_cannot(name: str) -> None:
    network = baseline(name)
    smaller = REFERENCES["uniform"].coefficients().multipliers(-1)
    assert network.scaled(smaller).cost().macs < network.cost().macs
    least = Multipliers(depth=0.01, width=0.001, resolution=0.01)
    sentences = network.shortfalls(least)
    assert [sentence.split()[0] for sentence in sentences] == ["depth", "width", "resolution"]
    assert set(network.scaled(least).depths) == {1} or network.rounding.fixed_depths


def test_nothing_is_said_where_everything_shrinks_or_grows() -> None:
    resnet = baseline("resnet50")
    assert resnet.shortfalls(Multipliers(depth=0.5, width=0.5, resolution=0.5)) == []
    assert resnet.shortfalls(Multipliers(depth=2, width=2, resolution=2)) == []
    assert "changes nothing" in baseline("b0").shortfalls(Multipliers(depth=0.99, width=1, resolution=1))[0]


@pytest.mark.parametrize("wrong", [float("nan"), 0.0, -1.0, float("inf"), 1e12])
def test_multipliers_must_make_sense(wrong: float) -> None:
    ones = np.ones(2)
    with pytest.raises(InvalidInput, match="width multiplier must be a positive number"):
        baseline("b0").costs(ones, np.array([1.0, wrong]), ones)


def test_an_unknown_policy_gets_the_nearest_name() -> None:
    with pytest.raises(InvalidInput, match="did you mean efficientnet"):
        policy("eficientnet")
