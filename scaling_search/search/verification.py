"""verification.yaml: whether a run's answer held with fresh seeds and longer trainings, as one strict model.

It lies beside run.yaml; `study/verification.py` writes it, and the page reads it (docs/compare.md describes each key).
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from scaling_search.configuration import Strict, parse, read_yaml, to_yaml
from scaling_search.files import write_atomically

VERIFICATION = "verification.yaml"
_HEADER = (
    "# Whether this run's answer held with fresh seeds and longer trainings; written by `scaling-search verify` "
    "(docs/compare.md).\n# Accuracies and losses are fractions; low … high hold 95 %.\n"
)


class Division(Strict):
    """Shares of depth, width and resolution in the compute."""

    depth: float = Field(ge=-1e-6, le=1 + 1e-6)
    width: float = Field(ge=-1e-6, le=1 + 1e-6)
    resolution: float = Field(ge=-1e-6, le=1 + 1e-6)

    def as_tuple(self) -> tuple[float, float, float]:
        return self.depth, self.width, self.resolution


class Verified(Strict):
    """One network, trained again.

    Attributes:
        names: «pick», «runner-up», «uniform», «paper», «depth», «width», «resolution»; several that came to one network
            stand together.
        candidate: its id in verification/candidates.csv.
        shares: effective ones.
        macs_ratio: realised MACs over the proxies' base's.
        expected: accuracy that the run expected of it, at the run's length.
        top1_short, top1: mean accuracy over fresh seeds at the run's length and at the longer one.
        top1_se: standard error of top1; None with one seed.
        seeds: that finished.
    """

    names: tuple[str, ...] = Field(min_length=1)
    candidate: str
    shares: Division
    macs_ratio: float = Field(gt=0)
    expected: float
    top1_short: float | None = Field(default=None, ge=0, le=1)
    top1: float = Field(ge=0, le=1)
    top1_se: float | None = Field(default=None, ge=0)
    seeds: int = Field(ge=1)


class Headline(Strict):
    """The pick's accuracy as the run had it, and as it is with fresh seeds.

    A search reports the best of many, which chance has helped; fresh seeds do not know of that (the winner's curse).

    Attributes:
        reported: what the run expects of its pick, at the run's length.
        fresh: with fresh seeds, at the same length; None where none has finished.
        longer: with fresh seeds, after the longer training.
    """

    reported: float
    fresh: float | None = None
    longer: float = Field(ge=0, le=1)
    longer_se: float | None = None


class Order(Strict):
    """Pairs of networks whose order held, of so many, as fractions of which chance gives a half."""

    held: int = Field(ge=0)
    pairs: int = Field(ge=1)

    @property
    def share(self) -> float:
        return self.held / self.pairs


class Picked(Strict):
    """Where the best division lay under some conditions.

    Attributes:
        of: «run», «fresh seeds», «longer», «larger», «own growth».
        epochs: of the trainings.
        growth: cost of the candidates over the base's.
        shares: of the pick; expected_loss: what it is expected to lose, among the networks that were trained.
    """

    of: Literal["run", "fresh seeds", "longer", "larger", "own growth"]
    epochs: int = Field(ge=1)
    growth: float = Field(gt=0)
    shares: Division
    expected_loss: float


class OwnGrowth(Strict):
    """The run's pick among networks of the growth that was asked for, 2^φ, where proxies have more leverage.

    Attributes:
        growth: their cost over the base's.
        loss: what the run's pick is expected to lose there.
        agree: «yes»: that is no more than ε; «no»: the pick lies outside of what may be as good there; «unknown»:
            neither.
    """

    growth: float = Field(gt=0)
    loss: float = Field(ge=0)
    agree: Literal["yes", "no", "unknown"]

    @property
    def sentence(self) -> str:
        """In words."""
        lost = f"the run's pick is expected to lose {100 * self.loss:.2g} points"
        says = {"yes": "they agree", "no": "they do not agree", "unknown": "that does not tell whether they agree"}[
            self.agree
        ]
        return f"at {self.growth:.3g}×, the growth that was asked for, {lost}: {says}"


class Transfer(Strict):
    """What became of the pick when trainings got longer and networks larger, and how far the target is from that.

    Attributes:
        picks: the run's first.
        order_by_length: pairs of networks whose order held from the shorter to the longer training.
        order_by_growth: … from the smaller to the larger networks; None where no larger ones were trained.
        own_growth: None where no networks of the growth that was asked for were trained.
        distance: MACs of the full-size pick over those of its stand-in.
    """

    picks: tuple[Picked, ...]
    order_by_length: Order | None = None
    order_by_growth: Order | None = None
    own_growth: OwnGrowth | None = None
    distance: float | None = Field(default=None, gt=0)


class Verification(Strict):
    """All that a verification found.

    Attributes:
        verdict: «held»: the pick loses at most ε to the highest mean; «changed»: another one is better beyond chance
            (95 %); «not told apart»: neither.
        ahead: the best other network; lost: what the pick loses to it (negative: what it is ahead), low … high.
        order: pairs whose order is what the run expected.
        epochs: of the run's trainings and of these.
    """

    version: Literal[1] = 1
    verdict: Literal["held", "changed", "not told apart"]
    sentence: str
    epsilon: float
    epochs: tuple[int, int]
    seeds: int = Field(ge=1)
    first_seed: int = Field(ge=0)
    headline: Headline
    ahead: str
    lost: float
    low: float | None = None
    high: float | None = None
    order: Order
    networks: tuple[Verified, ...]
    transfer: Transfer


def write_verification(run: Path, found: Verification) -> Path:
    """Writes verification.yaml into the run's folder, whole or not at all."""
    path = run / VERIFICATION
    write_atomically(path, _HEADER + to_yaml(found.model_dump(mode="json")))
    return path


def read_verification(run: Path) -> Verification | None:
    """What verification.yaml of the run's folder says; None where there is none.

    Raises:
        InvalidInput: it is damaged, or edited into something else; one sentence.
    """
    path = run / VERIFICATION
    return parse(Verification, read_yaml(path), origin=path) if path.is_file() else None
