"""The family B1 … B7 by coefficients, and as it was published."""

import pytest

from scaling_search.architecture.family import by_rule, dropout_at, from_preset
from scaling_search.coefficients import PAPER
from scaling_search.search.searchspace import load

PUBLISHED = [0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5]
"""Dropout of B0 … B7 in the authors' code (efficientnet_builder.py)."""


def test_dropout_grows_as_it_was_published() -> None:
    assert [dropout_at(0.2, phi) for phi in range(8)] == PUBLISHED
    assert [member.network.dropout for member in by_rule(load("b0").network(), PAPER, range(1, 8))] == PUBLISHED[1:]
    space = load("b0")
    preset = {member.name: member.network.dropout for member in from_preset(space.network(), space.presets["paper"])}
    assert [preset[f"B{phi}"] for phi in range(1, 8)] == PUBLISHED[1:]


@pytest.mark.parametrize(("base", "phi", "rate"), [(0.0, 6, 0.0), (0.2, 20, 0.5), (0.7, 6, 0.7), (0.2, -3, 0.2)])
def test_dropout_at_the_ends(base: float, phi: float, rate: float) -> None:
    """None stays none, one half is the most unless the baseline has more, and a smaller network has no less."""
    assert dropout_at(base, phi) == rate


def test_members_are_named_and_scaled_by_their_phi() -> None:
    first, half = by_rule(load("b0").network(), PAPER, [1, 0.5])
    assert (first.name, first.network.name, half.name) == ("B1", "b0-B1", "B0.5")
    assert first.multipliers == PAPER.multipliers(1)
    assert half.cost.macs < first.cost.macs == first.network.cost().macs
