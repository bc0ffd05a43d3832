"""What a search for a baseline is after: accuracy, and a cost that is meant.

MnasNet (arXiv 1807.11626, eq. 2 and 3) maximises ACC · (cost / T)^w: T is the cost that is wanted, and w is −0.07 on
both sides of it (soft: twice the cost has to bring 5 % more accuracy), or 0 within T and −1 beyond it (hard).
"""

from typing import Literal

from pydantic import Field

from scaling_search.configuration import Strict

SOFT_WEIGHT = -0.07
Reward = Literal["soft", "hard", "frontier"]


class Goal(Strict):
    """How accuracy and cost become one number, or stay two.

    Attributes:
        kind: «soft» or «hard» (see above); «frontier»: nothing is weighed, and what is kept is what no other candidate
            beats in both accuracy and cost.
        target: the cost T at full size, over that of the space's own network.
        weight: w of the soft reward.
    """

    kind: Reward = "soft"
    target: float = Field(gt=0)
    weight: float = Field(default=SOFT_WEIGHT, le=0)

    def reward(self, top1: float, cost: float) -> float:
        """The number that is maximised.

        Args:
            top1: a fraction.
            cost: over that of the space's own network, as the target is.
        """
        return float(top1 * self.factor(cost))

    def factor(self, cost: float) -> float:
        """What accuracy is multiplied by at a cost; one network of a frontier is picked by the soft reward."""
        beyond = cost / self.target
        if self.kind == "hard":
            return 1.0 if beyond <= 1 else 1 / beyond
        return float(beyond**self.weight)
