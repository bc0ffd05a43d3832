"""Strategies over a space of stages: what they share, and random choices, the measure of all others.

Such a space asks a fixed list of questions (which block has stage 3? how many layers?), each with a few answers; a
point is one answer to each, as numbers. What the answers mean is the space's affair (`search.stages`).
"""

from abc import ABC
from collections.abc import Callable, Sequence
from random import Random as Generator
from typing import Literal, Self

from pydantic import Field

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Choices, Evidence
from scaling_search.strategies.base import DONE, WAIT, Ask, Asks, Decision, Planned, mean_top1
from scaling_search.strategies.goal import Goal
from scaling_search.strategies.points import Point

SAMPLES = (8, 12, 16, 24, 32, 48, 64, 96, 128)
"""What a plan chooses among."""
_REFUSED = 25
"""Times as many proposals may be refused as are wanted, before the search ends with fewer."""
_TRIES = 100
"""Draws after which one that was proposed before is taken: a small space may hold nothing else."""


class Staged(Planned, ABC):
    """The space's own network, then so many proposals, each trained with every seed: one by default.

    Attributes:
        answers: how many answers each question has.
        start: those of the space's own network.
        goal: what is maximised.
        samples: proposals that come to a candidate; None leaves them to the plan.
        random: seed of the draws.
    """

    answers: tuple[int, ...] = Field(min_length=1)
    start: tuple[int, ...]
    goal: Goal
    samples: int | None = Field(default=None, ge=1, le=10_000)
    random: int = 0

    @property
    def proposals(self) -> int:
        assert self.samples is not None, "the plan has filled these in"
        return self.samples

    def points(self) -> list[Point]:
        """The space's own network."""
        return [Point(choices=self.start, names=("start",))]

    def refinements(self) -> Sequence[Self]:
        """Along `SAMPLES`, with one seed, where they are open."""
        wanted = (self.samples,) if self.samples else SAMPLES
        return [self.model_copy(update={"samples": samples, "seeds": self.seeds or 1}) for samples in wanted]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What is missing of the candidates there are; then another proposal, until there are `samples` of them."""
        asks, complete = self.missing(evidence, running)
        if asks:
            return asks
        if self.wants_more(evidence):
            return [Point(choices=self.propose(evidence))]
        return DONE if complete else WAIT

    def wants_more(self, evidence: Evidence) -> bool:
        """Whether another proposal is wanted: those that a limit refuses do not count, but for an end of trying."""
        refused = sum(not proposal.candidate for proposal in evidence.proposals)
        return len(evidence.proposals) - refused < self.proposals and refused < _REFUSED * self.proposals

    def propose(self, evidence: Evidence) -> Choices:
        """The next point, a pure function of the evidence: here a random one that was not proposed before."""
        generator = self.generator(evidence)
        return self.new(evidence, lambda: self.drawn(generator))

    def extended(self, trainings: int, evidence: Evidence) -> Self:
        """More proposals, each with every seed.

        Raises:
            InvalidInput: they are not one proposal more.
        """
        assert self.seeds is not None, "the plan has filled these in"
        if trainings < self.seeds:
            raise InvalidInput(f"{trainings} more trainings are not one network with its {self.seeds} seeds")
        return self.model_copy(update={"samples": self.proposals + trainings // self.seeds})

    # --- what strategies are made of

    def generator(self, evidence: Evidence) -> Generator:
        """Random numbers for the next proposal; each has a stream of its own, so that none goes on from another's."""
        return Generator(f"choices {self.random} {len(evidence.proposals)}")

    def drawn(self, generator: Generator) -> Choices:
        """Any answer to each question, all alike."""
        return tuple(generator.randrange(answers) for answers in self.answers)

    def mutated(self, parent: Choices, generator: Generator) -> Choices:
        """Another answer to one question, of those that have several; the parent where there is none."""
        open_ones = [place for place, answers in enumerate(self.answers) if answers > 1]
        if not open_ones:
            return parent
        place = generator.choice(open_ones)
        others = [answer for answer in range(self.answers[place]) if answer != parent[place]]
        return (*parent[:place], generator.choice(others), *parent[place + 1 :])

    def new(self, evidence: Evidence, draw: Callable[[], Choices]) -> Choices:
        """The first draw that was not proposed before; the last one, if there is none in many."""
        known = {self.start, *(proposal.choices for proposal in evidence.proposals)}
        for _ in range(_TRIES):
            found = draw()
            if found not in known:
                break
        return found

    def reward(self, evidence: Evidence, name: str, epochs: int) -> float | None:
        """Of a candidate, from its mean accuracy over all seeds; None before all have one, or where one failed."""
        assert self.seeds is not None, "the plan has filled these in"
        top1 = mean_top1(evidence, name, seeds=self.seeds, epochs=epochs)
        return None if top1 is None else self.goal.reward(top1, cost_of(evidence, name))

    def rewards(self, evidence: Evidence) -> dict[str, float]:
        """Of all candidates that have one, in the order in which they entered the search."""
        assert self.epochs is not None, "the plan has filled these in"
        found = {name: self.reward(evidence, name, self.epochs) for name in evidence.candidates}
        return {name: reward for name, reward in found.items() if reward is not None}


class RandomStages(Staged):
    """Every answer drawn by itself."""

    strategy: Literal["stages-random"] = "stages-random"


def cost_of(evidence: Evidence, name: str) -> float:
    """MACs at full size, over those of the space's own network."""
    built = evidence.realised.get(name)
    return 1.0 if built is None else built.macs_ratio
