"""Learning-rate schedules as data: pure functions of how far a training is.

Every schedule maps (position, epochs) to the fraction of the peak learning rate. `position` is in epochs and may be
fractional (1.5 is the middle of the second epoch); `epochs` is the whole budget. A step uses the position of its
middle, so neither the first nor the last one is wasted on a rate of zero.

A schedule *nests* when the rate at a position does not depend on the budget: a longer training then continues a
shorter one.
"""

from math import cos, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from scaling_search.configuration import Strict


class Annealed(Strict):
    """Linear warm-up over a fraction of the budget, then down to zero exactly at its end."""

    kind: Literal["annealed"] = "annealed"
    warmup: float = Field(default=0.1, ge=0, lt=1)  # fraction of the budget
    shape: Literal["linear", "cosine"] = "cosine"
    nests: ClassVar[bool] = False

    def factor(self, position: float, epochs: float) -> float:
        """Fraction of the peak rate at position epochs of a budget of epochs."""
        progress = min(position / epochs, 1.0)
        if progress < self.warmup:
            return progress / self.warmup
        done = (progress - self.warmup) / (1 - self.warmup)
        return 1 - done if self.shape == "linear" else (1 + cos(pi * done)) / 2


class Constant(Strict):
    """Linear warm-up, then the peak rate for ever; read through averaged weights (`Recipe.ema`)."""

    kind: Literal["constant"] = "constant"
    warmup_epochs: float = Field(default=0.5, ge=0)
    nests: ClassVar[bool] = True

    def factor(self, position: float, epochs: float) -> float:
        """Fraction of the peak rate at position epochs; the budget plays no part."""
        return _ramp(position, self.warmup_epochs)


class WarmupStableDecay(Strict):
    """Linear warm-up, the peak rate, and a straight decay to zero over the last fraction of the budget.

    Two budgets share everything up to the shorter one's decay (arXiv 2404.06395, sec. 4).
    """

    kind: Literal["wsd"] = "wsd"
    warmup_epochs: float = Field(default=0.5, ge=0)
    decay: float = Field(default=0.2, gt=0, le=1)  # fraction of the budget
    nests: ClassVar[bool] = False

    def factor(self, position: float, epochs: float) -> float:
        """Fraction of the peak rate at position epochs of a budget of epochs."""
        left = max(1 - position / epochs, 0.0)
        return _ramp(position, self.warmup_epochs) * min(left / self.decay, 1.0)


class Exponential(Strict):
    """Linear warm-up, then times `rate` every `every` epochs in steps (arXiv 1905.11946, sec. 5.2: 0.97 every 2.4)."""

    kind: Literal["exponential"] = "exponential"
    warmup_epochs: float = Field(default=5.0, ge=0)
    rate: float = Field(default=0.97, gt=0, le=1)
    every: float = Field(default=2.4, gt=0)  # epochs
    nests: ClassVar[bool] = True

    def factor(self, position: float, epochs: float) -> float:
        """Fraction of the peak rate at position epochs; the budget plays no part."""
        return float(_ramp(position, self.warmup_epochs) * self.rate ** (position // self.every))


Schedule = Annotated[Annealed | Constant | WarmupStableDecay | Exponential, Field(discriminator="kind")]


def _ramp(position: float, length: float) -> float:
    return min(position / length, 1.0) if length > 0 else 1.0
