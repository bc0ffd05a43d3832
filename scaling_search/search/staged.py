"""A space of stages as the driver sees it: choices become candidates, small networks with their realised cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pydantic import Field

from scaling_search.architecture import Network
from scaling_search.coefficients import Multipliers
from scaling_search.configuration import Strict
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Choices
from scaling_search.search.proxy import ProxySize, proxy_base
from scaling_search.search.space import Built, Candidate, Limits, Rule, Space, describe, unscaled_candidate
from scaling_search.search.stages import StageSpace
from scaling_search.strategies import Goal, Point

FOUND = "baseline.yaml"
"""The file of a run folder that says what was found."""

MOST_COST = 2.0
"""Times the target that a candidate costs at most, where nobody says: what is dearer is no answer, however good."""


class Seeking(Strict):
    """What a search for a baseline is about; run.yaml keeps it.

    Attributes:
        space: of stages.
        target: MACs that are wanted of the full-size network.
        goal: the same over the MACs of the space's own network, and how accuracy and cost are weighed.
        size: how small networks are made for training, all alike.
    """

    space: StageSpace
    target: int = Field(gt=0)
    goal: Goal
    size: ProxySize

    def small(self, network: Network, classes: int) -> Network:
        """The stand-in that is trained for a network of full size: shown as many pixels more as the network is."""
        pixels = round(self.size.resolution * network.resolution / self.space.network().resolution)
        return proxy_base(network, self.size.model_copy(update={"resolution": pixels}), classes=classes)


@dataclass(frozen=True, kw_only=True)
class StagedSpace(Space):
    """Points are choices; base is the stand-in of the space's own network, which costs are told in.

    Attributes:
        seeking: what is searched.
        classes: of the data.
    """

    seeking: Seeking
    classes: int
    rule: Rule = field(default_factory=lambda: Rule(growth=1.0))

    @classmethod
    def of(cls, seeking: Seeking, *, classes: int, limits: Limits) -> "StagedSpace":
        """The space that a search of this kind has."""
        full = seeking.space.network()
        return cls(
            base=seeking.small(full, classes), full=full, limits=limits, seeking=seeking, classes=classes
        )  # fmt: skip

    @cached_property
    def _own_macs(self) -> tuple[int, int]:
        """Of the space's own network: its stand-in's, and its own."""
        assert self.full is not None
        return self.base.cost().macs, self.full.cost().macs

    def _candidates(self, points: Sequence[Point]) -> Iterator[Candidate | InvalidInput]:
        for point in points:
            try:
                yield self._built(point.choices, point.names)
            except InvalidInput as error:
                yield error

    def _built(self, choices: Choices, names: tuple[str, ...]) -> Candidate:
        full = self.seeking.space.build(choices)
        network, cost = self.seeking.small(full, self.classes), full.cost()
        small_macs, full_macs = self._own_macs
        built = Built(
            multipliers=Multipliers(depth=1.0, width=1.0, resolution=1.0), pixels=full.resolution,
            network=describe(full), cost=cost, macs_ratio=cost.macs / full_macs,
        )  # fmt: skip
        return unscaled_candidate(
            "", network, macs_ratio=network.cost().macs / small_macs, names=names, choices=choices, described=True,
            full=built,
        )  # fmt: skip

    def _allows(self, candidate: Candidate) -> bool:
        assert candidate.full is not None, "every choice has a network of full size"
        if self.limits.latency is None:
            return self.limits.allow(candidate.network, candidate.full.cost)
        return self.limits.allow(self.seeking.space.build(candidate.choices), candidate.full.cost)
