"""A person's own network behind the interface of an architecture."""

from math import isclose
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scaling_search.architecture import Network
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.networks.foreign import ForeignNetwork, from_dict, open_foreign
from scaling_search.networks.measure import measured_cost

USER = Path(__file__).parent / "user_networks.py"
DOUBLE = Multipliers(depth=2, width=2, resolution=1)


def part(module: nn.Module, name: str) -> Any:
    return module.get_submodule(name)


@pytest.fixture(scope="module")
def small() -> ForeignNetwork:
    return open_foreign(f"{USER}:make_net")


def test_it_is_a_network_as_written(small: ForeignNetwork) -> None:
    assert isinstance(small, Network)
    assert small.way == "structural"
    assert (small.depths, small.widths) == ((2, 3, 1), (16, 16, 32, 64))
    assert (small.resolution, small.classes, small.dropout) == (32, 10, 0.1)
    module = build(small)
    assert small.cost() == measured_cost(module, 32)
    assert small.cost().params == sum(parameter.numel() for parameter in module.parameters())


def test_every_axis_is_scaled(small: ForeignNetwork) -> None:
    scaled = small.scaled(Multipliers(depth=2, width=1.5, resolution=1.5))
    assert (scaled.depths, scaled.widths, scaled.resolution) == ((4, 6, 2), (24, 24, 48, 96), 48)
    scores = build(scaled)(torch.randn(3, 3, 48, 48))
    assert scores.shape == (3, 10)


def test_the_follower_of_a_lone_entry_has_the_skip_of_its_siblings(small: ForeignNetwork) -> None:
    module = build(small.scaled(Multipliers(depth=2, width=1, resolution=1)))
    entry, follower = (part(module, f"stage3.{index}") for index in (0, 1))
    assert (entry.has_skip, entry.spatial.stride, entry.narrow.in_channels) == (False, (2, 2), 32)
    assert (follower.has_skip, follower.spatial.stride, follower.narrow.in_channels) == (True, (1, 1), 64)
    assert follower.narrow.out_channels == entry.narrow.out_channels == 32


def test_hidden_channels_stay_half_of_the_output(small: ForeignNetwork) -> None:
    module = build(small.scaled(DOUBLE))
    for name in ("stage1.0", "stage2.0", "stage2.1", "stage3.0"):
        block = part(module, name)
        assert block.narrow.out_channels * 2 == block.spatial.out_channels


def test_weights_come_from_the_networks_own_initialisation(small: ForeignNetwork) -> None:
    module = build(small.scaled(Multipliers(depth=3, width=2, resolution=1)))
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d):
            assert isclose(float(layer.weight.detach().std()), 0.5, rel_tol=0.15), name
    copies = [part(module, f"stage2.{index}").narrow.weight.detach() for index in range(1, 9)]
    assert len({float(weight.flatten()[0]) for weight in copies}) == 8


def test_costs_of_many_are_the_costs_of_each(small: ForeignNetwork) -> None:
    axes = [np.array(axis) for axis in ([1.0, 2.0, 0.5], [1.0, 1.5, 0.5], [1.0, 1.25, 2.0])]
    costs = small.costs(*axes)
    for index, (depth, width, resolution) in enumerate(zip(*axes, strict=True)):
        scaled = small.scaled(Multipliers(depth=depth, width=width, resolution=resolution))
        assert costs[index] == scaled.cost() == measured_cost(build(scaled), scaled.resolution)
        assert costs.pixels[index] == scaled.resolution


def test_effective_multipliers_are_what_was_built(small: ForeignNetwork) -> None:
    found = small.scaled(Multipliers(depth=1, width=1, resolution=2)).effective(small)
    assert (found.depth, found.width) == (1, 1)
    assert isclose(found.resolution, 2, rel_tol=1e-3)  # the classifier does not grow
    assert 1.8 < small.scaled(DOUBLE).effective(small).width < 2
    scaled = small.scaled(DOUBLE)
    assert scaled.effective(scaled) == Multipliers(depth=1, width=1, resolution=1)


def test_it_survives_a_file(small: ForeignNetwork) -> None:
    scaled = small.scaled(DOUBLE).replaced(classes=7, dropout=0.3, name="b3")
    assert from_dict(scaled.to_dict()) == scaled
    assert from_dict({"source": small.source}) == small
    with pytest.raises(InvalidInput, match="unknown key widht; did you mean width"):
        from_dict({"source": small.source, "widht": 2.0})


def test_classes_and_dropout_are_adapted(small: ForeignNetwork) -> None:
    module = build(small.replaced(classes=7, dropout=0.4))
    assert module(torch.randn(2, 3, 32, 32)).shape == (2, 7)
    assert part(module, "dropout").p == 0.4


def test_stochastic_depth_without_a_place_is_warned_about(small: ForeignNetwork) -> None:
    with pytest.warns(UserWarning, match="has no stochastic depth"):
        build(small.replaced(drop_connect=0.2))


def test_residual_branches_can_start_at_zero(small: ForeignNetwork) -> None:
    module = build(small.scaled(Multipliers(depth=2, width=1, resolution=1)), zero_init_residual=True)
    for name in ("stage1.0", "stage1.3", "stage2.0", "stage2.5", "stage3.0", "stage3.1"):
        block = part(module, name)
        assert bool((block.norm2.weight == 0).all()) == block.has_skip, name
        assert (block.norm1.weight == 1).all()


@pytest.mark.parametrize(("name", "start"), [("late_relu", 1.0), ("late_silu", 0.0)])
def test_a_scale_that_could_not_leave_zero_does_not_start_there(name: str, start: float) -> None:
    """ReLU lets no gradient through at zero, SiLU does."""
    torch.manual_seed(0)
    plain = build(open_foreign(f"{USER}:{name}"))
    torch.manual_seed(0)
    module = build(open_foreign(f"{USER}:{name}"), zero_init_residual=True)
    for block in ("1", "2"):
        assert (part(module, block).norm.weight == start).all()
    others = (value for key, value in module.state_dict().items() if not key.endswith("norm.weight"))
    expected = (value for key, value in plain.state_dict().items() if not key.endswith("norm.weight"))
    assert all(torch.equal(one, other) for one, other in zip(others, expected, strict=True))
    assert module.training and not any(weight.grad is not None for weight in module.parameters())


def test_a_proxy_is_rounded_in_finer_steps(small: ForeignNetwork) -> None:
    proxy = small.proxied(Multipliers(depth=1, width=0.5, resolution=0.5))
    assert (proxy.widths, proxy.resolution, proxy.rounding.divisor) == ((8, 8, 16, 32), 16, 4)
    assert proxy.scaled(Multipliers(depth=1, width=1.5, resolution=1)).widths == (12, 12, 24, 48)


def test_the_smallest_and_largest_inputs_are_found_by_trying(small: ForeignNetwork) -> None:
    plain = open_foreign(f"{USER}:plain_net")
    assert small.minimum_resolution == 1
    assert plain.minimum_resolution == 4  # two poolings by 2
    largest = small.maximum_resolution(2**28, batch_size=8)
    costs = [small.replaced(resolution=pixels).cost().memory(batch_size=8).total for pixels in (largest, largest + 1)]
    assert costs[0] <= 2**28 < costs[1]
    with pytest.raises(InvalidInput, match="even at 1 px"):
        small.maximum_resolution(1000, batch_size=8)


def test_a_flat_network_is_repeated_by_its_convolutions() -> None:
    plain = open_foreign(f"{USER}:plain_net")
    scaled = plain.scaled(Multipliers(depth=2, width=2, resolution=1.5)).replaced(classes=5)
    assert (plain.depths, scaled.depths, scaled.widths) == ((2, 1), (4, 2), (16, 32))
    module = build(scaled)
    assert module(torch.randn(2, 3, 48, 48)).shape == (2, 5)
    assert part(module, "2").in_features == 32 * 12 * 12  # read off at the new resolution


def test_the_builder_protocol_is_tried_first() -> None:
    built = open_foreign(f"{USER}:build")
    scaled = built.scaled(Multipliers(depth=2, width=3, resolution=1)).replaced(classes=4)
    assert (built.way, built.depths, scaled.depths) == ("builder protocol", (2,), (4,))
    assert build(scaled)(torch.randn(2, 3, 32, 32)).shape == (2, 4)
    assert scaled.cost() == measured_cost(build(scaled), scaled.resolution)
