"""Exponential moving average of a module's weights, and batch-norm statistics that fit the weights being evaluated."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class Average:
    """Averaged weights and running statistics of a module, beside the live ones.

    The decay after step t is min(ceiling, (1 + t) / (10 + t)), TensorFlow's ramp: a short training averages over about
    its last ninth, and a longer training continues a shorter one.
    """

    def __init__(self, module: nn.Module, ceiling: float) -> None:
        self.ceiling = ceiling
        self.live = _floating(module)
        self.values = {name: tensor.detach().clone() for name, tensor in self.live.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the live weights after `step` steps (1-based)."""
        decay = min(self.ceiling, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.values.values()), list(self.live.values()), 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module holds the averaged values inside the block; what the block writes stays in the average."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def load(self, values: dict[str, Tensor]) -> None:
        """Take over saved averages."""
        for name, tensor in self.values.items():
            tensor.copy_(values[name])

    def _swap(self) -> None:
        for name, tensor in self.live.items():
            tensor.data, self.values[name].data = self.values[name].data, tensor.data


def set_bn_momentum(module: nn.Module, momentum: float) -> None:
    """Weight of the newest batch in every batch norm's running statistics."""
    for norm in _batch_norms(module):
        norm.momentum = momentum


@torch.no_grad()
def reestimate_batch_norm(module: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace running statistics by the plain mean over batches [n, 3, r, r] at the present weights.

    Only the norms are in training mode meanwhile, so dropout stays off. The module is left in evaluation mode.
    """
    module.eval()
    norms = [norm for norm in _batch_norms(module) if norm.weight is None or norm.weight.requires_grad]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # torch: the cumulative mean
        norm.train()
    for images in batches:
        module(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def _batch_norms(module: nn.Module) -> Iterator[_BatchNorm]:
    return (part for part in module.modules() if isinstance(part, _BatchNorm))


def _floating(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and floating-point buffers by name; counters are left out."""
    return {name: tensor for name, tensor in module.state_dict(keep_vars=True).items() if tensor.is_floating_point()}
