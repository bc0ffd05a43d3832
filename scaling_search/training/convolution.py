"""Convolutions where the library's own are slow on a CPU, or write where they must not.

A proxy at 32 px spends most of its blocks on maps of 4, 2 and 1 pixels a side. There oneDNN has no fast kernel for the
weight gradient of a depthwise convolution (its kernels want a map of at least kernel + padding pixels; the reference
loop that steps in is 5 to 100 times as slow as what is done here), and the preparation of a 1×1 convolution costs more
than its arithmetic. `benchmarks/train.py` prints the gain.

A strided 1×1 convolution with fewer than 16 input channels, as the shortcut of a thin residual net has, makes oneDNN
write past its workspace in the backward pass (uxlfoundation/oneDNN#6035): the process dies, or computes on what it has
spoilt. Its images are thinned out first, and the convolution that is left has no stride.
"""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from scaling_search.training.thin_norm import ThinBatchNorm2d, is_thin

_LINEAR_PIXELS = 16  # 1×1 convolutions are faster as a matrix product up to 4×4 maps, slower from 8×8 on
_BLOCK_CHANNELS = 16  # oneDNN's workspace is too small below its AVX-512 block (AVX2: 8); from here on it is faster


def fitted_to_cpu(module: nn.Module) -> nn.Module:
    """Change a module for training on a CPU, in place; results, parameters and their names stay the same.

    Convolutions that gain from it become `SmallMapConv2d`, batch norms `ThinBatchNorm2d`; convolutions that would crash
    get their images thinned out.
    """
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.Conv2d) and _is_unsafe(part):
            _thin_out(part)
        elif type(part) is nn.Conv2d and (_is_pointwise(part) or _is_depthwise(part)):
            module.set_submodule(name, SmallMapConv2d.of(part))
        elif is_thin(part):
            module.set_submodule(name, ThinBatchNorm2d.of(part))
    return module


def _thin_out(part: nn.Conv2d) -> None:
    """Take the stride out of a 1×1 convolution, and out of its images the pixels that it would have passed over."""
    part.register_forward_pre_hook(partial(_thinned, strides=(part.stride[0], part.stride[1])))
    part.stride = (1, 1)


def _thinned(part: nn.Module, inputs: tuple[Tensor, ...], *, strides: tuple[int, int]) -> tuple[Tensor, ...]:
    images, *more = inputs  # [n, c, h, w]
    return (images[:, :, :: strides[0], :: strides[1]], *more)  # [n, c, ⌈h/s⌉, ⌈w/s⌉]


class SmallMapConv2d(nn.Conv2d):
    """A convolution with the same parameters and results (up to rounding) that takes a shortcut on small maps."""

    @classmethod
    def of(cls, original: nn.Conv2d) -> "SmallMapConv2d":
        """The same convolution, sharing its parameters."""
        made = cls(
            original.in_channels,
            original.out_channels,
            kernel_size=(original.kernel_size[0], original.kernel_size[1]),
            stride=(original.stride[0], original.stride[1]),
            padding=(int(original.padding[0]), int(original.padding[1])),
            groups=original.groups,
            bias=original.bias is not None,
            device="meta",
        )
        made.weight, made.bias = original.weight, original.bias
        return made.train(original.training)

    def forward(self, images: Tensor) -> Tensor:
        """float32 [n, c, h, w] → [n, c', h', w']."""
        height, width = images.shape[2:]
        if _is_pointwise(self):
            if height * width > _LINEAR_PIXELS:
                return super().forward(images)
            flat = F.linear(images.permute(0, 2, 3, 1), self.weight[:, :, 0, 0], self.bias)  # [n, h, w, c']
            return flat.permute(0, 3, 1, 2)
        kernel, padding = self.kernel_size[0], int(self.padding[0])
        if max(height, width) >= kernel + padding:
            return super().forward(images)
        out: Tensor = _Depthwise.apply(images, self.weight, self.bias, self.stride[0], padding)
        return out


class _Depthwise(torch.autograd.Function):
    """A depthwise convolution whose weight gradient is summed tap by tap."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding, ctx.bias_shape = stride, padding, None if bias is None else list(bias.shape)
        return F.conv2d(images, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None, None]:
        images, weight = ctx.saved_tensors
        strides, paddings = [ctx.stride, ctx.stride], [ctx.padding, ctx.padding]
        wanted = [ctx.needs_input_grad[0], False, ctx.bias_shape is not None]
        to_images, _, to_bias = torch.ops.aten.convolution_backward(
            gradient, images, weight, ctx.bias_shape, strides, paddings, [1, 1], False, [0, 0], len(weight), wanted
        )
        return to_images, _weight_gradient(images, gradient, weight, ctx.stride, ctx.padding), to_bias, None, None


def _weight_gradient(images: Tensor, gradient: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """∂/∂w[c, i, j] = Σ over n, y, x of gradient[n, c, y, x] · images[n, c, y·stride + i − padding, …]."""
    result = torch.zeros_like(weight)  # taps that only ever meet the padding stay at zero
    vertical = _meetings(weight.shape[2], images.shape[2], gradient.shape[2], stride, padding)
    horizontal = _meetings(weight.shape[3], images.shape[3], gradient.shape[3], stride, padding)
    for i, out_rows, in_rows in vertical:
        for j, out_columns, in_columns in horizontal:
            product = images[:, :, in_rows, in_columns] * gradient[:, :, out_rows, out_columns]
            result[:, 0, i, j] = product.sum((0, 2, 3))
    return result


def _meetings(kernel: int, size: int, out_size: int, stride: int, padding: int) -> list[tuple[int, slice, slice]]:
    """For each tap of one axis that meets the image: its index, and the outputs and inputs where it does."""
    meetings = []
    for tap in range(kernel):
        first = max(0, -(-(padding - tap) // stride))
        last = min(out_size - 1, (size - 1 + padding - tap) // stride)
        if first <= last:
            start, stop = first * stride + tap - padding, last * stride + tap - padding + 1
            meetings.append((tap, slice(first, last + 1), slice(start, stop, stride)))
    return meetings


def _is_unsafe(part: nn.Conv2d) -> bool:
    plain = part.kernel_size == (1, 1) and part.groups == 1 and part.padding in ((0, 0), "valid")
    return plain and max(part.stride) > 1 and part.in_channels < _BLOCK_CHANNELS


def _is_pointwise(part: nn.Conv2d) -> bool:
    return part.kernel_size == (1, 1) and part.stride == (1, 1) and part.groups == 1 and part.padding == (0, 0)


def _is_depthwise(part: nn.Conv2d) -> bool:
    square = all(len(set(sizes)) == 1 for sizes in (part.kernel_size, part.stride, part.padding))
    plain = part.dilation == (1, 1) and part.padding_mode == "zeros" and not isinstance(part.padding, str)
    return square and plain and part.groups == part.in_channels == part.out_channels > 1
