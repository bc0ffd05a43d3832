"""Batch norm of few channels gives what torch's gives, and torch's is taken where that is faster."""

import pytest
import torch
from torch import Tensor, nn

from scaling_search.training import thin_norm
from scaling_search.training.averaging import reestimate_batch_norm
from scaling_search.training.convolution import fitted_to_cpu
from scaling_search.training.thin_norm import ThinBatchNorm2d, is_thin


def _norm(channels: int) -> nn.BatchNorm2d:
    torch.manual_seed(channels)
    norm = nn.BatchNorm2d(channels, momentum=0.1)
    nn.init.uniform_(norm.weight, 0.5, 1.5)
    nn.init.normal_(norm.bias)
    return norm


def _images(channels: int, side: int, count: int = 32) -> Tensor:
    images = 3 + 2 * torch.randn(count, channels, side, side)
    return images.to(memory_format=torch.channels_last)


def _results(norm: nn.BatchNorm2d, images: Tensor, direction: Tensor) -> list[Tensor]:
    images = images.clone().requires_grad_()
    out = norm(images).add_(1.0)  # a residual is added in place
    gradients = torch.autograd.grad((out * direction).sum(), [images, norm.weight, norm.bias])
    return [out.detach(), *gradients]


@pytest.mark.parametrize(
    ("channels", "side", "count"), [(3, 16, 32), (5, 64, 32), (12, 17, 32), (15, 33, 8), (4, 91, 1)]
)
@pytest.mark.parametrize("training", [True, False])
def test_results_gradients_and_statistics_are_torchs(channels: int, side: int, count: int, training: bool) -> None:
    original, images = _norm(channels), _images(channels, side, count)
    original.running_mean.fill_(2.0)  # type: ignore[union-attr]
    exact = _norm(channels).double()
    exact.load_state_dict(original.state_dict())
    fast = ThinBatchNorm2d.of(_norm(channels))
    fast.load_state_dict(original.state_dict())
    direction = torch.randn_like(images)
    for norm in (original, exact, fast):
        norm.train(training)
    theirs = _results(exact, images.double(), direction.double())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.BatchNorm2d, "forward", None)  # ours takes no shortcut to torch's
        ours = _results(fast, images, direction)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other.float(), rtol=1e-4, atol=1e-4 * float(other.abs().max()))
        assert one.is_contiguous(memory_format=torch.channels_last) or one.dim() == 1
    for name, value in exact.state_dict().items():
        torch.testing.assert_close(fast.state_dict()[name].double(), value.double(), rtol=1e-5, atol=1e-5)


def test_small_maps_other_layouts_and_cumulative_means_are_torchs() -> None:
    small, usual = _images(5, 8), _images(5, 32).contiguous()
    for images in (small, usual):
        fast, original = ThinBatchNorm2d.of(_norm(5)), _norm(5)
        assert torch.equal(fast(images), original(images))
        assert torch.equal(fast.running_var, original.running_var)  # type: ignore[arg-type]
    fast, original = ThinBatchNorm2d.of(_norm(5)), _norm(5)
    large = _images(5, 32)
    for norm in (fast, original):
        reestimate_batch_norm(nn.Sequential(norm), [large])
    assert fast.momentum == 0.1
    assert fast.num_batches_tracked == 1
    torch.testing.assert_close(fast.state_dict(), original.state_dict())


def test_only_thin_norms_are_swapped_and_names_stay() -> None:
    module = nn.Sequential(
        *(nn.BatchNorm2d(channels) for channels in (3, 8, 12, 15, 20)), nn.BatchNorm2d(5, affine=False)
    )
    names, tensors = list(module.state_dict()), list(module.state_dict(keep_vars=True).values())
    fitted_to_cpu(module)
    assert [isinstance(part, ThinBatchNorm2d) for part in module] == [True, False, True, True, False, False]
    assert not is_thin(module[0]), "twice is not needed"
    assert list(module.state_dict()) == names
    assert all(new is old for new, old in zip(module.state_dict(keep_vars=True).values(), tensors, strict=True))


def test_rows_are_as_long_as_fills_some_vectors() -> None:
    assert thin_norm._rows(_images(5, 32)).shape == (32 * 32 * 32 // 16, 80)
    assert thin_norm._rows(_images(30, 33, count=7)).shape == (7 * 33 * 33, 30), "no even number of pixels"
