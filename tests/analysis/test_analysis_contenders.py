import numpy as np
import pytest

from scaling_search.analysis.contenders import contenders
from scaling_search.coefficients import lattice

POINTS = np.array([shares.as_tuple() for shares in lattice(4)])


def design(shares: np.ndarray) -> np.ndarray:
    depth, width, resolution = shares.T
    return np.column_stack([shares, depth * width, depth * resolution, width * resolution])


def judged_sample(truth: np.ndarray, noise: float, random: np.random.Generator) -> np.ndarray:
    """Which of POINTS may be the best, from one noisy sample of the truth fitted by the right model."""
    rows = design(POINTS)
    y = truth + random.normal(0, noise, len(truth))
    beta = np.linalg.lstsq(rows, y, rcond=None)[0]
    dof = len(y) - rows.shape[1]
    variance = ((y - rows @ beta) ** 2).sum() / dof
    covariance = variance * np.linalg.inv(rows.T @ rows)
    return contenders(rows, beta, covariance, dof, ranked=np.ones(len(y), bool)).inside


@pytest.mark.parametrize("best", [(0.25, 0.25, 0.5), (0.0, 0.0, 1.0)], ids=["inside", "corner"])
def test_the_region_keeps_the_true_best_as_often_as_it_says(best: tuple[float, ...]) -> None:
    random = np.random.default_rng(0)
    truth = 0.7 - 0.05 * ((POINTS - np.array(best)) ** 2).sum(axis=1)
    kept = np.mean([judged_sample(truth, 0.01, random)[truth.argmax()] for _ in range(100)])
    assert kept >= 0.90  # the level is 0.95; 0.90 lies 2.3 standard errors below it


def test_a_flat_truth_rules_out_each_place_in_one_repetition_of_twenty_at_most() -> None:
    random = np.random.default_rng(1)
    kept = np.mean([judged_sample(np.full(len(POINTS), 0.7), 0.01, random) for _ in range(60)])
    assert kept > 0.92


def test_a_strong_truth_leaves_few_contenders() -> None:
    truth = 0.7 - 0.6 * ((POINTS - np.array([0.25, 0.25, 0.5])) ** 2).sum(axis=1)
    inside = judged_sample(truth, 0.002, np.random.default_rng(2))
    assert inside[truth.argmax()]
    assert inside.sum() <= 3


def test_probabilities_sum_to_one_over_the_ranked_places_only() -> None:
    ranked = np.array([True, True, False])
    result = contenders(np.eye(3), np.array([0.5, 0.6, 0.9]), np.eye(3) * 0.01, 10, ranked=ranked)
    assert np.nansum(result.probability) == pytest.approx(1)
    assert np.isnan(result.probability[2])
    assert result.probability[1] > result.probability[0]


def test_unknown_noise_rules_nothing_out() -> None:
    result = contenders(np.eye(3), np.array([0.1, 0.5, 0.9]), None, 0, ranked=np.ones(3, bool))
    assert result.inside.all()
    assert result.best == 2
    assert np.isnan(result.gap_se).all()


def test_without_noise_only_the_best_is_left() -> None:
    result = contenders(np.eye(3), np.array([0.1, 0.9, 0.5]), np.zeros((3, 3)), 4, ranked=np.ones(3, bool))
    assert result.inside.tolist() == [False, True, False]


def test_two_places_compare_as_students_t_does() -> None:
    """One comparison needs no correction: the critical value is the one-sided 95 % quantile of t."""
    from scipy.stats import t

    result = contenders(np.eye(2), np.array([0.5, 0.6]), np.eye(2) * 0.01, 6, ranked=np.ones(2, bool))
    assert result.critical[0] == pytest.approx(t.ppf(0.95, 6), abs=0.25)
    assert result.gap_se[0] == pytest.approx(np.sqrt(0.02))


def test_the_same_data_give_the_same_answer() -> None:
    arguments = (np.eye(4), np.array([0.5, 0.52, 0.53, 0.4]), np.eye(4) * 1e-4, 8)
    first = contenders(*arguments, ranked=np.ones(4, bool))
    second = contenders(*arguments, ranked=np.ones(4, bool))
    assert (first.probability == second.probability).all()
    assert (first.critical == second.critical).all()
