"""The shortcuts on small maps give what torch gives."""

import pytest
import torch
from torch import Tensor, nn

from scaling_search.training.convolution import SmallMapConv2d, with_small_maps


def _results(module: nn.Module, images: Tensor, direction: Tensor) -> list[Tensor]:
    images = images.clone().requires_grad_()
    out = module(images)
    gradients = torch.autograd.grad((out * direction).sum(), [images, *module.parameters()])
    return [out.detach(), *gradients]


@pytest.mark.parametrize("pixels", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize(
    "original",
    [
        nn.Conv2d(6, 6, 3, 1, 1, groups=6, bias=False),
        nn.Conv2d(6, 6, 5, 1, 2, groups=6),
        nn.Conv2d(6, 6, 5, 2, 2, groups=6, bias=False),
        nn.Conv2d(6, 6, 3, 2, 1, groups=6),
        nn.Conv2d(6, 6, 7, 1, 3, groups=6),
        nn.Conv2d(6, 10, 1),
        nn.Conv2d(6, 10, 1, bias=False),
    ],
    ids=str,
)
def test_results_and_gradients_are_torchs(original: nn.Conv2d, pixels: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(4, 6, pixels, pixels).to(memory_format=torch.channels_last)
    direction = torch.randn_like(original(images))
    fast = SmallMapConv2d.of(original)
    for ours, theirs in zip(_results(fast, images, direction), _results(original, images, direction), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_only_convolutions_that_gain_are_swapped_and_names_stay() -> None:
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1),
        nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Conv2d(8, 4, 1)),
        nn.Conv2d(4, 4, 1, 2),
        nn.Conv2d(4, 4, 3, 1, 2, 2, groups=4),
        nn.Conv2d(4, 4, 3, padding="same", groups=4),
    )
    names, parameters = list(module.state_dict()), list(module.parameters())
    with_small_maps(module)
    swapped = [name for name, part in module.named_modules() if isinstance(part, SmallMapConv2d)]
    assert swapped == ["1.0", "1.1"]
    assert list(module.state_dict()) == names
    assert all(new is old for new, old in zip(module.parameters(), parameters, strict=True))


def test_no_gradient_is_made_for_images_that_need_none() -> None:
    fast = SmallMapConv2d.of(nn.Conv2d(6, 6, 5, 1, 2, groups=6))
    fast(torch.randn(2, 6, 2, 2)).sum().backward()
    assert fast.weight.grad is not None and fast.bias is not None and fast.bias.grad is not None
