"""The modules that torch does not have, or has slower."""

import torch
from torch import Tensor, nn


class DropPath(nn.Module):
    """Stochastic depth: sets a whole sample's branch to zero with probability `rate`, and scales the others up.

    arXiv 1603.09382; per sample, as the EfficientNet authors' drop-connect does it.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        keep = 1 - self.rate
        mask = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(keep)  # [N, 1, 1, 1]
        return x * mask.div_(keep)

    def extra_repr(self) -> str:
        return f"rate={self.rate:.4g}"


class Residual(nn.Module):
    """main(x) + shortcut(x), the main path dropped for some samples while training."""

    def __init__(self, main: nn.Module, shortcut: nn.Module | None, drop_rate: float) -> None:
        super().__init__()
        self.main = main
        self.shortcut = shortcut
        self.drop_path = DropPath(drop_rate) if drop_rate else None
        # the sum may overwrite what a norm or a scale put out, but not a ReLU's result, which its backward needs
        self.in_place = not isinstance(list(main.modules())[-1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.main(x)
        if self.drop_path is not None:
            y = self.drop_path(y)
        beside: Tensor = x if self.shortcut is None else self.shortcut(x)
        return y.add_(beside) if self.in_place else y + beside


class Gate(nn.Module):
    """x · branch(x), the branch giving [N, C, 1, 1]."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = self.branch(x)
        return x * gate


class Concatenate(nn.Module):
    """x and branch(x), side by side in the channels."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.branch(x)), dim=1)


class Permute(nn.Module):
    """[N, C, h, w] → [N, h, w, C], or back; with channels_last memory no number moves."""

    def __init__(self, channels_last: bool) -> None:
        super().__init__()
        self.order = (0, 2, 3, 1) if channels_last else (0, 3, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)


class LayerScale(nn.Module):
    """A learned factor for each channel, channels last."""

    def __init__(self, channels: int, initial: float) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma
