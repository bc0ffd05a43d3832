"""Comparisons: what is trained, what is said of it, and that it goes on where it was cut off."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from tiny_study import Ear, interrupted_after

from scaling_search.coefficients import PAPER
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.search.executors import Job
from scaling_search.search.folder import RunFolder
from scaling_search.study.comparison import Comparison, read_comparison
from scaling_search.study.study import Study
from scaling_search.study.tables import read_candidates, read_readings

MakeComparison = Callable[..., Comparison]


@pytest.fixture
def make(shared: Path) -> MakeComparison:
    """The tiny baseline: depth, width and resolution alone at two costs, paper and uniform, two seeds."""
    asked: dict[str, Any] = {
        "folder": "cmp", "executor": "inline", "device": "cpu", "steps": 2, "seeds": 2, "epochs": 2, "pilot": False,
    }  # fmt: skip
    return lambda **changes: Comparison(shared / "tiny.yaml", shared / "images", **(asked | changes))


def planted(job: Job, *, gain: float = 0.1, jitter: float = 0.001) -> Iterator[Reading]:
    """Accuracy by the division: compounds (the first two candidates) get `gain` more than 0.5; jitter is a trial's."""
    if job.trained:
        yield from job.history
        return
    name, seed = job.trial.candidate, job.trial.seed
    number = -1 if name == "base" else int(name[1:])
    noise = jitter * ((7 * number + 3 * seed * number) % 5 - 2)
    top = 0.4 if number < 0 else 0.5 + gain * (number < 2) + noise
    for epoch in range(1, job.epochs + 1):
        status: Status = "running" if epoch < job.epochs else "paused"
        yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top + 0.05 * seed, val_loss=1.0, seconds=0.5)


def test_everything_is_trained_with_every_seed_at_the_costs_that_were_asked(make: MakeComparison) -> None:
    comparison = make()
    assert comparison.run(train=planted)
    table = read_candidates(Path("cmp/candidates.csv")).set_index("candidate")
    named = table[table["named"] != ""]
    assert set(";".join(named["named"]).split(";")) == {"paper", "uniform", "depth", "width", "resolution"}
    assert named["macs_ratio"].to_numpy() == pytest.approx(4.0, rel=0.2)
    on_the_way = table[table["named"] == ""]
    assert len(on_the_way) == 3
    assert on_the_way["macs_ratio"].to_numpy() == pytest.approx(2.0, rel=0.2)
    readings = read_readings(Path("cmp/trials.csv")).drop_duplicates(["candidate", "seed"])
    assert set(zip(readings["candidate"], readings["seed"], strict=True)) == {
        (name, seed) for name in ["base", *table.index] for seed in (0, 1)
    }


def test_the_difference_to_the_best_dimension_and_its_interval(make: MakeComparison) -> None:
    comparison = make()
    comparison.run(train=planted)
    answer = comparison.analyze()
    assert answer.kind == "better"
    assert "paper reaches" in answer.sentence
    best = max((one for one in answer.found.differences if one.first == "paper"), key=lambda one: -one.difference)
    assert best.second in answer.sentence.partition("(95 %")[0].rsplit(", ", 1)[1]
    assert best.difference == pytest.approx(0.1, abs=0.005)
    assert 0 < best.low < best.difference < best.high
    written = yaml.safe_load(Path("cmp/comparison.yaml").read_text())
    assert written["verdict"] == "better"
    assert {row["division"] for row in written["networks"]} >= {"unscaled", "depth", "width", "resolution"}
    assert {one["first"] for one in written["differences"]} == {"paper", "uniform"}
    assert all((Path("cmp/figures") / f"{name}.{kind}").exists() for name in ("saturation", "compared")
               for kind in ("png", "svg", "csv"))  # fmt: skip
    drawn = pd.read_csv("cmp/figures/saturation.csv")
    assert (drawn[drawn["candidate"] == "base"]["line"].value_counts() == 1).all(), "every line begins there"
    assert drawn["line"].value_counts()[["depth", "width", "resolution"]].tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("gain", "jitter", "kind"),
    [(-0.1, 0.001, "worse"), (0.0, 0.02, "not told apart")],
)
def test_the_verdict_says_what_came_out(make: MakeComparison, gain: float, jitter: float, kind: str) -> None:
    comparison = make()
    comparison.run(train=partial(planted, gain=gain, jitter=jitter))
    assert comparison.analyze().kind == kind


def test_one_seed_has_no_interval(make: MakeComparison) -> None:
    comparison = make(seeds=1)
    comparison.run(train=planted)
    answer = comparison.analyze()
    assert answer.kind == "one seed"
    assert yaml.safe_load(Path("cmp/comparison.yaml").read_text())["differences"][0]["low"] is None


def test_what_is_given_comes_first_and_a_search_lends_its_pick(make: MakeComparison, make_study: Any) -> None:
    study = make_study(parts=2)
    study.run(train=planted)
    comparison = make(coefficients=(1.4, 1.1, 1.05), run="run", axes=["width"])
    assert [one.name for one in comparison.plan().strategy.compounds] == ["given", "pick", "paper", "uniform"]  # type: ignore[attr-defined]
    pick = comparison.plan().strategy.compounds[1]  # type: ignore[attr-defined]
    assert pick.coefficients == study.analyze().pick.coefficients
    alone = make(folder="b", coefficients=PAPER, axes=["width"]).plan().candidates
    assert {"depth", "resolution"}.isdisjoint(name for one in alone for name in one.names)


def test_it_goes_on_where_it_was_cut_off(make: MakeComparison) -> None:
    whole = make(folder="whole")
    whole.run(train=planted)
    comparison = make()
    assert not comparison.run(train=interrupted_after(9, planted))
    ear = Ear()
    again = Comparison.open("cmp")
    assert again.run([ear], train=planted)
    assert len(ear.readings) == 9 * 2 * 2 - 9
    assert again.analyze().found.sentence == whole.analyze().found.sentence


def test_a_pilot_settles_the_plan_and_more_seeds_can_follow(make: MakeComparison) -> None:
    comparison = make(pilot=True, seeds=None, epochs=None, steps=2, budget=400)
    assert comparison.plan().record.pilot is not None
    assert comparison.run(train=planted)
    record = RunFolder(Path("cmp")).record()
    assert record.pilot is not None
    assert record.pilot.found is not None
    before = record.seeds
    assert before is not None
    assert record.lengths is None, "longer trainings are a search's affair"
    study = Study.open("cmp")
    study.extend(seeds=1)
    assert study.run(train=planted)
    assert read_comparison(RunFolder(Path("cmp"))).table["seeds"].tolist() == [before + 1] * 9, "the unscaled one too"


def test_weights_of_the_first_seed_are_kept(make: MakeComparison) -> None:
    comparison = make(recipe="proxy", seeds=2, epochs=1, axes=["width"], steps=1)
    assert comparison.run()
    kept = sorted(path.stem for path in Path("cmp/weights").iterdir())
    assert kept == ["base-s0", "c00-s0", "c01-s0", "c02-s0"]
    assert not Path("cmp/checkpoints").exists(), "trials that have ended need none"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"phi": -1}, "φ is above 0"),
        ({"axes": ["deep"]}, "axes are among depth, width, resolution, not deep"),
        ({"axes": []}, "not none"),
        ({"coefficients": (1.2, 1.1)}, "α, β and γ, not 2 numbers"),
        ({"coefficients": (1.0, 1.0, 1.0)}, "adds no compute"),
        ({"run": "nowhere"}, "nowhere is not a run"),
    ],
)
def test_bad_wishes(make: MakeComparison, wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        make(**wrong)


def test_a_search_is_no_comparison_and_has_the_pick_that_a_comparison_lacks(
    make: MakeComparison, make_study: Any
) -> None:
    make_study().run(train=planted)
    with pytest.raises(InvalidInput, match="is a search, not a comparison"):
        Comparison.open("run")
    make().run(train=planted)
    with pytest.raises(InvalidInput, match="is a comparison, which has no pick"):
        make(folder="c", run="cmp")


def test_before_anything_is_compared(make: MakeComparison) -> None:
    comparison = make()
    with pytest.raises(InvalidInput, match=r"call run\(\) first"):
        comparison.analyze()
    comparison.run(train=interrupted_after(3, planted))
    with pytest.raises(InvalidInput, match="no finished trial yet"):
        comparison.analyze()
