"""What `surface` asks and stops by: the noise of the unscaled network's seeds too, and only what an answer judges."""

import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis import analyze, trials_from_tables
from scaling_search.coefficients import lattice
from scaling_search.evidence import EPSILON, UNSCALED, Evidence, Reading, Trial
from scaling_search.strategies import DONE, Ask, Point, Surface
from scaling_search.strategies.forecast import forecast
from scaling_search.strategies.surface import Known

POINTS = [point.as_tuple() for point in lattice(3)]


def reading(name: str, seed: int, top1: float, *, epoch: int = 2) -> Reading:
    trial = Trial(candidate=name, seed=seed)
    return Reading(trial=trial, epoch=epoch, status="paused", top1=top1, val_loss=2.4 - 2 * top1)


def known(spread: float, *, epoch: int = 2) -> Known:
    """Ten candidates of one seed each, and three seeds of the unscaled network, so far apart."""
    candidates = {f"c{index:02d}": point for index, point in enumerate(POINTS)}
    trials = [reading(name, 0, 0.6 + 0.01 * point[0]) for name, point in candidates.items()]
    base = [reading(UNSCALED, seed, 0.4 + spread * (seed - 1), epoch=epoch) for seed in range(3)]
    return Known(Evidence.of(candidates, [*trials, *base]), epochs=2, under_way=())


def test_seeds_of_the_unscaled_network_tell_how_noisy_a_trial_is() -> None:
    quiet, loud = (known(spread).outlook(known(spread).read) for spread in (0.002, 0.06))
    assert (loud.trial_variance > 4 * quiet.trial_variance).all()
    assert loud.loss() > quiet.loss()


def test_they_count_at_the_epochs_of_the_candidates() -> None:
    early = known(0.06, epoch=1)
    variance = early.outlook(early.read).trial_variance
    assert (variance < known(0.06).outlook(early.read).trial_variance).all()


def test_divisions_that_are_not_to_be_had_do_not_keep_a_search_from_settling() -> None:
    """A network that cannot get deeper: all its candidates lie on one edge."""
    edge = [(0.0, width / 10, 1 - width / 10) for width in range(11)]
    candidates = {f"c{index:02d}": place for index, place in enumerate(edge)}
    rough = [0.6 + 0.03 * np.sin(7 * width) for _, width, _ in edge]
    readings = [reading(name, seed, top1) for name, top1 in zip(candidates, rough, strict=True) for seed in range(2)]
    evidence = Evidence.of(candidates, readings)
    found = Known(evidence, epochs=2, under_way=())
    assert found.outlook(found.read).loss() > EPSILON, "nobody knows what depth would bring"
    assert found.judged(found.read).loss() <= EPSILON
    assert Surface(trials=60, epochs=2).decide(evidence, frozenset()) is DONE
    expected = forecast(evidence, 2, epsilon=EPSILON)
    assert expected is not None and expected.trainings == 0


def test_of_what_fits_the_most_worthy_is_asked_for() -> None:
    evidence = known(0.06).evidence
    surface = Surface(trials=60, epochs=2)
    usual = surface.decide(evidence, frozenset())
    assert isinstance(usual, list) and usual == surface.fitting(evidence, frozenset(), lambda shares: True)
    best = shares_asked(usual[0])

    def elsewhere(shares: tuple[float, float, float]) -> bool:
        return max(abs(one - other) for one, other in zip(shares, best, strict=True)) > 0.2

    (other,) = surface.fitting(evidence, frozenset(), elsewhere)
    assert elsewhere(shares_asked(other))
    assert not surface.fitting(evidence, frozenset(), lambda shares: False)
    assert not Surface(trials=10, epochs=2).fitting(evidence, frozenset(), elsewhere), "all trainings are spent"


def shares_asked(wanted: Ask | Point) -> tuple[float, float, float]:
    if isinstance(wanted, Point):
        return wanted.shares.as_tuple()
    return POINTS[int(wanted.trial.candidate[1:])]


@pytest.mark.parametrize("corners", [True, False])
def test_the_display_tells_the_loss_that_the_answer_will_tell(corners: bool) -> None:
    random = np.random.default_rng(3)
    places = POINTS if corners else [place for place in POINTS if max(place) < 1]
    candidates = {f"c{index:02d}": place for index, place in enumerate(places)}
    readings = [reading(name, 0, 0.6 + 0.02 * random.standard_normal()) for name in candidates]
    base = [reading(UNSCALED, seed, 0.4 + 0.02 * (seed - 1)) for seed in range(3)]
    told = forecast(Evidence.of(candidates, [*readings, *base]), 2, epsilon=EPSILON)
    assert told is not None
    assert told.loss == pytest.approx(answer(candidates, readings, base), rel=1e-6)
    assert told.loss > 0.001


def answer(candidates: dict[str, tuple[float, float, float]], readings: list[Reading], base: list[Reading]) -> float:
    """What the analysis of such tables expects of its pick."""
    axes = ("depth", "width", "resolution")
    table = pd.DataFrame(
        {
            "candidate": list(candidates), "named": "", "macs": 8e6, "macs_ratio": 2.0,
            **{f"share_{axis}": [place[index] for place in candidates.values()] for index, axis in enumerate(axes)},
            **{
                f"effective_{axis}": [2 ** (place[index] / power) for place in candidates.values()]
                for index, (axis, power) in enumerate(zip(axes, (1, 2, 2), strict=True))
            },
        }
    )  # fmt: skip
    rows = pd.DataFrame(
        {
            "candidate": one.trial.candidate, "seed": one.trial.seed, "epoch": one.epoch, "images_seen": 1000,
            "val_loss": one.val_loss, "top1": one.top1, "status": "done", "reason": "",
        }
        for one in [*readings, *base]
    )  # fmt: skip
    return analyze(trials_from_tables(table, rows, growth=2.0, classes=10, epochs=2)).pick.expected_loss
