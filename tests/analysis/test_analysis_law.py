import numpy as np
import pytest

from scaling_search.analysis.law import Law, NoLaw, find_law, fit_law
from scaling_search.coefficients import Coefficients, lattice

POINTS = np.array([shares.as_tuple() for shares in lattice(4)])
PICK = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)


def grown(shares: np.ndarray, growth: float) -> np.ndarray:
    return np.asarray(np.exp(np.log(growth) * shares * (1, 0.5, 0.5)))


def error(multipliers: np.ndarray) -> np.ndarray:
    depth, width, resolution = multipliers.T
    return np.asarray(0.2 + 0.05 * depth**-0.6 + 0.1 * width**-0.6 + 0.1 * resolution**-0.6)


SIZES = np.vstack([np.ones((1, 3)), grown(POINTS, 2), grown(POINTS, 8)])


def law(top1: np.ndarray, sizes: np.ndarray, *, chance: float = 0.1) -> Law | NoLaw:
    compared = np.ones(len(sizes), bool)
    return find_law(sizes, top1, np.ones(len(sizes)), foretold=top1 + 0.02, compared=compared, pick=PICK, chance=chance)


def test_a_planted_law_foretells_larger_networks() -> None:
    fit = fit_law(SIZES, error(SIZES), np.ones(len(SIZES)))
    larger = grown(POINTS, 64)
    assert fit.error(larger).mean(axis=0) == pytest.approx(error(larger), abs=0.01)
    assert (fit.coefficients >= 0).all()


def test_the_forecast_holds_the_truth_within_its_interval_despite_noise() -> None:
    noisy = 1 - error(SIZES) + np.random.default_rng(0).normal(0, 0.003, len(SIZES))
    found = law(noisy, SIZES)
    assert isinstance(found, Law)
    assert found.better  # the surface was said to err by two points
    for phi, _, low, high in found.forecast:
        level = PICK.multipliers(phi)
        true = 1 - error(np.array([[level.depth, level.width, level.resolution]]))[0]
        assert low - 0.01 <= true <= high + 0.01
        assert high - low < 0.2


def test_candidates_of_one_cost_forecast_nothing() -> None:
    sizes = grown(POINTS, 2)
    found = law(1 - error(sizes), sizes)
    assert isinstance(found, Law)
    assert found.forecast == ()
    assert found.rms < 0.005
    assert found.drift_sentence(0.005).endswith("so it says nothing of other costs.")


def test_near_guessing_or_with_few_candidates_there_is_no_law() -> None:
    guessing, few = law(np.full(len(SIZES), 0.12), SIZES), law(1 - error(SIZES[:5]), SIZES[:5])
    assert isinstance(guessing, NoLaw) and isinstance(few, NoLaw)
    assert "too near to guessing" in guessing.sentence
    assert few.sentence == "No law: it takes 6 trained networks at least, and there are 5."


def test_shares_that_drift_are_told_from_those_that_stay() -> None:
    saturating = 0.1 + 0.3 * SIZES[:, 0] ** -1.6 + 0.2 * SIZES[:, 1] ** -0.3 + 0.02 * SIZES[:, 2] ** -0.3
    drifts, stays = law(1 - saturating, SIZES), law(1 - error(SIZES), SIZES)
    assert isinstance(drifts, Law) and isinstance(stays, Law)
    assert drifts.drift[1] > 0.01 > 0.005 > stays.drift[0] >= 0
    assert drifts.drifts and not stays.drifts
    assert drifts.best[0].depth > drifts.best[1].depth + 0.3
    assert "the best shares drift, from" in drifts.drift_sentence(0.005)
    assert "do at φ = 7 too" in stays.drift_sentence(0.005)
    noisy = law(1 - error(SIZES) + np.random.default_rng(2).normal(0, 0.03, len(SIZES)), SIZES)
    assert isinstance(noisy, Law)
    assert "cannot say" in noisy.drift_sentence(0.0)
    assert drifts.sentence.startswith("A saturating power law, fitted to 31 networks of 1 to 8 times the base's cost")


def test_few_candidates_share_one_exponent() -> None:
    sizes = SIZES[:10]
    exponents = fit_law(sizes, error(sizes), np.ones(10)).exponents
    assert (exponents == exponents[:, :1]).all()
