"""A strategy over recorded readings: the recorded answer again, and what other strategies make of the same table."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_training import quick
from test_floors import imported_by
from tiny_study import MakeStudy, interrupted_after

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import Grid, Lattice, Optuna, Surface
from scaling_search.study.answer import read_answer
from scaling_search.study.replay import make_named, read_recorded, replay, search_recorded

RECORDED = RunFolder(Path(__file__).parents[2] / "results" / "clothing-b0-phi1")


def test_the_recorded_answer_comes_out_again() -> None:
    analysis = read_answer(RECORDED).analysis
    (found,) = replay(RECORDED, ["lattice"])
    assert (found.strategy, found.trainings, found.compute) == ("lattice", 18, 1)
    assert (found.nearest, found.verdict) == (analysis.pick.candidate, analysis.verdict.kind)
    assert found.pick == pytest.approx(analysis.pick.shares.as_tuple())
    means = analysis.table["top1"]
    assert found.regret == pytest.approx(means.max() - means[analysis.pick.candidate])


def test_the_readings_are_those_that_were_recorded() -> None:
    recorded = read_recorded(RECORDED)
    readings = search_recorded(Lattice(parts=2, seeds=2, epochs=4), recorded)
    everything = [reading for history in recorded.histories.values() for reading in history]

    def order(reading: Reading) -> tuple[object, ...]:
        return reading.trial, reading.epoch

    assert sorted(readings, key=order) == sorted(everything, key=order)


def test_a_strategy_sees_only_what_it_asked_for() -> None:
    whole, short = replay(RECORDED, [Lattice(parts=2, seeds=2, epochs=4), Lattice(parts=1, seeds=1, epochs=2)])
    assert (whole.trainings, whole.compute) == (18, 1)
    assert (short.trainings, short.compute) == (6, 6 * 2 / (18 * 4))


def test_other_strategies_search_the_same_table() -> None:
    optuna, grid = replay(RECORDED, ["optuna", Grid(step=0.2, tolerance=0.2, seeds=2, epochs=4)])
    assert 12 <= optuna.trainings <= 18, "the references, and what comes near to its proposals"
    assert optuna.nearest in {row.id for row in read_recorded(RECORDED).rows}
    assert grid.regret >= 0
    assert all(0 < found.compute <= 1 for found in (optuna, grid))


def test_repeats_are_the_same_each_time_and_vary_among_each_other() -> None:
    strategy = Optuna(samples=3, seeds=1, epochs=2)
    first, again = (replay(RECORDED, [strategy], repeats=8) for _ in range(2))
    assert first == again
    (found,) = first
    assert found.repeats == 8
    assert found.regret_low <= found.regret <= found.regret_high
    assert found.regret_low < found.regret_high, "another order of seeds, another noise"
    (once,) = replay(RECORDED, [strategy])
    assert (once.pick, once.nearest, once.verdict) == (found.pick, found.nearest, found.verdict), "the first of them"


def test_a_search_that_was_not_finished_is_replayed_as_far_as_it_went(make_study: MakeStudy) -> None:
    make_study().run(train=interrupted_after(15))
    (found,) = replay(RunFolder(Path("run")), ["lattice"])
    assert found.trainings == 12, "what was never trained is asked for, and counts as failed"


def test_a_run_of_ones_own(make_study: MakeStudy) -> None:
    make_study().run(train=quick)
    (found,) = replay(RunFolder(Path("run")), ["lattice"])
    assert (found.trainings, found.compute) == (12, 1)


def test_what_cannot_be_replayed(make_study: MakeStudy) -> None:
    with pytest.raises(InvalidInput, match="there is no strategy 'lattise'; did you mean lattice"):
        replay(RECORDED, ["lattise"])
    with pytest.raises(InvalidInput, match="is not a run"):
        replay(RunFolder(Path()), ["lattice"])
    make_study().run(train=interrupted_after(0))
    with pytest.raises(InvalidInput, match="run has no readings to replay"):
        replay(RunFolder(Path("run")), ["lattice"])


def test_no_network_is_built() -> None:
    code = f"from scaling_search.cli import app; app(['replay', {str(RECORDED.path)!r}], standalone_mode=False)"
    assert not imported_by(code) & {"torch", "ray", "matplotlib"}


def test_a_replay_judges_by_the_epsilon_of_the_run() -> None:
    recorded = read_recorded(RECORDED)
    question = recorded.record.question.model_copy(update={"epsilon": 0.05})
    wide = replace(recorded, record=recorded.record.model_copy(update={"question": question}))
    readings = search_recorded(Lattice(parts=1, seeds=1, epochs=2), recorded)
    assert [one.analyze(readings, epochs=2).decision.epsilon for one in (recorded, wide)] == [0.005, 0.05]
    found = make_named("surface", wide)
    assert isinstance(found, Surface)
    assert found.epsilon == 0.05
