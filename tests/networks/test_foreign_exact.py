"""Scaled networks against what the libraries' own constructors build at that size."""

from collections.abc import Callable
from functools import partial
from math import ceil
from typing import Any

import pytest
import torch
from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.networks.foreign.baseline import Request, Scaled, open_baseline
from scaling_search.networks.measure import measured_cost

timm = pytest.importorskip("timm")
models = pytest.importorskip("torchvision.models")
pytestmark = pytest.mark.zoo

PUBLISHED = {1: (1.0, 1.1), 2: (1.1, 1.2), 3: (1.2, 1.4), 4: (1.4, 1.8), 5: (1.6, 2.2), 6: (1.8, 2.6), 7: (2.0, 3.1)}
"""EfficientNet's (w, d) by level."""
Make = Callable[[], nn.Module]


def scaled_by(way: str, name: str, *, width: float, depth: float) -> Scaled:
    """A network at 96 px, by its own library («native») or structurally."""
    baseline = open_baseline(name)
    request = Request(depth=depth, width=width, resolution=96, classes=1000, rounding=Rounding())
    scaled = baseline.structurally(request) if way == "structural" else baseline.scaled(request)
    assert scaled.way == way
    return scaled


def shapes(module: nn.Module) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of parameters and buffers, in order."""
    return [(name, tuple(tensor.shape)) for name, tensor in (*module.named_parameters(), *module.named_buffers())]


def assert_same_layers(scaled: Scaled, make: Make) -> None:
    with torch.device("meta"):
        reference = make()
    assert shapes(scaled.network.module) == shapes(reference)
    assert measured_cost(scaled.network.module, 96).macs == measured_cost(reference, 96).macs


def assert_same_function(scaled: Scaled, make: Make) -> None:
    """Equal logits in training mode with the same random weights, and so the same random draws."""
    torch.manual_seed(0)
    reference = make().train()
    for part in reference.modules():  # torchvision's b5 to b7 have other constants than its b0
        if isinstance(part, nn.BatchNorm2d):
            part.eps, part.momentum = 1e-5, 0.1
    module = scaled.with_weights()
    module.load_state_dict(reference.state_dict())
    images = torch.randn(4, 3, 64, 64)
    logits = []
    for network in (module, reference):
        torch.manual_seed(1)
        logits.append(network(images))
    assert torch.equal(*logits)
    assert logits[0].std() > 1e-3  # signals that vanish would be equal too


def efficientnet(library: str, level: int) -> Make:
    name = f"efficientnet_b{level}"
    # the dropout grows with the published level, which is no part of the rule
    make: Make = partial(timm.create_model, name) if library == "timm" else partial(models.get_model, name, dropout=0.2)
    return make


@pytest.mark.parametrize("way", ["native", "structural"])
@pytest.mark.parametrize(
    ("library", "level"),
    [
        pytest.param(
            library, level, marks=() if (library, level) in {("torchvision", 2), ("timm", 1)} else pytest.mark.slow
        )
        for library in ("torchvision", "timm")
        for level in PUBLISHED
    ],
)
def test_b0_scaled_is_the_published_family(way: str, library: str, level: int) -> None:
    width, depth = PUBLISHED[level]
    scaled = scaled_by(way, f"{library}:efficientnet_b0", width=width, depth=depth)
    assert_same_layers(scaled, efficientnet(library, level))
    if way == "structural" and level in (1, 2, 4):
        assert_same_function(scaled, efficientnet(library, level))


@pytest.mark.parametrize("way", ["native", "structural"])
def test_mobilenetv2_at_1_4_is_mobilenetv2_140(way: str) -> None:
    scaled = scaled_by(way, "timm:mobilenetv2_100", width=1.4, depth=1.0)
    assert_same_layers(scaled, partial(timm.create_model, "mobilenetv2_140"))
    assert_same_function(scaled, partial(timm.create_model, "mobilenetv2_140"))


def resnet50_twice_as_deep() -> nn.Module:
    from torchvision.models.resnet import Bottleneck, ResNet

    module: nn.Module = ResNet(Bottleneck, [6, 8, 12, 6])
    return module


@pytest.mark.parametrize("way", ["native", pytest.param("structural", marks=pytest.mark.slow)])
def test_resnet50_twice_as_deep(way: str) -> None:
    scaled = scaled_by(way, "torchvision:resnet50", width=1.0, depth=2.0)
    assert_same_layers(scaled, resnet50_twice_as_deep)
    if way == "structural":
        assert_same_function(scaled, resnet50_twice_as_deep)


SIZES = [(1.1, 1.2), *(pytest.param(w, d, marks=pytest.mark.slow) for w, d in ((1.4, 1.8), (1.0, 2.0))), (0.5, 0.5)]


def rounded(count: int, width: float, step: int = 8) -> int:
    """The published rule (90 %, multiples of 8), written down again."""
    whole = max(step, int(count * width + step / 2) // step * step)
    return whole if whole >= 0.9 * count * width else whole + step


@pytest.mark.parametrize("way", ["native", "structural"])
@pytest.mark.parametrize(("width", "depth"), SIZES)
def test_densenet121(way: str, width: float, depth: float) -> None:
    layers = [ceil(count * depth) for count in (6, 12, 24, 16)]
    make = partial(models.DenseNet, rounded(32, width, 4), tuple(layers), rounded(64, width))
    scaled = scaled_by(way, "torchvision:densenet121", width=width, depth=depth)
    assert_same_layers(scaled, make)
    if way == "structural" and depth < 2:
        assert_same_function(scaled, make)


@pytest.mark.parametrize("way", ["native", "structural"])
@pytest.mark.parametrize(("width", "depth"), SIZES)
def test_convnext_tiny(way: str, width: float, depth: float) -> None:
    from torchvision.models.convnext import CNBlockConfig

    widths: list[Any] = [rounded(count, width) for count in (96, 192, 384, 768)]
    layers = [ceil(count * depth) for count in (3, 3, 9, 3)]
    setting = [CNBlockConfig(*row) for row in zip(widths, [*widths[1:], None], layers, strict=True)]
    make = partial(models.ConvNeXt, setting, stochastic_depth_prob=0.1, layer_scale=1.0)
    scaled = scaled_by(way, "torchvision:convnext_tiny", width=width, depth=depth)
    assert_same_layers(scaled, make)
    if way == "structural" and depth < 1:
        assert_same_function(scaled, make)


@pytest.mark.parametrize("name", ["regnet_y_400mf", "regnet_x_800mf"])
def test_regnet_is_the_same_by_both_ways(name: str) -> None:
    for width, depth in ((1.4, 1.2), (0.5, 0.5)):
        native = scaled_by("native", f"torchvision:{name}", width=width, depth=depth)
        structural = scaled_by("structural", f"torchvision:{name}", width=width, depth=depth)
        assert shapes(native.network.module) == shapes(structural.network.module)


def test_weights_start_as_the_library_starts_them() -> None:
    """A plain reset would start depthwise convolutions at a third of their scale."""
    module = scaled_by("structural", "torchvision:efficientnet_b0", width=1.1, depth=1.2).with_weights()
    reference = models.get_model("efficientnet_b2")
    for (name, mine), theirs in zip(module.state_dict().items(), reference.state_dict().values(), strict=True):
        if theirs.numel() > 200 and theirs.std() > 0:
            assert 0.75 < float(mine.std() / theirs.std()) < 1.33, name
        elif theirs.numel() > 1 and theirs.std() == 0:
            assert torch.equal(mine, theirs), name


def test_zero_init_is_torchvisions_own() -> None:
    from scaling_search.networks import build
    from scaling_search.networks.foreign import open_foreign

    with torch.no_grad():
        module = build(open_foreign("torchvision:resnet18"), zero_init_residual=True)
        reference = models.resnet18(zero_init_residual=True)
    zero = [{name for name, one in net.named_parameters() if not one.any()} for net in (module, reference)]
    assert zero[0] == zero[1]
