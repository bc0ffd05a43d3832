"""Built modules: they run, they train, and they start as they should."""

import pytest
import torch
from torch import nn

from scaling_search.architecture import Architecture, from_dict
from scaling_search.coefficients import Multipliers
from scaling_search.networks import build
from scaling_search.networks.measure import measured_cost
from scaling_search.networks.modules import DropPath, Residual
from scaling_search.search import searchspace


def small(name: str, *, dropout: float | None = None) -> Architecture:
    """A baseline at a quarter of its width and 64 px, for ten classes."""
    network = searchspace.load(name).network()
    assert isinstance(network, Architecture)
    size = Multipliers(depth=0.5, width=0.25, resolution=64 / network.resolution)
    return network.proxied(size).replaced(classes=10, dropout=dropout)


@pytest.mark.parametrize("name", ["b0", "mobilenet_v1", "resnet18", "regnety_002", "densenet121", "convnext_tiny"])
def test_a_training_step_reaches_every_parameter(name: str) -> None:
    module = build(small(name)).to(memory_format=torch.channels_last)
    logits = module(torch.randn(4, 3, 64, 64).to(memory_format=torch.channels_last))
    assert logits.shape == (4, 10)
    logits.square().mean().backward()
    for parameter_name, parameter in module.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), parameter_name


def test_what_starts_is_of_ordinary_size() -> None:
    """No activation explodes or dies at the start, at any depth."""
    torch.manual_seed(0)
    module = build(small("resnet50")).train()
    logits = module(torch.randn(16, 3, 64, 64)).detach()
    assert 0.01 < float(logits.std()) < 10


def test_depthwise_convolutions_start_with_the_variance_of_their_own_fan_out() -> None:
    torch.manual_seed(0)
    module = build(small("b0"))
    depthwise = [part for part in module.modules() if isinstance(part, nn.Conv2d) and part.groups > 64]
    assert depthwise
    for convolution in depthwise:
        taps = convolution.kernel_size[0] ** 2
        assert float(convolution.weight.detach().std()) == pytest.approx((2 / taps) ** 0.5, rel=0.15)


def test_zero_init_makes_every_residual_block_the_identity() -> None:
    module = build(small("b0"), zero_init_residual=True).eval()
    blocks = [part for part in module.modules() if isinstance(part, Residual)]
    assert blocks
    for block in blocks:
        channels = next(part for part in block.main.modules() if isinstance(part, nn.Conv2d)).in_channels
        x = torch.randn(2, channels, 4, 4)
        assert torch.equal(block(x.clone()), x)
    # without the option nothing is zero
    plain = build(small("b0"))
    scales = [part.weight for part in plain.modules() if isinstance(part, nn.BatchNorm2d)]
    assert all((scale == 1).all() for scale in scales)


def test_only_the_last_scale_of_a_branch_is_zero() -> None:
    module = build(small("resnet50"), zero_init_residual=True)
    for block in (part for part in module.modules() if isinstance(part, Residual)):
        norms = [part for part in block.main.modules() if isinstance(part, nn.BatchNorm2d)]
        assert [bool((norm.weight == 0).all()) for norm in norms] == [False, False, True]


def test_stochastic_depth_rises_linearly_over_the_blocks() -> None:
    network = searchspace.load("b0").network().replaced(drop_connect=0.32)
    module = build(network)
    rates = [part.drop_path.rate for part in module.modules() if isinstance(part, Residual) and part.drop_path]
    # of 16 blocks, those whose input can be added: 2, 4, 6, 7, 9, 10, 12, 13, 14 (counted from 0)
    assert rates == pytest.approx([0.02 * block for block in (2, 4, 6, 7, 9, 10, 12, 13, 14)])


def test_drop_path_drops_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    drop = DropPath(0.25)
    kept = drop(torch.ones(4000, 2, 3, 3))
    per_sample = kept.flatten(1)
    assert ((per_sample == 0).all(1) | (per_sample == per_sample.max()).all(1)).all()
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.05)
    x = torch.randn(2, 3)
    assert drop.eval()(x) is x


def test_dropout_and_batch_norm_numbers_are_the_networks() -> None:
    network = small("b0", dropout=0.35)
    module = build(network)
    dropouts = [part.p for part in module.modules() if isinstance(part, nn.Dropout)]
    assert dropouts == [0.35]
    assert {part.eps for part in module.modules() if isinstance(part, nn.BatchNorm2d)} == {1e-3}


def test_a_sum_never_overwrites_a_relus_result() -> None:
    """A fused block without expansion ends in its activation; in-place addition there would break backward."""
    stage = {"block": "fused_mbconv", "channels": 8, "layers": 3, "expansion": 1}
    network = from_dict({"resolution": 16, "classes": 3, "stem": {"channels": 8}, "stages": [stage]})
    build(network)(torch.randn(2, 3, 16, 16)).sum().backward()


def test_options_of_the_blocks_build() -> None:
    """ResNet-D's stem and shortcuts, and a wide ResNet."""
    content = small("resnet50").to_dict()
    content["stem"]["kind"] = "deep"
    for stage in content["stages"]:
        stage.update(shortcut="pool", ratio=0.5)
    network = from_dict(content)
    pools = [part for part in build(network).modules() if isinstance(part, nn.AvgPool2d)]
    assert len(pools) == 3
    odd = network.replaced(resolution=71)
    assert odd.cost() == measured_cost(build(odd), 71)
    assert network.cost().macs > small("resnet50").cost().macs


def test_equal_seeds_build_equal_weights() -> None:
    modules = []
    for _ in range(2):
        torch.manual_seed(5)
        modules.append(build(small("b0")))
    first, second = (module.state_dict() for module in modules)
    assert all(torch.equal(first[key], second[key]) for key in first)
