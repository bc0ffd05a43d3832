"""Each dimension alone and compound divisions, beside the unscaled network: what a comparison trains.

Figures 3 and 8 and Table 3 of arXiv 1905.11946: one dimension grows while the others stay, at several costs, and all
divisions are compared at the largest of them.
"""

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from scaling_search.coefficients import REFERENCES, Coefficients
from scaling_search.configuration import Strict
from scaling_search.evidence import UNSCALED, Evidence, Trial
from scaling_search.strategies.base import Ask, Asks, Decision, Planned, sweep
from scaling_search.strategies.points import Point

Axis = Literal["depth", "width", "resolution"]
AXES: tuple[Axis, ...] = ("depth", "width", "resolution")
DETAIL = ((1, 2), (2, 2), (2, 3), (3, 3), (4, 3))
"""(steps, seeds), coarsest first."""


class Compound(Strict):
    """A division that has a name: «given», «pick», «paper», «uniform»."""

    name: str = Field(min_length=1)
    alpha: float = Field(ge=1)
    beta: float = Field(ge=1)
    gamma: float = Field(ge=1)

    @property
    def coefficients(self) -> Coefficients:
        return Coefficients(alpha=self.alpha, beta=self.beta, gamma=self.gamma)


class Compare(Planned):
    """Every network with every seed.

    Attributes:
        axes: the dimensions that are scaled alone.
        compounds: compared with them; the first one is what the comparison is about.
        steps: costs at which each dimension alone is trained, evenly spaced in their logarithm, the largest being that
            of the compounds; None leaves them to the plan, up to 4.
        further: extents (see `Point`) beyond the largest cost, at which all divisions are built once more.
        first_seed: fresh seeds begin here.
        unscaled: the base itself is trained too.
    """

    strategy: Literal["compare"] = "compare"
    axes: tuple[Axis, ...] = AXES
    compounds: tuple[Compound, ...] = Field(min_length=1)
    steps: int | None = Field(default=None, ge=1, le=16)
    further: tuple[float, ...] = ()
    first_seed: int = Field(default=0, ge=0)
    unscaled: bool = True

    def divisions(self) -> list[Point]:
        """The compounds, then the dimensions alone, at the largest cost."""
        compounds = [Point(coefficients=one.coefficients, names=(one.name,)) for one in self.compounds]
        return compounds + [Point(coefficients=REFERENCES[axis].coefficients(), names=(axis,)) for axis in self.axes]

    def points(self) -> list[Point]:
        """What is compared first, then the way there of each dimension alone."""
        assert self.steps is not None, "the plan has filled these in"
        whole = self.divisions()
        steps = [step / self.steps for step in range(self.steps - 1, 0, -1)]
        alone = [point for point in whole if point.names[0] in self.axes]
        return [
            *whole,
            *(Point(coefficients=point.coefficients, extent=extent) for extent in self.further for point in whole),
            *(Point(coefficients=point.coefficients, extent=extent) for extent in steps for point in alone),
        ]

    def every_trial(self, evidence: Evidence) -> list[Trial]:
        """Seed by seed, the unscaled network first."""
        assert self.seeds is not None, "the plan has filled these in"
        names = [*([UNSCALED] if self.unscaled else []), *evidence.candidates]
        seeds = range(self.first_seed, self.first_seed + self.seeds)
        return [Trial(candidate=name, seed=seed) for seed in seeds for name in names]

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """All that is missing, seed by seed."""
        return sweep(self, evidence, running)

    def refinements(self) -> Sequence[Self]:
        """Along `DETAIL`, with what is fixed kept."""
        steps = dict.fromkeys((self.steps or steps, self.seeds or seeds) for steps, seeds in DETAIL)
        return [self.model_copy(update={"steps": steps, "seeds": seeds}) for steps, seeds in steps]
