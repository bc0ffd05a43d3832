"""The strategies that ship keep every promise of the kit; and the kit notices when one does not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Literal, Self, get_args

import pytest

from scaling_search.coefficients import REFERENCES, Shares
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Evidence, Proposal, Reading, Trial
from scaling_search.search.searchspace import SearchConfig, StrategyName
from scaling_search.strategies import (
    DONE,
    STAGED,
    STRATEGIES,
    WAIT,
    Ask,
    Asks,
    Compare,
    Compound,
    Decision,
    Evolution,
    Goal,
    Grid,
    Halving,
    Lattice,
    Optuna,
    Point,
    Race,
    Random,
    StagesOptuna,
    Strategy,
    Surface,
    testing,
)
from scaling_search.strategies.optuna import from_shares, to_shares

STRATEGIES_UNDER_TEST = (
    Lattice(parts=2, seeds=2, epochs=3),
    Lattice(parts=1, seeds=1, epochs=1),
    Grid(step=0.25, tolerance=0.2, seeds=1, epochs=2),
    Optuna(samples=5, seeds=2, epochs=2),
    Optuna(samples=4, seeds=1, epochs=2, sampler="random"),
    Halving(parts=2, seeds=2, epochs=5),
    Race(parts=2, seeds=3, epochs=2),
    Random(samples=6, seeds=2, epochs=2),
    Surface(trials=16, epochs=2),
    Compare(compounds=(Compound(name="paper", alpha=1.2, beta=1.1, gamma=1.15),), steps=2, seeds=2, epochs=2,
            unscaled=False),
    *(kind(answers=(3, 2, 3, 4), start=(0, 0, 0, 0), goal=Goal(target=1.0), samples=9, seeds=2, epochs=3)
      for kind in STAGED.values()),
    Evolution(answers=(3, 3, 1, 4), start=(1, 1, 0, 1), goal=Goal(kind="hard", target=1.0), samples=12, seeds=1,
              epochs=2, population=4, tournament=2),
    StagesOptuna(answers=(3, 2, 4), start=(0, 0, 0), goal=Goal(kind="frontier", target=1.0), samples=12, seeds=1,
                 epochs=2),
)  # fmt: skip


@pytest.mark.parametrize("check", testing.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("strategy", STRATEGIES_UNDER_TEST, ids=str)
def test_every_strategy_keeps_its_promises(strategy: Strategy, check: Callable[[Strategy], None]) -> None:
    check(strategy)


@dataclass(frozen=True)
class Faulty:
    """A lattice with one fault."""

    fault: str
    inner: Lattice = field(default_factory=lambda: Lattice(parts=1, seeds=2, epochs=2))
    calls: list[int] = field(default_factory=lambda: [0])

    @property
    def name(self) -> str:
        return "faulty"

    @property
    def seeds(self) -> int | None:
        return self.inner.seeds

    @property
    def epochs(self) -> int | None:
        return self.inner.epochs

    @property
    def proposals(self) -> int:
        return 0

    def points(self) -> list[Point]:
        return self.inner.points()

    def trainings(self, candidates: int) -> int:
        return self.inner.trainings(candidates)

    def refinements(self) -> Sequence[Self]:
        return [self]

    def with_epochs(self, epochs: int) -> Self:
        return self

    def to_dict(self) -> dict[str, Any]:
        return {}

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Asks | Decision:
        decision = self.inner.decide(evidence, running)
        self.calls[0] += 1
        ended = [trial for trial, history in evidence.histories.items() if history[-1].resting]
        match self.fault:
            case "asks again" if ended:
                return [Ask(ended[0], 2)]
            case "too many epochs" if not isinstance(decision, Decision):
                return [Ask(ask.trial, 3) for ask in decision if isinstance(ask, Ask)]
            case "another seed" if decision is DONE and len(evidence.histories) < 13:
                return [Ask(Trial(candidate="c00", seed=2), 2)]
            case "no candidate" if decision is DONE:
                return [Ask(Trial(candidate="c99", seed=0), 2)]
            case "remembers" if not isinstance(decision, Decision) and self.calls[0] % 2:
                return list(reversed(decision))
            case "waits for nothing" if decision is DONE:
                return WAIT
        return decision


FAULTS = {
    "asks again": testing.check_stays_inside,
    "too many epochs": testing.check_stays_inside,
    "another seed": testing.check_stays_inside,
    "no candidate": testing.check_stays_inside,
    "remembers": testing.check_is_deterministic,
    "waits for nothing": testing.check_waits_for_others,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_kit_notices(fault: str) -> None:
    with pytest.raises(AssertionError):
        FAULTS[fault](Faulty(fault))
    FAULTS[fault](Faulty("none"))


def test_proposals_beyond_those_announced_are_noticed() -> None:
    class Greedy(Optuna):
        @property
        def proposals(self) -> int:
            return 1

    with pytest.raises(AssertionError, match="more points than it had said"):
        testing.check_keeps_the_budget(Greedy(samples=3, seeds=1, epochs=1))


def test_the_words_of_the_command_line_are_the_registry() -> None:
    assert set(get_args(StrategyName)) == set(STRATEGIES)


def test_settings_make_a_strategy_and_those_of_another_are_refused() -> None:
    assert SearchConfig(parts=4).make_strategy(seeds=3) == Lattice(parts=4, seeds=3)
    assert SearchConfig(strategy="grid", step=0.1).make_strategy() == Grid(step=0.1)
    assert SearchConfig(samples=4).make_strategy() == Optuna(samples=4)
    assert SearchConfig().make_strategy() == Surface()
    with pytest.raises(InvalidInput, match=r"--search surface has no parts$"):
        SearchConfig(strategy="surface", parts=3).make_strategy()
    with pytest.raises(InvalidInput, match="--search grid has no parts; it takes step and tolerance"):
        SearchConfig(strategy="grid", parts=3).make_strategy()


def test_what_is_fixed_stays_in_every_refinement() -> None:
    assert {(one.parts, one.seeds) for one in Lattice(parts=3, seeds=5).refinements()} == {(3, 5)}
    assert [one.parts for one in Lattice().refinements()] == [1, 2, 3, 4, 6, 6]
    assert [one.seeds for one in Grid().refinements()] == [2, 3]


def test_a_sweep_compares_all_candidates_before_it_repeats_one() -> None:
    strategy = Lattice(parts=1, seeds=2, epochs=1)
    evidence = Evidence.of({"c00": (1, 0, 0), "c01": (0, 1, 0)}, [])
    asks = strategy.decide(evidence, frozenset())
    assert not isinstance(asks, Decision)
    assert [str(ask.trial) for ask in asks if isinstance(ask, Ask)] == ["c00-s0", "c01-s0", "c00-s1", "c01-s1"]


@pytest.mark.parametrize("shares", [*REFERENCES.values(), Shares(depth=0.2, width=0.3, resolution=0.5)])
def test_the_square_maps_onto_the_triangle_and_back(shares: Shares) -> None:
    assert to_shares(*from_shares(shares)).as_tuple() == pytest.approx(shares.as_tuple())


def test_optuna_learns_from_what_it_is_told() -> None:
    """The best is at four fifths for resolution: proposals gather there, which random ones do not."""

    def proposed(sampler: Literal["tpe", "random"]) -> list[float]:
        strategy = Optuna(samples=30, seeds=1, epochs=1, sampler=sampler)
        candidates = {name: shares.as_tuple() for name, shares in REFERENCES.items()}
        proposals: list[Proposal] = []
        while len(proposals) < 30:
            readings = [
                Reading(trial=Trial(candidate=name, seed=0), epoch=1, status="done", top1=1 - (shares[2] - 0.8) ** 2)
                for name, shares in candidates.items()
            ]
            shares = strategy.propose(Evidence.of(candidates, readings, proposals)).as_tuple()
            candidates[f"p{len(proposals)}"] = shares
            proposals.append(Proposal(shares=shares, candidate=f"p{len(proposals)}"))
        return [abs(proposal.shares[2] - 0.8) for proposal in proposals[10:]]

    assert fmean(proposed("tpe")) < 0.6 * fmean(proposed("random"))


def test_optuna_hears_of_a_candidate_that_failed_once_as_failed(tmp_path: Any) -> None:
    """The mean of the seeds that came through would be compared with means over all seeds."""
    import optuna

    storage = f"sqlite:///{tmp_path}/study.db"
    strategy = Optuna(samples=1, seeds=2, epochs=1, storage=storage)
    readings = [
        Reading(trial=Trial(candidate=name, seed=seed), epoch=1, status="failed" if failed else "done", top1=0.9)
        for name, seed, failed in (("c00", 0, False), ("c00", 1, True), ("c01", 0, False), ("c01", 1, False))
    ]
    candidates = {"c00": (1.0, 0.0, 0.0), "c01": (0.0, 1.0, 0.0)}
    strategy.propose(Evidence.of(candidates, readings))
    kept = optuna.load_study(study_name="scaling-search", storage=storage).trials
    assert [(trial.user_attrs["candidate"], trial.state.name, trial.value) for trial in kept] == [
        ("c00", "FAIL", None), ("c01", "COMPLETE", 0.9),
    ]  # fmt: skip


def test_optuna_keeps_its_study_where_it_is_told_to(tmp_path: Any) -> None:
    import optuna

    storage = f"sqlite:///{tmp_path}/study.db"
    kept = Optuna(samples=3, seeds=1, epochs=1, storage=storage)
    world = testing.search(kept, testing.World())
    assert world.proposals == testing.search(Optuna(samples=3, seeds=1, epochs=1), testing.World()).proposals
    study = optuna.load_study(study_name="scaling-search", storage=storage)
    assert len(study.trials) == len(world.candidates)
    assert study.best_value == pytest.approx(max(reading.top1 or 0 for reading in world.readings))
