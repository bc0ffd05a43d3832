"""Points proposed by Optuna on the share triangle, through its own `add_trial` and `ask`.

The study is built again from the evidence each time something is to be proposed, so there is nothing to save, any
executor will do, and a resumed search proposes what an undisturbed one would have.
"""

from math import sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from scaling_search.coefficients import Shares
from scaling_search.evidence import Division, Evidence, Trial
from scaling_search.strategies.base import DONE, WAIT, Ask, Asks, Decision, Planned
from scaling_search.strategies.points import Point, reference_points, shares_of

if TYPE_CHECKING:
    import optuna


class Optuna(Planned):
    """The references, then points that one of Optuna's samplers proposes, each trained with every seed.

    Attributes:
        samples: points proposed beyond the references.
        sampler: tree-structured Parzen estimator, Gaussian process, or random.
        storage: an Optuna storage («sqlite:///study.db») in which the finished trials are kept too, to be looked at
            with Optuna's own tools; proposals never depend on what lies there.
        random: seed of the sampler.
    """

    strategy: Literal["optuna"] = "optuna"
    samples: int = Field(default=16, ge=1)
    sampler: Literal["tpe", "gp", "random"] = "tpe"
    storage: str | None = None
    random: int = 0

    @property
    def proposals(self) -> int:
        return self.samples

    def points(self) -> list[Point]:
        """The references: what Optuna learns from first."""
        return reference_points()

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        """What is missing of the candidates there are; then another point, until there are `samples` of them."""
        asks, complete = self.missing(evidence, running)
        if asks:
            return asks
        if len(evidence.proposals) < self.samples:
            return [Point(coefficients=self.propose(evidence).coefficients())]
        if complete and self.storage is not None:
            self._mirror(evidence)
        return DONE if complete else WAIT

    def propose(self, evidence: Evidence) -> Shares:
        """The next point; a pure function of the evidence."""
        optuna = silent_optuna()
        study = optuna.create_study(direction="maximize", sampler=self._sampler(len(evidence.proposals)))
        study.add_trials(self._frozen(evidence))
        if self.storage is not None:
            self._mirror(evidence)
        parameters = study.ask(_space()).params
        return to_shares(parameters["u"], parameters["v"])

    def _sampler(self, number: int) -> Any:
        samplers = silent_optuna().samplers
        seed = 1000 * self.random + number  # another stream for each proposal: none carries on from the one before
        if self.sampler == "gp":
            return samplers.GPSampler(seed=seed, deterministic_objective=False)
        return samplers.TPESampler(seed=seed) if self.sampler == "tpe" else samplers.RandomSampler(seed=seed)

    def _frozen(self, evidence: Evidence) -> "list[optuna.trial.FrozenTrial]":
        """The evidence as Optuna's trials: the starting candidates, then the proposals; failed where nothing came."""
        proposed = {proposal.candidate for proposal in evidence.proposals}
        start = [(name, shares) for name, shares in evidence.candidates.items() if name not in proposed]
        asked = [(proposal.candidate, proposal.shares) for proposal in evidence.proposals]
        return [self._trial(evidence, name, shares) for name, shares in [*start, *asked]]

    def _trial(self, evidence: Evidence, name: str, shares: Division) -> "optuna.trial.FrozenTrial":
        optuna = silent_optuna()
        u, v = from_shares(shares_of(shares))
        states = optuna.trial.TrialState
        value, state = self._value(evidence, name), states.COMPLETE
        if value is None:
            state = states.FAIL if not name or self._ended(evidence, name) else states.RUNNING
        return optuna.trial.create_trial(
            params={"u": u, "v": v}, distributions=_space(), value=value, state=state, user_attrs={"candidate": name}
        )

    def _value(self, evidence: Evidence, name: str) -> float | None:
        """Mean top-1 over seeds; None before all have one, or when one failed."""
        assert self.seeds is not None and self.epochs is not None
        found = [evidence.top1(Trial(candidate=name, seed=seed), self.epochs) for seed in range(self.seeds)]
        scores = [score for score in found if score is not None]
        return fmean(scores) if name and len(scores) == self.seeds else None

    def _ended(self, evidence: Evidence, name: str) -> bool:
        assert self.seeds is not None and self.epochs is not None
        return all(evidence.has(Trial(candidate=name, seed=seed), self.epochs) for seed in range(self.seeds))

    def _mirror(self, evidence: Evidence) -> None:
        """Adds the finished trials that the storage does not hold yet."""
        optuna = silent_optuna()
        kept = optuna.create_study(
            study_name="scaling-search", storage=self.storage, direction="maximize", load_if_exists=True
        )
        known = {trial.user_attrs.get("candidate") for trial in kept.get_trials(deepcopy=False)}
        finished = [trial for trial in self._frozen(evidence) if trial.state.is_finished()]
        named = {str(trial.user_attrs["candidate"]): trial for trial in finished if trial.user_attrs["candidate"]}
        kept.add_trials([trial for name, trial in named.items() if name not in known])


def to_shares(u: float, v: float) -> Shares:
    """The unit square mapped onto the triangle so that uniform points stay uniform."""
    root = sqrt(u)
    return Shares(depth=1 - root, width=root * (1 - v), resolution=root * v)


def from_shares(shares: Shares) -> tuple[float, float]:
    """The inverse of `to_shares`; at the depth corner v is free, and a half."""
    root = min(max(1 - shares.depth, 0.0), 1.0)
    v = shares.resolution / root if root > 0 else 0.5
    return root**2, min(max(v, 0.0), 1.0)


def _space() -> dict[str, Any]:
    from optuna.distributions import FloatDistribution

    return {"u": FloatDistribution(0.0, 1.0), "v": FloatDistribution(0.0, 1.0)}


def silent_optuna() -> Any:
    """Optuna, silent; imported when it is needed: half a second."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
