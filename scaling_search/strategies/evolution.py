"""Regularised evolution (Real et al. 2018, arXiv 1802.01548, algorithm 1): the oldest dies, not the worst.

A population of random networks; then again and again a few of it are drawn, the best of these is copied with one answer
changed, and the oldest of the population leaves it. What was lucky once therefore has to be good again in its children.
"""

from typing import Literal

from pydantic import Field

from scaling_search.evidence import Choices, Evidence
from scaling_search.strategies.staged import Staged


class Evolution(Staged):
    """Proposals by tournament and mutation, once the population is full.

    Attributes:
        population: networks that live at once; None: a quarter of the proposals, from 4 to 100 (100 in the paper, of
            20,000).
        tournament: that are drawn from them, of which the best is the parent; None: a quarter of the population, at
            least 2 (25 in the paper).
    """

    strategy: Literal["stages-evolution"] = "stages-evolution"
    population: int | None = Field(default=None, ge=2, le=10_000)
    tournament: int | None = Field(default=None, ge=1, le=10_000)

    @property
    def living(self) -> int:
        """How many networks live at once."""
        return self.population or min(max(self.proposals // 4, 4), 100)

    @property
    def drawn_from(self) -> int:
        """How many of them a parent is the best of."""
        return min(self.tournament or max(self.living // 4, 2), self.living)

    def propose(self, evidence: Evidence) -> Choices:
        """A random network while the population grows, else a child."""
        alive = self.alive(evidence)
        if len(alive) < self.living:
            return super().propose(evidence)
        generator, rewards = self.generator(evidence), self.rewards(evidence)
        parent = evidence.choices[max(generator.sample(alive, self.drawn_from), key=rewards.__getitem__)]
        return self.new(evidence, lambda: self.mutated(parent, generator))

    def alive(self, evidence: Evidence) -> list[str]:
        """The youngest candidates that have a reward, so many as live at once: ageing."""
        return list(self.rewards(evidence))[-self.living :]
