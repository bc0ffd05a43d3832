"""What a training shows of itself within an epoch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One step of an epoch, just done.

    Attributes:
        epoch, step: 1-based.
        steps: of the epoch.
        batch_size: images of a step, of all processes.
        images_per_second: since the epoch began.
        lr: the learning rate of this step.
        losses: of the epoch so far, on the device; the rest is not filled yet.
    """

    epoch: int
    step: int
    steps: int
    batch_size: int
    images_per_second: float
    lr: float
    losses: Tensor

    @property
    def images_seen(self) -> int:
        """Since the start of the training."""
        return ((self.epoch - 1) * self.steps + self.step) * self.batch_size

    def train_loss(self) -> float:
        """The mean over the epoch so far, of this process; waits for the device."""
        return float(self.losses[: self.step].mean())


Watch: TypeAlias = Callable[[Moment], None]
