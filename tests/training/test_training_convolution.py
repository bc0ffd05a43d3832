"""The shortcuts on small maps give what torch gives; a convolution that oneDNN dies of lives, and is right."""

import multiprocessing

import pytest
import torch
from torch import Tensor, nn

from scaling_search.training.convolution import SmallMapConv2d, fitted_to_cpu


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
    fitted_to_cpu(module)
    swapped = [name for name, part in module.named_modules() if isinstance(part, SmallMapConv2d)]
    assert swapped == ["1.0", "1.1"]
    assert list(module.state_dict()) == names
    assert all(new is old for new, old in zip(module.parameters(), parameters, strict=True))


# what a thin residual net's shortcut looks like; each of them ended the process before
UNSAFE = [(4, 8, 2, 58), (3, 8, (2, 1), 60), (15, 8, (1, 2), 64)]


class Normalised(nn.Conv2d):
    """A person's own kind of convolution, with a forward of its own."""

    def forward(self, images: Tensor) -> Tensor:
        return nn.functional.conv2d(images, self.weight / self.weight.std(), self.bias, self.stride, self.padding)


def _train_often(module: nn.Module, images: Tensor) -> None:
    torch.set_num_threads(1)
    for _ in range(25):
        module(images.clone().requires_grad_()).square().sum().backward()


@pytest.mark.parametrize("kind", [nn.Conv2d, Normalised])
@pytest.mark.parametrize(("channels", "out", "stride", "pixels"), UNSAFE)
def test_a_thin_strided_convolution_survives_and_is_right(
    kind: type[nn.Conv2d], channels: int, out: int, stride: int | tuple[int, int], pixels: int
) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(kind(channels, out, 1, stride))
    exact = nn.Sequential(kind(channels, out, 1, stride)).double()
    exact.load_state_dict(module.state_dict())
    fitted_to_cpu(module).to(memory_format=torch.channels_last)
    images = torch.randn(16, channels, pixels, pixels).to(memory_format=torch.channels_last)
    child = multiprocessing.get_context("fork").Process(target=_train_often, args=(module, images))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    direction = torch.randn_like(module(images))
    for ours, theirs in zip(
        _results(module, images, direction), _results(exact, images.double(), direction.double()), strict=True
    ):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-3)


def test_wider_convolutions_keep_their_stride() -> None:
    module = nn.Sequential(nn.Conv2d(16, 8, 1, 2), nn.Conv2d(8, 8, 1, 2, groups=2), nn.Conv2d(8, 8, 1, 2, 1))
    assert [part.stride for part in fitted_to_cpu(module).children()] == [(2, 2)] * 3


def test_no_gradient_is_made_for_images_that_need_none() -> None:
    fast = SmallMapConv2d.of(nn.Conv2d(6, 6, 5, 1, 2, groups=6))
    fast(torch.randn(2, 6, 2, 2)).sum().backward()
    assert fast.weight.grad is not None and fast.bias is not None and fast.bias.grad is not None
