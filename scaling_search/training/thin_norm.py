"""Batch norm of few channels, which torch's own does slowly on a CPU.

Its kernel takes the channels of a channels_last image a vector at a time and what is left over one by one: 5 channels
on 64×64 maps cost more than 8 do. Here as many neighbouring pixels are read as one row as fill some vectors, so that
all is done along long rows, with results nearer to float64's than torch's. `benchmarks/thin_norm.py` prints the gain,
and from where on there is one.
"""

from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_VECTOR = 8  # channels, of which torch is fast with whole multiples (AVX2: of 32 bits)
_MOST_CHANNELS = 16  # from here on what is left over is a small part, and ours leaves the processor's cache
_LEAST_ROWS = 8192  # images × pixels: below, calling a dozen operations costs more than it saves
_ROW = 64  # numbers that a row is to have at least


class ThinBatchNorm2d(nn.BatchNorm2d):
    """A batch norm with the same parameters, statistics and results (up to rounding)."""

    @classmethod
    def of(cls, original: nn.BatchNorm2d) -> "ThinBatchNorm2d":
        """The same batch norm, sharing its parameters and statistics."""
        made = cls(original.num_features, original.eps, original.momentum, device="meta")
        made.weight, made.bias = original.weight, original.bias
        made._buffers.update(original._buffers)
        return made.train(original.training)

    def forward(self, images: Tensor) -> Tensor:
        """float32 [n, c, h, w] → the same shape."""
        large = images.numel() >= _LEAST_ROWS * self.num_features
        if not (large and images.is_contiguous(memory_format=torch.channels_last)):
            return super().forward(images)
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        if not self.training:
            scale = self.weight * (self.running_var + self.eps).rsqrt()
            return _along_rows(images, scale, self.bias - self.running_mean * scale)
        if self.momentum is None:  # a cumulative mean
            return super().forward(images)
        out, mean, variance = _ThinNorm.apply(images, self.weight, self.bias, self.eps)
        count = images.numel() // self.num_features
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        self.num_batches_tracked.add_(1)
        return out  # type: ignore[no-any-return]


def is_thin(part: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Whether it is a batch norm that `ThinBatchNorm2d` does faster on large maps."""
    return (
        type(part) is nn.BatchNorm2d
        and part.affine
        and part.track_running_stats
        and part.num_features < _MOST_CHANNELS
        and part.num_features % _VECTOR != 0
    )


class _ThinNorm(torch.autograd.Function):
    """Normalised images [n, c, h, w], and the mean and the biased variance of each channel, [c]."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
        count, rows = images.numel() // len(weight), _rows(images)
        mean = _channels(rows.sum(0), weight) / count
        out = torch.empty_like(images)
        centred = torch.sub(rows, _repeated(mean, rows), out=_rows(out))
        variance = _channels((centred * centred).sum(0), weight) / count
        inverse = (variance + eps).rsqrt()
        centred.mul_(_repeated(inverse * weight, rows)).add_(_repeated(bias, rows))
        ctx.save_for_backward(images, weight, mean, inverse)
        ctx.mark_non_differentiable(mean, variance)
        return out, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Tensor, Tensor, Tensor, None]:
        images, weight, mean, inverse = ctx.saved_tensors
        count, rows = images.numel() // len(weight), _rows(images)
        upper = _rows(gradient.contiguous(memory_format=torch.channels_last))
        result = torch.empty_like(images)
        product = torch.mul(upper, rows, out=_rows(result))
        to_bias = _channels(upper.sum(0), weight)
        to_weight = (_channels(product.sum(0), weight) - mean * to_bias) * inverse
        # ∂/∂x = w / σ · (g − mean(g) − x̂ · mean(g · x̂)), as a plane over x and g
        scale = weight * inverse
        slope = -scale * inverse * to_weight / count
        offset = -scale * to_bias / count - slope * mean
        torch.mul(rows, _repeated(slope, rows), out=product)
        product.add_(_repeated(offset, rows)).addcmul_(upper, _repeated(scale, rows))
        return result, to_weight, to_bias, None


def _along_rows(images: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
    """images · scale + offset, a number a channel."""
    rows = _rows(images)
    flat = torch.addcmul(_repeated(offset, rows), rows, _repeated(scale, rows))
    n, c, h, w = images.shape
    return flat.view(n, h, w, c).permute(0, 3, 1, 2)


def _rows(images: Tensor) -> Tensor:
    """[n, c, h, w] in channels_last → [r, k·c], a view: k neighbouring pixels in one row."""
    channels = images.shape[1]
    pixels, together = images.numel() // channels, 1
    while together * channels < _ROW and pixels % (2 * together) == 0:
        together *= 2
    return images.permute(0, 2, 3, 1).view(pixels // together, together * channels)


def _channels(sums: Tensor, like: Tensor) -> Tensor:
    """[k·c] → [c]."""
    return sums.view(-1, len(like)).sum(0)


def _repeated(values: Tensor, rows: Tensor) -> Tensor:
    """[c] → [k·c]."""
    return values.repeat(rows.shape[1] // len(values))
