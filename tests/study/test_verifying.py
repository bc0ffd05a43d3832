"""Verifications: fresh seeds, longer trainings, and what is said of the run's answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_study import MakeStudy, grown, interrupted_after

from scaling_search.analysis.verified import Lost, lost_by, nearest_extent, order_held
from scaling_search.cli.verify import verification_lines
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.report.cards.verified import verified
from scaling_search.search.executors import Job
from scaling_search.search.verification import read_verification
from scaling_search.study.comparison import Comparison
from scaling_search.study.study import Study
from scaling_search.study.tables import read_readings
from scaling_search.study.verification import Verifier, verify

Landscape = Callable[[Job], Iterator[Reading]]


@pytest.fixture
def searched(make_study: MakeStudy) -> Study:
    """A finished search in which resolution is best."""
    study = make_study(parts=2, recipe="averaged", leverage=4)
    assert study.run(train=partial(grown, to="resolution"))
    study.analyze()
    return study


def test_fresh_seeds_and_twice_the_epochs(searched: Study) -> None:
    verifier = Verifier("run")
    prepared = verifier.plan(seeds=2, larger=False)
    assert verifier.run(train=partial(grown, to="resolution"))
    readings = read_readings(Path("run/verification/trials.csv"))
    assert set(readings["seed"]) == {2, 3}, "the run had 0 and 1"
    assert readings["epoch"].max() == 4
    named = {name for one in prepared.candidates for name in one.names}
    assert named >= {"pick", "uniform", "paper", "depth", "width", "resolution", "runner-up"}
    assert prepared.record.plan.trials == len(readings.drop_duplicates(["candidate", "seed"])), "the unscaled one too"


def test_what_held(searched: Study) -> None:
    verifier = Verifier("run")
    verifier.plan(seeds=2, larger=False)
    verifier.run(train=partial(grown, to="resolution"))
    found = verifier.analyze()
    assert found.verdict == "held"
    assert found.sentence.startswith("Held: with fresh seeds and 4 epochs the pick reaches")
    assert found.epochs == (2, 4)
    assert found.order.share > 0.7
    assert found.headline.fresh is not None
    assert found.headline.longer > found.headline.fresh
    assert [one.of for one in found.transfer.picks] == ["run", "fresh seeds", "longer"]
    assert found.transfer.picks[-1].shares.resolution > 0.5
    assert found.transfer.order_by_growth is None
    assert found.transfer.distance is not None
    assert found.transfer.distance > 1
    assert read_verification(Path("run")) == found
    assert (Path("run/verification/figures") / "transfer.png").exists()
    drawn = pd.read_csv("run/verification/figures/transfer.csv")
    assert (drawn["kind"] == "pick").sum() == 3


def test_what_changed_when_trainings_got_longer(searched: Study) -> None:
    verifier = Verifier("run")
    verifier.plan(seeds=3, larger=False)
    verifier.run(train=partial(grown, to="resolution", late="depth"))
    found = verifier.analyze()
    assert found.verdict == "changed"
    assert "depth" in found.ahead
    assert found.low is not None
    assert 0 < found.low < found.lost
    _, fresh, longer = found.transfer.picks
    assert fresh.shares.resolution > 0.5
    assert longer.shares.depth > fresh.shares.depth
    order = found.transfer.order_by_length
    assert order is not None
    assert order.share < 1


def test_larger_networks_are_a_second_leverage(searched: Study) -> None:
    verifier = Verifier("run")
    prepared = verifier.plan(seeds=2, larger=True)
    larger = [one for one in prepared.candidates if not one.names]
    assert larger
    assert sum(one.macs_ratio for one in larger) / len(larger) == pytest.approx(8.0, rel=0.15)
    verifier.run(train=partial(grown, to="resolution"))
    found = verifier.analyze()
    assert [one.of for one in found.transfer.picks] == ["run", "fresh seeds", "longer", "larger"]
    assert found.transfer.picks[-1].growth == pytest.approx(8.0)
    assert found.transfer.order_by_growth is not None
    assert {one.candidate for one in found.networks}.isdisjoint({one.id for one in larger})


def small_ones_otherwise(job: Job) -> Iterator[Reading]:
    """More resolution is better for networks of four times the base's cost, more depth for those of twice."""
    yield from grown(job, to="resolution" if job.network.cost().macs > FOUR_TIMES else "depth")


def small_ones_at_random(job: Job) -> Iterator[Reading]:
    """Networks of twice the base's cost differ by chance alone."""
    small = job.network.cost().macs < FOUR_TIMES
    for reading in grown(job, to="resolution"):
        chance = 0.5 + 0.02 * (sum(map(ord, str(job.trial))) % 5)
        yield replace(reading, top1=chance, val_loss=2 - chance) if small else reading


FOUR_TIMES = 550_000
"""MACs: between those of the tiny networks of twice and of four times the base's."""


@pytest.mark.parametrize(
    ("train", "agree", "says"),
    [
        (partial(grown, to="resolution"), "yes", "they agree"),
        (small_ones_otherwise, "no", "they do not agree"),
        (small_ones_at_random, "unknown", "that does not tell whether they agree"),
    ],
    ids=["same", "other", "chance"],
)
def test_networks_of_the_growth_that_was_asked_for(searched: Study, train: Landscape, agree: str, says: str) -> None:
    verifier = Verifier("run")
    prepared = verifier.plan(seeds=2, larger=False, own_growth=True)
    own = [one for one in prepared.candidates if not one.names]
    assert sum(one.macs_ratio for one in own) / len(own) == pytest.approx(2.0, rel=0.15)
    macs = {
        named: [one.network.cost().macs for one in prepared.candidates if bool(one.names) != named]
        for named in (True, False)
    }
    assert max(macs[True]) < FOUR_TIMES < min(macs[False])
    verifier.run(train=train)
    found = verifier.analyze()
    assert [one.of for one in found.transfer.picks] == ["run", "fresh seeds", "longer", "own growth"]
    assert found.transfer.order_by_growth is None
    shown = found.transfer.own_growth
    assert shown is not None
    assert shown.growth == pytest.approx(2.0)
    assert shown.agree == agree
    assert (shown.loss <= found.epsilon) == (agree == "yes")
    assert any(line.endswith(f"points: {says}") for line in verification_lines(found))
    assert read_verification(Path("run")) == found


def test_a_run_of_the_growth_that_was_asked_for_has_no_other(make_study: MakeStudy) -> None:
    study = make_study(leverage=2)
    assert study.run(train=partial(grown, to="resolution"))
    study.analyze()
    with pytest.raises(InvalidInput, match=r"the run's networks have 2× the base's cost: there is no other growth"):
        Verifier("run").plan(own_growth=True)


def test_it_goes_on_where_it_was_cut_off_and_keeps_its_plan(searched: Study) -> None:
    verifier = Verifier("run")
    verifier.plan(seeds=2, larger=False)
    assert not verifier.run(train=interrupted_after(5, partial(grown, to="resolution")))
    again = Verifier("run")
    with pytest.raises(InvalidInput, match="has begun and keeps its plan"):
        again.plan(seeds=3)
    assert again.run(train=partial(grown, to="resolution"))
    assert again.analyze().seeds == 2
    assert yaml.safe_load(Path("run/verification.yaml").read_text())["verdict"] == "held"


@pytest.mark.usefixtures("untrained")
def test_in_one_call(searched: Study) -> None:
    found = verify("run", seeds=2, larger=False)
    assert found == read_verification(Path("run"))
    with pytest.raises(InvalidInput, match="keeps its plan"):
        verify("run", seeds=5)
    assert verify("run") == found


@pytest.mark.parametrize(("late", "standing"), [("", "PASS"), ("depth", "FAIL")])
def test_the_page_has_a_card_of_it(searched: Study, late: str, standing: str) -> None:
    analysis = searched.analyze().analysis
    assert verified(analysis, Path("run")) is None
    verifier = Verifier("run")
    verifier.plan(seeds=2, larger=False)
    verifier.run(train=partial(grown, to="resolution", late=late))
    found = verifier.analyze()
    card = verified(analysis, Path("run"))
    assert card is not None
    assert card.standing == standing
    assert card.sentence.startswith(found.sentence)
    assert "The pick moved by" in card.sentence
    assert all(" = ".join(one.names) in card.drawing for one in found.networks)


def test_a_damaged_file_is_a_sentence(searched: Study) -> None:
    assert read_verification(Path("run")) is None
    Path("run/verification.yaml").write_text("version: 1\nverdict: perhaps\n")
    with pytest.raises(InvalidInput, match=r"run/verification.yaml: "):
        read_verification(Path("run"))


def test_a_comparison_has_nothing_to_verify(shared: Path) -> None:
    comparison = Comparison(
        shared / "tiny.yaml", shared / "images", folder="cmp", executor="inline", device="cpu", steps=1, seeds=1,
        epochs=1, pilot=False,
    )  # fmt: skip
    comparison.run(train=partial(grown, to="depth"))
    with pytest.raises(InvalidInput, match="has no pick to be verified"):
        Verifier("cmp")


def test_the_loss_to_the_best_other_network() -> None:
    rows = [("a", 0, 0.70), ("a", 1, 0.72), ("b", 0, 0.75), ("b", 1, 0.77), ("c", 0, 0.60), ("c", 1, 0.625)]
    lost = lost_by("a", pd.DataFrame(rows, columns=["candidate", "seed", "top1"]))
    assert lost.to == "b"
    assert lost.lost == pytest.approx(0.05)
    assert lost.low < 0.05 < lost.high
    assert lost_by("b", pd.DataFrame(rows, columns=["candidate", "seed", "top1"])).lost == pytest.approx(-0.05)


@pytest.mark.parametrize(
    ("lost", "low", "kind"),
    [(-0.01, -0.02, "held"), (0.004, 0.001, "held"), (0.02, 0.001, "changed"), (0.02, -0.01, "not told apart"),
     (0.02, float("nan"), "not told apart")],
)  # fmt: skip
def test_the_verdict(lost: float, low: float, kind: str) -> None:
    assert Lost(to="b", lost=lost, low=low, high=1.0).kind(0.005) == kind


def test_pairs_and_extents() -> None:
    assert order_held({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.0, "c": 2.0, "b": 3.0, "d": 0.0}) == (2, 3)
    assert nearest_extent(7.8, 8.0, (1.0, 4 / 3)) == 1.0
    assert nearest_extent(15.0, 8.0, (1.0, 4 / 3)) == 4 / 3
    assert nearest_extent(0.26, 0.5, (1.0, 2.0)) == 2.0


def test_what_has_not_begun_may_be_planned_anew(searched: Study) -> None:
    verifier = Verifier("run")
    first = verifier.plan(seeds=2, larger=False)
    again = verifier.plan(seeds=3, larger=False)
    assert (first.record.seeds, again.record.seeds) == (2, 3)
    assert verifier.plan() is again
