"""A search that could afford it ends with networks of the growth that was asked for."""

from functools import partial
from pathlib import Path

import pytest
from tiny_study import Ear, MakeStudy, grown, interrupted_after

import scaling_search as ss
from scaling_search.cli.analyze import print_answer
from scaling_search.cli.terminal import make_console
from scaling_search.search.verification import read_verification
from scaling_search.study.own_growth import at_own_growth
from scaling_search.study.verification import Verifier

train = partial(grown, to="resolution")


@pytest.fixture
def searched(make_study: MakeStudy) -> ss.Study:
    """A finished search of 36 trainings with little noise."""
    study = make_study(parts=2, seeds=5, recipe="averaged", leverage=4)
    assert study.run(train=train)
    return study


def test_it_says_whether_both_agree(searched: ss.Study, capsys: pytest.CaptureFixture[str]) -> None:
    ear = Ear()
    found = at_own_growth(searched, [ear], train=train)
    assert found is not None
    assert found == read_verification(Path("run"))
    own = found.transfer.own_growth
    assert own is not None
    assert own.growth == pytest.approx(2.0)
    assert own.agree == "yes"
    assert {reading.trial.seed for reading in ear.readings}.isdisjoint(range(5)), "fresh seeds"
    print_answer(make_console(), searched.analyze())
    assert "At 2×, the growth that was asked for, the run's pick is expected to lose" in capsys.readouterr().out


def test_cut_off_it_goes_on(searched: ss.Study) -> None:
    assert at_own_growth(searched, train=interrupted_after(5, train)) is None
    assert read_verification(Path("run")) is None
    found = at_own_growth(ss.Study.open("run"), train=train)
    assert found is not None
    assert found.transfer.own_growth is not None


@pytest.mark.parametrize(
    "changes",
    [{"seeds": 2}, {"leverage": 2}, {"budget": 20}, {"budget": 3}],
    ids=["few trainings", "no other growth", "little time", "no time"],
)
def test_not_where_it_cannot_be_afforded(make_study: MakeStudy, changes: dict[str, object]) -> None:
    study = make_study(**{"parts": 2, "seeds": 5, "recipe": "averaged", "leverage": 4} | changes)
    assert study.run(train=train)
    assert at_own_growth(study, train=train) is None
    assert not Path("run/verification").exists()


def test_not_where_trainings_are_noisy(make_study: MakeStudy) -> None:
    study = make_study(parts=2, seeds=5, recipe="averaged", leverage=4)
    assert study.run(train=partial(grown, to="resolution", jitter=0.02))
    assert at_own_growth(study, train=train) is None
    assert not Path("run/verification").exists()


def test_not_where_another_run_is_repeated(searched: ss.Study) -> None:
    again = ss.Study.again("run", folder="again")
    assert again.run(train=train)
    assert again.seconds_left is None
    assert at_own_growth(again, train=train) is None


def test_a_run_that_others_go_on_with_is_left_alone(searched: ss.Study) -> None:
    """Who opens a finished run knows no budget; and somebody's own verification is not this one."""
    again = ss.Study.open("run")
    assert again.run(train=train)
    assert at_own_growth(again, train=train) is None
    verifier = Verifier("run")
    verifier.plan(seeds=2, larger=False)
    assert not verifier.run(train=interrupted_after(3, train))
    assert at_own_growth(searched, train=train) is None
