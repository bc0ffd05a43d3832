"""The optimizer of a recipe: fused where torch has a fused one, and no weight decay on biases and norms."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from scaling_search.training.recipe import Recipe
from scaling_search.training.uncompiled import SGD, AdamW, leave_compiler_out

leave_compiler_out()


def make_optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimizer over two groups: weights, which decay, and biases and norms, which do not."""
    groups = _groups(module.parameters(), recipe.weight_decay)
    if recipe.optimizer == "adamw":
        betas = (recipe.momentum, recipe.second_moment)
        return AdamW(groups, lr=recipe.peak_lr, betas=betas, eps=recipe.epsilon, fused=True)
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=recipe.peak_lr, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True)
    return RMSPropTF(
        groups, lr=recipe.peak_lr, decay=recipe.second_moment, momentum=recipe.momentum, epsilon=recipe.epsilon
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Give every group the same rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr


class RMSPropTF(torch.optim.Optimizer):
    """RMSProp as TensorFlow writes it, which EfficientNet's hyper-parameters belong to.

    It differs from torch's in three places: ε is inside the square root, the mean square starts at one instead of zero,
    and the rate is applied before the momentum. With torch's version the published settings diverge early.
    """

    def __init__(
        self, params: Iterable[Any], *, lr: float, decay: float = 0.9, momentum: float = 0.9, epsilon: float = 1e-3
    ) -> None:
        settings = {"lr": lr, "decay": decay, "momentum": momentum, "epsilon": epsilon, "weight_decay": 0.0}
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        assert closure is None, "this optimizer evaluates no closure"
        for group in self.param_groups:
            params = [param for param in group["params"] if param.grad is not None]
            if params:
                self._update(params, group)

    def _update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        gradients = [param.grad for param in params if param.grad is not None]
        if group["weight_decay"]:
            gradients = list(torch._foreach_add(gradients, params, alpha=group["weight_decay"]))
        squares = [self._buffer(param, "mean_square", torch.ones_like) for param in params]
        velocities = [self._buffer(param, "velocity", torch.zeros_like) for param in params]
        torch._foreach_mul_(squares, group["decay"])
        torch._foreach_addcmul_(squares, gradients, gradients, value=1 - group["decay"])
        scale = torch._foreach_add(squares, group["epsilon"])
        torch._foreach_sqrt_(scale)
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_addcdiv_(velocities, gradients, scale, value=group["lr"])
        torch._foreach_sub_(params, velocities)

    def _buffer(self, param: Tensor, name: str, start: Callable[[Tensor], Tensor]) -> Tensor:
        state = self.state[param]
        if name not in state:
            state[name] = start(param)
        buffer: Tensor = state[name]
        return buffer


def _groups(params: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    everything = [param for param in params if param.requires_grad]  # what is frozen has no state
    decayed = [param for param in everything if param.ndim > 1]
    plain = [param for param in everything if param.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
