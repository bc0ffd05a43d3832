"""Strategies over a space of stages: what they propose, what they keep, and the reward that they go by."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

import pytest
from pydantic import ValidationError

from scaling_search.evidence import EVEN, Choices, Evidence, Proposal, Reading, Realised, Trial
from scaling_search.strategies import Ask, Decision, Evolution, Goal, RandomStages, Staged, StagesHalving, StagesOptuna

ANSWERS = (3, 3, 3, 3, 3, 3)
BEST = (2, 0, 1, 2, 0, 1)


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "answers": ANSWERS, "start": (0,) * 6, "goal": Goal(target=1.0), "samples": 40, "seeds": 1, "epochs": 1,
    } | changes  # fmt: skip


def top1(choices: Choices) -> float:
    return 0.9 - 0.1 * sum(one != other for one, other in zip(choices, BEST, strict=False))


def known(found: Mapping[str, Choices], costs: Mapping[str, float] | None = None) -> Evidence:
    """Candidates that are trained to their end, each but the first a proposal."""
    return Evidence.of(
        dict.fromkeys(found, EVEN),
        [Reading(trial=Trial(candidate=name, seed=0), epoch=1, status="paused", top1=top1(choices))
         for name, choices in found.items()],
        [Proposal(shares=EVEN, candidate=name, choices=choices) for name, choices in list(found.items())[1:]],
        realised={name: Realised(EVEN, (costs or {}).get(name, 1.0)) for name in found},
        choices=found,
    )  # fmt: skip


def searched(strategy: Staged) -> list[Choices]:
    """All that it tries, in order."""
    found = {"c00": strategy.start}
    while len(found) <= strategy.proposals:
        found[f"c{len(found):02d}"] = strategy.propose(known(found))
    return list(found.values())


def test_the_soft_reward_is_the_papers() -> None:
    goal = Goal(target=2.0)
    assert goal.reward(0.8, 2.0) == pytest.approx(0.8)
    assert goal.reward(0.8, 4.0) == pytest.approx(0.8 * 2**-0.07)
    assert goal.reward(0.8, 1.0) == pytest.approx(0.8 * 2**0.07)


def test_the_hard_reward_knows_only_too_much() -> None:
    goal = Goal(kind="hard", target=2.0)
    assert goal.reward(0.8, 1.0) == goal.reward(0.8, 2.0) == pytest.approx(0.8)
    assert goal.reward(0.8, 4.0) == pytest.approx(0.4)


def test_a_weight_that_rewards_cost_is_refused() -> None:
    with pytest.raises(ValidationError):
        Goal(target=1.0, weight=0.07)


def test_a_child_differs_from_its_parent_in_one_answer() -> None:
    evolution = Evolution(**settings(population=5, tournament=5))
    found = {f"c{number:02d}": choices for number, choices in enumerate(searched(evolution)[:6])}
    best = max(list(found.values())[-5:], key=top1)
    child = evolution.propose(known(found))
    assert sum(one != other for one, other in zip(child, best, strict=True)) == 1


def test_the_oldest_leaves_the_population_however_good_it_is() -> None:
    evolution = Evolution(**settings(population=2, tournament=2))
    found = {"c00": BEST, "c01": (0, 0, 0, 0, 0, 0), "c02": (1, 1, 1, 1, 1, 1)}
    assert evolution.alive(known(found)) == ["c01", "c02"]


def test_a_costly_network_is_no_parent() -> None:
    evolution = Evolution(**settings(population=2, tournament=2, goal=Goal(kind="hard", target=1.0)))
    found = {"c00": (0, 0, 0, 0, 0, 1), "c01": BEST}
    costly = evolution.propose(known(found, {"c01": 9.0}))
    assert sum(one != other for one, other in zip(costly, found["c00"], strict=True)) == 1


def test_proposals_differ_while_the_space_has_others() -> None:
    assert len(set(searched(RandomStages(**settings())))) == 41
    small = RandomStages(**settings(answers=(2, 1), start=(0, 0), samples=3))
    assert searched(small)[1] == (1, 0)
    assert set(searched(small)) == {(0, 0), (1, 0)}


@pytest.mark.parametrize("kind", [Evolution, StagesOptuna])
def test_what_learns_finds_better_ones_than_chance(kind: type[Staged]) -> None:
    late, chance = searched(kind(**settings(samples=80)))[-15:], searched(RandomStages(**settings(samples=80)))[-15:]
    assert fmean(map(top1, late)) > fmean(map(top1, chance)) + 0.08


def test_nsga2_keeps_what_is_good_or_cheap() -> None:
    """Cost is the sum of the answers, accuracy is highest at BEST: the second half leans to neither alone."""
    strategy = StagesOptuna(**settings(goal=Goal(kind="frontier", target=1.0), samples=60))
    found = {"c00": strategy.start}
    while len(found) <= strategy.proposals:
        costs = {name: 1.0 + sum(choices) for name, choices in found.items()}
        found[f"c{len(found):02d}"] = strategy.propose(known(found, costs))
    every = list(found.values())
    chance = searched(RandomStages(**settings(samples=60)))
    assert fmean(map(sum, every[-20:])) < fmean(map(sum, chance[-20:])) - 1
    assert fmean(map(top1, every[-20:])) > fmean(map(top1, chance[-20:]))


def test_halving_keeps_the_better_reward_not_the_better_accuracy() -> None:
    strategy = StagesHalving(**settings(samples=1, epochs=2, goal=Goal(kind="hard", target=1.0)))
    evidence = known({"c00": (0, 0, 0, 0, 0, 1), "c01": BEST}, {"c01": 9.0})
    asks = strategy.decide(evidence, frozenset())
    assert not isinstance(asks, Decision)
    assert [ask.trial.candidate for ask in asks if isinstance(ask, Ask)] == ["c00"]
