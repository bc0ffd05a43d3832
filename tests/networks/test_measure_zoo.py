"""Our baselines and their authors' scalings against the same networks in timm and torchvision, to the unit."""

from collections.abc import Callable

import pytest
from torch import nn

from scaling_search.architecture import Architecture, from_dict, policy
from scaling_search.coefficients import Multipliers
from scaling_search.networks.measure import measured_cost
from scaling_search.search import searchspace

pytestmark = [pytest.mark.zoo, pytest.mark.slow]


def baseline(name: str) -> Architecture:
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    return network


def resnet_d() -> Architecture:
    content = baseline("resnet50").to_dict()
    content["stem"] = {"channels": 64, "kind": "deep", "pool": True}
    for stage in content["stages"]:
        stage["shortcut"] = "pool"
    return from_dict(content)


def wide_resnet() -> Architecture:
    content = baseline("resnet50").to_dict()
    for stage in content["stages"]:
        stage["ratio"] = 0.5
    return from_dict(content)


TORCHVISION: dict[str, Callable[[], Architecture]] = {
    "mnasnet1_0": lambda: baseline("mnasnet"),
    "resnet34": lambda: baseline("resnet34"),
    "resnet101": lambda: baseline("resnet101"),
    "resnext50_32x4d": lambda: baseline("resnext50"),
    "wide_resnet50_2": wide_resnet,
    "efficientnet_v2_s": lambda: baseline("efficientnetv2_s"),
    "mobilenet_v3_large": lambda: baseline("mobilenet_v3_large"),
}


@pytest.mark.parametrize("model", TORCHVISION)
def test_torchvision(model: str) -> None:
    models = pytest.importorskip("torchvision.models")
    ours = TORCHVISION[model]()
    assert ours.cost() == measured_cost(models.get_model(model), ours.resolution)


def timm_model(name: str) -> nn.Module:
    module: nn.Module = pytest.importorskip("timm").create_model(name)
    return module


@pytest.mark.parametrize("pixels", [224, 203])
def test_resnet_d(pixels: int) -> None:
    assert resnet_d().replaced(resolution=pixels).cost() == measured_cost(timm_model("resnet50d"), pixels)


@pytest.mark.parametrize("level", range(5))
def test_efficientnet_lite(level: int) -> None:
    lite = searchspace.load("lite0")
    preset = lite.presets["published"][level]
    ours = baseline("lite0").scaled(
        Multipliers(depth=preset.depth, width=preset.width, resolution=preset.resolution / 224)
    )
    assert ours.cost() == measured_cost(timm_model(f"efficientnet_lite{level}"), preset.resolution)


@pytest.mark.parametrize(
    ("letter", "width", "depth", "pixels"),
    [
        ("a", 1.0, 1.2, 192),
        ("b", 0.75, 1.1, 188),
        ("c", 0.54, 0.85, 184),
        ("d", 0.54, 0.695, 152),
        ("e", 0.51, 0.6, 106),
    ],
)
def test_tinynet(letter: str, width: float, depth: float, pixels: int) -> None:
    network = baseline("b0").replaced(rounding=policy("tinynet"))
    ours = network.scaled(Multipliers(depth=depth, width=width, resolution=pixels / 224))
    assert ours.cost() == measured_cost(timm_model(f"tinynet_{letter}"), pixels)


@pytest.mark.parametrize("width", [0.5, 1.4])
def test_scaled_mobilenet_v2(width: float) -> None:
    ours = baseline("mobilenet_v2").scaled(Multipliers(depth=1, width=width, resolution=1))
    assert ours.cost() == measured_cost(timm_model(f"mobilenetv2_{round(100 * width):03d}"), 224)
