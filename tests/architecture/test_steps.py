"""The steps of each dimension alone, and what they say about a base."""

from math import log

import numpy as np
import pytest

from scaling_search.architecture import Architecture, coarseness, match
from scaling_search.architecture.steps import growth_of, share_distance, steps_around
from scaling_search.coefficients import REFERENCES, Multipliers, Shares, lattice
from scaling_search.search import searchspace
from scaling_search.search.proxy import ProxySize, proxy_base

ONES = Multipliers(depth=1, width=1, resolution=1)


def resnet18(resolution: int, width: float = 0.2) -> Architecture:
    full = searchspace.load("resnet18").network()
    base = proxy_base(full, ProxySize(width=width, resolution=resolution, depth=0.63), classes=10)
    assert isinstance(base, Architecture)
    return base


def test_steps_are_the_networks_that_one_dimension_makes() -> None:
    base = resnet18(41)
    depth, width, resolution = steps_around(base, Multipliers(depth=4, width=1, resolution=1))
    for axis, steps in (("depth", depth), ("width", width), ("resolution", resolution)):
        assert (np.diff(steps.growth) >= 0).all()
        middle = len(steps.growth) // 2
        alone = base.scaled(Multipliers(**{**vars(ONES), axis: float(steps.multipliers[middle])}))
        assert alone.cost().macs / base.cost().macs == pytest.approx(np.exp(steps.growth[middle]))
        assert (steps.multipliers == 1).sum() == 1
        assert steps.nearest(1.0) == 0
    layers = [sum(base.scaled(Multipliers(depth=float(m), width=1, resolution=1)).depths) for m in depth.multipliers]
    assert layers == list(range(layers[0], layers[0] + len(layers)))  # single layers, none left out


def test_the_steps_between_two_growths_have_one_more_on_either_side() -> None:
    _, _, resolution = steps_around(resnet18(41), ONES)
    inside = np.flatnonzero((resolution.growth >= 0.2) & (resolution.growth <= 0.4))
    assert resolution.between(0.2, 0.4).tolist() == [inside[0] - 1, *inside, inside[-1] + 1]
    assert len(resolution.between(-99, 99)) == len(resolution.growth)


def test_the_distance_of_shares() -> None:
    even = Shares(depth=0.5, width=0.5, resolution=0)
    assert share_distance(np.array([1.0, 1.0, 0.0]), even) == 0
    assert share_distance(np.array([3.0, 1.0, 0.0]), even) == pytest.approx(0.25)
    assert share_distance(np.array([1.1, 1.1, -0.2]), even) == pytest.approx(0.1)  # what shrank counts too
    assert share_distance(np.array([-1.0, -1.0, 0.0]), even) == 0  # shrinking has shares as well
    assert share_distance(np.zeros((2, 3)), even).tolist() == [1, 1]
    assert growth_of(Multipliers(depth=2, width=2, resolution=1)).tolist() == pytest.approx([log(2), log(4), 0])


def test_coarseness_foretells_what_matching_misplaces() -> None:
    """Of bases that cost about the same: 44 px misplace a third more than 50 px."""
    points = [*lattice(6), *REFERENCES.values()]
    bases = [resnet18(44, 0.19), resnet18(50, 0.17)]
    foretold = [coarseness(base, growth=8) for base in bases]
    found = [np.mean([match(base, shares, growth=8).shares_miss for shares in points]) for base in bases]
    assert foretold[0] > foretold[1]
    assert found[0] > found[1]
    assert foretold == pytest.approx(found, rel=0.25)
