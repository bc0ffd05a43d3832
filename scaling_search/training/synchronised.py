"""Batch norm over the batch of all processes.

torch's SyncBatchNorm where the device is CUDA, which is the only one that it takes; elsewhere the same arithmetic here.
"""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Normalises by the mean and the variance of the images of all processes; gradients flow through both."""

    @classmethod
    def of(cls, original: nn.BatchNorm2d) -> "SharedBatchNorm2d":
        """The same norm, sharing parameters and statistics."""
        made = cls(original.num_features, eps=original.eps, momentum=original.momentum, affine=original.affine,
                   track_running_stats=original.track_running_stats, device="meta")  # fmt: skip
        made.weight, made.bias = original.weight, original.bias
        made._buffers = original._buffers
        return made.train(original.training)

    def forward(self, images: Tensor) -> Tensor:
        """float [n, c, h, w] → the same shape."""
        if not self.training:
            return super().forward(images)
        count = images.new_tensor([images.numel() / images.shape[1]])
        dist.all_reduce(count)
        mean = _sum(images.sum((0, 2, 3))) / count  # [c]
        centred = images - mean.view(1, -1, 1, 1)
        variance = _sum(centred.square().sum((0, 2, 3))) / count
        self._track(mean.detach(), (variance * count / (count - 1)).detach())
        normalised = centred * (variance + self.eps).rsqrt().view(1, -1, 1, 1)
        if not self.affine:
            return normalised
        return normalised * self.weight.view(1, -1, 1, 1) + self.bias.view(1, -1, 1, 1)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor) -> None:
        """Running statistics move by momentum, or are the plain mean where that is None."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        weight = self.momentum if self.momentum is not None else 1 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance, weight)


class _Sum(torch.autograd.Function):
    """The sum over all processes; each one's loss depends on it, so gradients are summed too."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


def _sum(value: Tensor) -> Tensor:
    found: Tensor = _Sum.apply(value)
    return found


def synchronised(module: nn.Module, device: torch.device) -> nn.Module:
    """The module with its batch norms over all processes; names, parameters and statistics stay."""
    if device.type == "cuda":
        if any(type(part).__name__ == "BatchNormAct2d" for part in module.modules()):  # torch's would lose activations
            from timm.layers import convert_sync_batchnorm

            converted: nn.Module = convert_sync_batchnorm(module)
            return converted
        shared: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
        return shared
    for name, part in list(module.named_modules()):
        if type(part) is nn.BatchNorm2d:
            module.set_submodule(name, SharedBatchNorm2d.of(part))
    return module
