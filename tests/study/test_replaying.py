"""Strategies over recorded readings: what they see, what their picks are judged by, and what comes of it."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from fake_training import quick
from test_floors import imported_by
from tiny_study import MakeStudy, interrupted_after

from scaling_search.analysis.answer import pick_alone
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Evidence, Reading
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import DONE, STRATEGIES, Ask, Decision, Lattice, Optuna, Race, Surface
from scaling_search.study.answer import read_answer
from scaling_search.study.recorded import read_recorded, search_recorded, splits
from scaling_search.study.replay import _best_mean, make_named, replay

TWO_SEEDS = RunFolder(Path(__file__).parents[2] / "results" / "clothing-b0-phi1")
THREE_SEEDS = RunFolder(Path(__file__).parents[2] / "results" / "clothing-b0-8x")
WITH_BASE = RunFolder(Path(__file__).parents[2] / "results" / "tables" / "embedded-b0")


def order(reading: Reading) -> tuple[object, ...]:
    return reading.trial, reading.epoch


def test_a_strategy_that_sees_everything_comes_to_the_recorded_answer() -> None:
    recorded = read_recorded(TWO_SEEDS)
    readings = search_recorded(Lattice(parts=2, seeds=2, epochs=4), recorded)
    everything = [reading for history in recorded.histories.values() for reading in history]
    assert sorted(readings, key=order) == sorted(everything, key=order)
    analysis = read_answer(TWO_SEEDS).analysis
    assert pick_alone(recorded.trials(readings)) == pytest.approx(analysis.pick.shares.as_tuple())
    assert recorded.best == analysis.table["top1"].idxmax()


class Curious(Lattice):
    """Asks for nothing, and keeps what it was shown."""

    shown: ClassVar[list[Evidence]] = []

    def decide(self, evidence: Evidence, running: frozenset[Ask]) -> Decision:
        self.shown.append(evidence)
        return DONE


def test_a_strategy_has_the_unscaled_network_before_it_asks() -> None:
    recorded, strategy = read_recorded(WITH_BASE), Curious(parts=2, seeds=1, epochs=3)
    assert search_recorded(strategy, recorded) == []
    assert {(trial.candidate, trial.seed) for trial in strategy.shown[0].unscaled} == {(UNSCALED, n) for n in range(5)}
    readings = search_recorded(Lattice(parts=2, seeds=1, epochs=3), recorded)
    trials = recorded.trials(readings)
    assert list(trials.unscaled["candidate"]) == [UNSCALED] * 5
    assert UNSCALED not in set(trials.final["candidate"])
    assert recorded.seeds == [0, 1, 2], "those of the candidates"


@pytest.mark.parametrize("repeat", [0, 1])
def test_each_seed_is_hidden_once_and_is_the_truth(repeat: int) -> None:
    recorded = read_recorded(THREE_SEEDS)
    last = {trial: history[-1].top1 for trial, history in recorded.histories.items()}
    hidden = {name: set() for name in recorded.everything.index}  # type: ignore[var-annotated]
    for split in splits(recorded, repeat=repeat):
        for name in recorded.everything.index:
            seen = [history[-1].top1 for trial, history in split.seen.items() if trial.candidate == name]
            assert sorted([*seen, split.truth[name]]) == sorted(last[t] for t in last if t.candidate == name)  # type: ignore[type-var]
            hidden[name].add(split.truth[name])
        assert {trial.seed for trial in split.seen} == {0, 1}
    assert all(len(values) == 3 for values in hidden.values())


def test_what_is_always_picked_loses_what_its_mean_lacks() -> None:
    """Over all splits the hidden seeds are all seeds, so the noise of single seeds is gone."""
    everything = read_recorded(TWO_SEEDS).everything
    truths = [split.truth for split in splits(read_recorded(TWO_SEEDS), repeat=2)]
    for name in everything.index:
        assert sum(truth[name] for truth in truths) / 2 == pytest.approx(everything[name])


def test_picks_are_judged_by_the_hidden_seeds() -> None:
    recorded, strategy = read_recorded(TWO_SEEDS), Lattice(parts=2, seeds=1, epochs=4)
    (found,) = replay(TWO_SEEDS, [strategy])
    final = pd.read_csv(TWO_SEEDS.path / "trials.csv").query("epoch == 4")
    table = final.pivot(index="candidate", columns="seed", values="top1")
    top1, place = table.to_numpy(float), int(table.mean(axis=1).argmax())
    regrets = [top1[place, 1 - seen] - top1[top1[:, seen].argmax(), 1 - seen] for seen in (1, 0)]
    assert found.by_means is not None and found.by_means.regret == pytest.approx(np.mean(regrets))
    picked = []
    for split in splits(recorded, repeat=0):
        readings = [reading for history in split.seen.values() for reading in history]
        nearest = recorded.nearest(pick_alone(recorded.trials(readings)))
        picked.append(split.truth[recorded.best] - split.truth[nearest])
    assert found.regret == pytest.approx(np.mean(picked)) and any(picked)


def test_a_strategy_pays_for_what_it_asked() -> None:
    whole, short = replay(TWO_SEEDS, [Lattice(parts=2, seeds=1, epochs=4), Lattice(parts=1, seeds=1, epochs=2)])
    assert (whole.trainings, whole.compute) == (9, 0.5), "the other seed is hidden"
    assert (short.trainings, short.compute) == (6, 6 * 2 / (18 * 4))


def test_every_strategy_searches_the_same_table() -> None:
    results = replay(THREE_SEEDS, list(STRATEGIES))
    assert [result.strategy for result in results] == list(STRATEGIES)
    found = {result.strategy: result for result in results}
    assert all(0 < result.compute <= 2 / 3 for result in results)
    assert {result.nearest for result in results} <= {row.id for row in read_recorded(THREE_SEEDS).rows}
    assert [name for name in found if found[name].by_means is None] == ["surface"]
    assert found["halving"].compute < 0.55 * found["grid"].compute


def test_means_pick_the_best_of_what_was_trained_furthest() -> None:
    """In a race the best of all means may be of one lucky seed."""
    recorded = read_recorded(THREE_SEEDS)
    readings = search_recorded(Race(parts=3, seeds=3, epochs=4), recorded)
    thrice = {reading.trial.candidate for reading in readings if reading.trial.seed == 2}
    means = recorded.everything[sorted(thrice)]
    assert 1 < len(thrice) < 6
    assert _best_mean(Race(parts=3, seeds=3, epochs=4), readings) == means.idxmax()


def test_early_readings_stand_before_the_end_and_cost_less() -> None:
    results = replay(THREE_SEEDS, ["race"], after=(6, 12, 1000))
    ends = [result.trainings for result in results]
    assert ends == [6, 12, 18]
    assert [result.compute for result in results] == pytest.approx([n / 36 for n in ends])


def test_repeats_are_the_same_each_time_and_vary_among_each_other() -> None:
    strategy = Optuna(samples=3, seeds=1, epochs=2)
    first, again = (replay(THREE_SEEDS, [strategy], repeats=4) for _ in range(2))
    assert first == again
    (found,) = first
    assert found.repeats == 4
    assert found.by_means is not None
    assert found.by_means.regret_low <= found.by_means.regret <= found.by_means.regret_high
    assert found.by_means.regret_low < found.by_means.regret_high, "another order of seeds, another noise"
    (once,) = replay(THREE_SEEDS, [strategy])
    assert (once.pick, once.nearest, once.verdict) == (found.pick, found.nearest, found.verdict), "the first of them"


def test_a_search_that_was_not_finished_is_replayed_as_far_as_it_went(make_study: MakeStudy) -> None:
    make_study().run(train=interrupted_after(15))
    found = replay(RunFolder(Path("run")), ["lattice"])[0]
    assert 0 < found.trainings <= 6, "what was never trained is asked for, and costs nothing"


def test_a_run_of_ones_own(make_study: MakeStudy) -> None:
    make_study().run(train=quick)
    found = replay(RunFolder(Path("run")), ["lattice"])[0]
    assert (found.trainings, found.compute) == (6, 0.5)


def test_what_cannot_be_replayed(make_study: MakeStudy) -> None:
    with pytest.raises(InvalidInput, match="there is no strategy 'lattise'; did you mean lattice"):
        replay(TWO_SEEDS, ["lattise"])
    with pytest.raises(InvalidInput, match="is not a run"):
        replay(RunFolder(Path()), ["lattice"])
    make_study().run(train=interrupted_after(0))
    with pytest.raises(InvalidInput, match="run has no readings to replay"):
        replay(RunFolder(Path("run")), ["lattice"])


def test_no_network_is_built() -> None:
    code = f"from scaling_search.cli import app; app(['replay', {str(TWO_SEEDS.path)!r}], standalone_mode=False)"
    assert not imported_by(code) & {"torch", "ray", "matplotlib"}


def test_a_replay_judges_by_the_epsilon_of_the_run() -> None:
    recorded = read_recorded(TWO_SEEDS)
    question = recorded.record.question.model_copy(update={"epsilon": 0.05})
    wide = replace(recorded, record=recorded.record.model_copy(update={"question": question}))
    readings = search_recorded(Lattice(parts=1, seeds=1, epochs=2), recorded)
    assert [one.analyze(readings, epochs=2).decision.epsilon for one in (recorded, wide)] == [0.005, 0.05]
    found = make_named("surface", wide)
    assert isinstance(found, Surface)
    assert found.epsilon == 0.05
