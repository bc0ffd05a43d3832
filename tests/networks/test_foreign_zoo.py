"""A dozen networks of timm and torchvision, scaled, built and run forwards and backwards."""

import pytest
import torch

from scaling_search.coefficients import Multipliers
from scaling_search.networks import build
from scaling_search.networks.foreign import open_foreign

pytestmark = pytest.mark.zoo
NAMES = [
    "torchvision:resnet18",
    "torchvision:squeezenet1_1",
    "torchvision:mobilenet_v3_small",
    "torchvision:shufflenet_v2_x0_5",
    "torchvision:regnet_y_400mf",
    "torchvision:mnasnet0_5",
    "timm:starnet_s1",
    "timm:resnet10t",
    "timm:mobilenetv3_small_100",
    "timm:lcnet_100",
    "timm:convnextv2_atto",
    "timm:repvgg_a0",
    "timm:ese_vovnet19b_dw",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "depth"), [(1.4, 1.8), pytest.param(0.5, 0.5, marks=pytest.mark.slow)])
def test_scaled_networks_learn_from_a_batch(name: str, width: float, depth: float) -> None:
    pytest.importorskip(name.partition(":")[0])
    network = open_foreign(name).replaced(classes=5)
    scaled = network.scaled(Multipliers(depth=depth, width=width, resolution=64 / network.resolution))
    module = build(scaled)
    torch.manual_seed(0)
    scores = module(torch.randn(2, 3, scaled.resolution, scaled.resolution))
    assert scores.shape == (2, 5)
    scores.square().sum().backward()
    unused = [key for key, value in module.named_parameters() if value.requires_grad and value.grad is None]
    assert not unused
    assert all(value.grad.isfinite().all() for value in module.parameters() if value.grad is not None)


def test_drop_rates_reach_the_source() -> None:
    pytest.importorskip("timm")
    network = open_foreign("timm:mobilenetv2_100").replaced(dropout=0.3, drop_connect=0.2, classes=7)
    module = build(network.scaled(Multipliers(depth=1.2, width=0.5, resolution=0.5)))
    rates = [float(vars(part)["drop_prob"]) for part in module.modules() if type(part).__name__ == "DropPath"]
    assert module.drop_rate == 0.3
    assert rates == sorted(rates)
    assert 0.15 < rates[-1] <= 0.2
