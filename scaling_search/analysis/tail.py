"""How bad the worst divisions are says nothing of where the best one is: their losses are compressed.

A process knows one size. Where a few candidates fall 25 points (a corner that is not learned in time, a cliff), that
size would make every other difference look like chance. So what lies far below the upper half enters by its logarithm:

    gap' = gap            up to t
    gap' = t (1 + ln(gap / t))  beyond it,      gap = top − y,  top the 0.8 quantile of the means
    t = 1.5 (top − median) + trial noise + 0.2 points

The order stays, the upper half stays as it is, and draws are expanded again, so that losses are stated in full.
"""

from dataclasses import dataclass

import numpy as np

SPAN, NOISES = 1.5, 1.0
_FEW = 5  # of fewer candidates nobody can say which are far below the others
_LARGEST = 5.0  # e^5 t: no accuracy is that far away


@dataclass(frozen=True, kw_only=True)
class Tail:
    """Gaps beyond `limit` below `top` are compressed; limit may be infinite."""

    top: float
    limit: float

    def compress(self, values: np.ndarray) -> np.ndarray:
        """Values as the surface sees them, any shape."""
        gap = self.top - values
        far = np.maximum(gap / self.limit, 1)
        return np.where(gap > self.limit, values + gap - self.limit * (1 + np.log(far)), values)

    def expand(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `compress`."""
        gap = self.top - values
        far = np.clip(gap / self.limit - 1, 0, _LARGEST)
        return np.where(gap > self.limit, values + gap - self.limit * np.exp(far), values)


def tail_of(means: np.ndarray, trial_sd: float) -> Tail:
    """The tail of these candidates' means [n], with this noise of one trial."""
    if len(means) < _FEW:
        return Tail(top=float(means.max()), limit=np.inf)
    top, middle = np.quantile(means, [0.8, 0.5])
    return Tail(top=float(top), limit=float(SPAN * (top - middle) + NOISES * trial_sd + 0.002))
