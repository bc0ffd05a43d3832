import numpy as np
import pytest

from scaling_search.analysis.means import from_matrix
from scaling_search.analysis.noise import noise_grid


def readings(noise: float, *, n: int = 20, seeds: int = 3, bistable: bool = False) -> np.ndarray:
    random = np.random.default_rng(3)
    values = 0.6 + random.normal(0, noise, (n, seeds))
    if bistable:
        values[0, 0] -= 0.3
    return values


def weighted(levels: np.ndarray, log_weight: np.ndarray) -> np.ndarray:
    weight = np.exp(log_weight - log_weight.max())
    return np.asarray(weight @ levels / weight.sum())


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.05])
def test_the_scatter_between_seeds_is_found_again(noise: float) -> None:
    grid = noise_grid(from_matrix(readings(noise)))
    assert np.sqrt(weighted(grid.trial, grid.log_weight)).mean() == pytest.approx(noise, rel=0.25)


def test_a_bistable_candidate_is_noisy_alone() -> None:
    grid = noise_grid(from_matrix(readings(0.005, bistable=True)))
    noise = np.sqrt(weighted(grid.trial, grid.log_weight))
    assert noise[0] > 10 * noise[1:].max()
    assert noise[1:].mean() == pytest.approx(0.005, rel=0.3)


def test_one_seed_leaves_the_prior_from_half_a_point_to_many() -> None:
    grid = noise_grid(from_matrix(readings(0.01, seeds=1)))
    noise = np.sqrt(grid.trial[:, 0])
    assert noise.min() < 0.005
    assert noise.max() > 0.04


def test_seeds_of_the_base_tell_how_noisy_the_others_are() -> None:
    values = readings(0.01, seeds=1)
    spread = np.array([-1.0, 0.0, 1.0])
    quiet, loud = (noise_grid(from_matrix(_wide(values), beside=0.3 + sd * spread)) for sd in (0.004, 0.06))
    low, high = (np.sqrt(weighted(grid.trial, grid.log_weight)).mean() for grid in (quiet, loud))
    assert low < 0.012 < 0.03 < high
    known = from_matrix(readings(0.01), beside=0.3 + 0.06 * spread)
    assert np.sqrt(weighted(noise_grid(known).trial, noise_grid(known).log_weight)).mean() == pytest.approx(
        0.01, rel=0.25
    ), "where the candidates have repeats, these say it"


def _wide(values: np.ndarray) -> np.ndarray:
    """One seed of three [n, 3]."""
    return np.hstack([values, np.full((len(values), 2), np.nan)])


def test_more_seeds_shrink_the_noise_of_a_mean_but_not_what_is_lasting() -> None:
    few, many = (noise_grid(from_matrix(readings(0.02, seeds=seeds))) for seeds in (2, 8))
    assert many.variance.mean() < few.variance.mean()
    assert (many.variance >= many.lasting).all()


def test_seeds_that_agree_to_the_last_digit_are_no_infinity() -> None:
    values = np.array([[0.5, 0.51], [0.6, 0.61], [0.7, 0.71]])
    grid = noise_grid(from_matrix(values))
    assert np.isfinite(grid.log_weight).all()
    assert (grid.variance > 0).all()
    assert grid.trial.min() < 0.001**2
