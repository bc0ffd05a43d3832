"""The truth test: analytic counts equal what torch runs, and what fvcore counts in convolutions and linear layers."""

import pytest
import torch
from torch import nn

from scaling_search.architecture import Architecture
from scaling_search.coefficients import Multipliers
from scaling_search.networks import build
from scaling_search.networks.measure import measured_cost
from scaling_search.networks.recount import check_counts
from scaling_search.search import searchspace

ONE_OF_EACH_BLOCK = (
    "b0", "mobilenet_v1", "mobilenet_v3_small", "efficientnetv2_s", "resnet18", "resnext50", "regnety_002",
    "vgg16_bn", "densenet121", "convnext_tiny",
)  # fmt: skip
SCALINGS = [(1.0, 1.0, 1.0), (1.7, 1.0, 0.5), (1.0, 1.3, 0.43), (0.4, 0.6, 0.71)]


def scaled(name: str, depth: float, width: float, resolution: float) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network.scaled(Multipliers(depth=depth, width=width, resolution=resolution))


def check(network: Architecture) -> None:
    module = build(network)
    assert network.cost() == measured_cost(module, network.resolution)
    assert check_counts(network).agrees


@pytest.mark.parametrize("name", ONE_OF_EACH_BLOCK)
def test_one_small_network_of_each_block(name: str) -> None:
    # an odd number of pixels, where every stride rounds
    check(scaled(name, 0.3, 0.25, 71 / searchspace.load(name).network().resolution))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(searchspace.names()))
@pytest.mark.parametrize("scaling", SCALINGS)
def test_every_baseline_at_several_scalings(name: str, scaling: tuple[float, float, float]) -> None:
    check(scaled(name, *scaling))


def test_any_module_is_measured_and_left_as_it_was() -> None:
    class Odd(nn.Module):
        """Multiplies matrices without a module for it."""

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.norm(self.conv(x)).flatten(2)  # [N, 4, r²]
            return y @ y.transpose(1, 2)

    module = Odd().train()
    module.norm.eval()
    cost = measured_cost(module, 8)
    assert (cost.params, cost.activations) == (4 * 27 + 4 + 8, 4 * 64)
    assert cost.macs == 4 * 27 * 64 + 4 * 64 * 4
    assert module.training and not module.norm.training
    assert not module.conv._forward_hooks
