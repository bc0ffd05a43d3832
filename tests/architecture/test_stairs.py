"""Staircases of whole numbers: every step is found, and begins at the very multiplier where rounding changes."""

import numpy as np
import pytest

from scaling_search.architecture.rounding import Floats, Ints, policy
from scaling_search.architecture.stairs import Stairs

BASE = np.array([20, 33, 1280])


def channels(multipliers: Floats) -> Ints:
    return policy("efficientnet").channels(BASE, multipliers[:, None], step=np.array([8, 8, 8]))


@pytest.fixture(scope="module")
def stairs() -> Stairs:
    return Stairs.of(channels, 0.5, 3.0)


def test_each_step_begins_where_rounding_changes(stairs: Stairs) -> None:
    inside = stairs.edges[1:]
    assert len(inside) > 300
    assert (stairs.rows == channels(stairs.edges)).all()
    assert (channels(np.nextafter(inside, 0)) != channels(inside)).any(axis=1).all()


def test_any_multiplier_leads_to_its_numbers(stairs: Stairs) -> None:
    multipliers = np.append(np.exp(np.random.default_rng(0).uniform(np.log(0.5), np.log(3), 50_000)), [1.0, 0.5, 3.0])
    multipliers = multipliers[(multipliers >= stairs.edges[0]) & (multipliers <= stairs.high)]
    assert (stairs.rows[stairs.at(multipliers)] == channels(multipliers)).all()


def test_one_keeps_what_is_no_multiple(stairs: Stairs) -> None:
    rows = stairs.rows[stairs.at(np.array([1.0, 1 + 1e-12, 1 - 1e-12]))]
    assert rows[:, 1].tolist() == [33, 32, 32]


def test_it_says_what_it_holds(stairs: Stairs) -> None:
    assert stairs.hold(np.array([0.6, 2.9]))
    assert not stairs.hold(np.array([0.4, 1.0]))
    assert not stairs.hold(np.array([1.0, 3.1]))
