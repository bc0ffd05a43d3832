import numpy as np
import pytest

from scaling_search.analysis import basis
from scaling_search.analysis.means import from_matrix
from scaling_search.analysis.noise import noise_grid
from scaling_search.analysis.outlook import outlook
from scaling_search.analysis.pooling import pooled
from scaling_search.analysis.surface import Observed, Surface
from scaling_search.coefficients import lattice

POINTS = np.array([shares.as_tuple() for shares in lattice(6)])
BEST = np.array([0.2, 0.3, 0.5])


def bowl(shares: np.ndarray, *, steepness: float = 0.06) -> np.ndarray:
    return np.asarray(0.6 - steepness * ((shares - BEST) ** 2).sum(axis=1))


def observe(
    shares: np.ndarray, *, noise: float = 0.005, seeds: int = 3, ln_cost: np.ndarray | None = None,
    slope: float = 0.08, steepness: float = 0.06, random: int = 0,
) -> Observed:  # fmt: skip
    generator = np.random.default_rng(random)
    cost = np.zeros(len(shares)) if ln_cost is None else ln_cost
    expected = bowl(shares, steepness=steepness) + slope * cost
    means = from_matrix(expected[:, None] + generator.normal(0, noise, (len(shares), seeds)))
    return pooled(Observed(shares=shares, ln_cost=cost, mean=means.means, noise=noise_grid(means)), means.seeds)


def pick_of(surface: Surface) -> np.ndarray:
    return np.asarray(basis.places()[surface.mean_at(basis.places()).argmax()])


def test_a_clear_optimum_is_found() -> None:
    assert pick_of(Surface(observe(POINTS))) == pytest.approx(BEST, abs=0.1)


def test_draws_scatter_around_the_mean_and_shrink_with_more_seeds() -> None:
    few, many = (Surface(observe(POINTS, noise=0.02, seeds=seeds)) for seeds in (2, 12))
    for surface in (few, many):
        draws = surface.draws_at(POINTS)
        assert draws.mean(axis=1) == pytest.approx(surface.mean_at(POINTS), abs=0.004)
    assert many.draws_at(POINTS).std(axis=1).mean() < 0.8 * few.draws_at(POINTS).std(axis=1).mean()


def test_draws_at_equal_shares_are_equal() -> None:
    surface = Surface(observe(POINTS))
    assert surface.draws_at(POINTS)[3] == pytest.approx(surface.draws_at(POINTS[3:4])[0])


def test_the_normal_distribution_agrees_with_the_draws() -> None:
    surface = Surface(observe(POINTS, noise=0.02, steepness=0.02))  # so little that nothing is compressed
    mean, covariance = surface.gaussian_at(POINTS)
    draws = surface.draws_at(POINTS)
    assert mean[:28] == pytest.approx(draws.mean(axis=1), abs=0.003)
    assert np.sqrt(np.diag(covariance)[:28]) == pytest.approx(draws.std(axis=1), rel=0.25)


def test_costs_are_brought_to_the_target() -> None:
    skewed = 0.15 * (2 * POINTS[:, 1] - 1)  # the more width, the dearer
    plain, dear = Surface(observe(POINTS)), Surface(observe(POINTS, ln_cost=skewed, slope=0.15))
    assert dear.mean_at(POINTS) == pytest.approx(plain.mean_at(POINTS), abs=0.02)
    assert pick_of(dear) == pytest.approx(BEST, abs=0.15)


def test_a_gain_that_cost_explains_is_not_given_to_the_division() -> None:
    skewed = 0.15 * (2 * POINTS[:, 1] - 1)  # nothing but what is expected of cost makes width look better
    surface = Surface(observe(POINTS, ln_cost=skewed, steepness=0, noise=0.004))
    middle, width = surface.mean_at(np.array([[1 / 3, 1 / 3, 1 / 3], [0, 1, 0]]))
    assert width < middle + 0.002
    assert surface.cost_slopes().mean() == pytest.approx(0.08, abs=0.03)


def test_a_flat_truth_leaves_a_pick_in_the_middle_rather_than_in_a_corner() -> None:
    picks = [pick_of(Surface(observe(POINTS, steepness=0, noise=0.02, seeds=2, random=seed))) for seed in range(8)]
    assert np.mean([pick.max() > 0.9 for pick in picks]) < 0.5


def test_a_candidate_left_out_is_foretold_by_the_others() -> None:
    observed = observe(POINTS, noise=0.003)
    errors = Surface(observed).left_out() - observed.mean
    assert np.sqrt(np.mean(errors**2)) < 0.4 * observed.mean.std()


def test_thousands_of_candidates_give_the_same_answer_as_their_cells() -> None:
    shares = np.random.default_rng(5).dirichlet([1, 1, 1], 1500)
    observed = observe(shares, noise=0.02)
    assert len(observed.mean) <= len(basis.nodes())
    assert pick_of(Surface(observed)) == pytest.approx(BEST, abs=0.1)


def test_one_candidate_with_one_seed_is_enough_for_a_surface() -> None:
    surface = Surface(observe(POINTS[:1], seeds=1))
    assert np.isfinite(surface.draws_at(basis.places())).all()
    assert np.isfinite(surface.left_out()).all()


def test_more_readings_are_expected_to_leave_less_to_lose() -> None:
    ahead = outlook(Surface(observe(POINTS, noise=0.03, seeds=2)))
    rows = ahead.places + np.arange(len(POINTS))
    losses = [ahead.after(rows, ahead.trial_variance / more, epsilon=0.005)[0] for more in (1, 4, 16, 64)]
    assert ahead.loss() > losses[0]
    assert losses == sorted(losses, reverse=True)


def test_what_is_promised_of_more_seeds_is_kept_on_average() -> None:
    promised, kept = [], []
    for seed in range(12):
        generator = np.random.default_rng(seed)
        values = bowl(POINTS, steepness=0.03)[:, None] + generator.normal(0, 0.03, (len(POINTS), 8))
        before, after = (from_matrix(values[:, :count]) for count in (2, 8))
        first, second = (
            outlook(Surface(Observed(shares=POINTS, ln_cost=np.zeros(28), mean=m.means, noise=noise_grid(m))))
            for m in (before, after)
        )
        rows = first.places + np.arange(len(POINTS))
        promised.append(first.after(rows, first.trial_variance / 6, epsilon=0.005)[0])
        kept.append(second.loss())
    assert np.mean(kept) == pytest.approx(np.mean(promised), rel=0.5)


def test_the_gain_of_one_reading_is_what_it_takes_off_the_expected_loss() -> None:
    ahead = outlook(Surface(observe(POINTS[::3], noise=0.03, seeds=1)))
    gains = ahead.gain()
    place = int(gains.argmax())
    left, _ = ahead.after(np.array([place]), np.array([ahead.new_variance]), epsilon=0.005)
    assert gains.min() > -1e-9
    assert gains[place] == pytest.approx(ahead.loss() - left, rel=0.3)


def test_a_reading_under_way_is_worth_less_a_second_time() -> None:
    ahead = outlook(Surface(observe(POINTS, noise=0.02)))
    best = int(ahead.gain().argmax())
    waiting = ahead.pending(np.array([best]), np.array([ahead.new_variance]))
    assert waiting.gain()[best] < ahead.gain()[best]


def test_searched_is_the_hull_also_of_a_line_and_all_for_a_point() -> None:
    places = basis.places()
    assert basis.searched(np.eye(3), places).all()
    edge = places[basis.searched(np.array([[0, 1, 0], [0, 0, 1.0]]), places)]
    assert edge[:, 0].max() == 0
    assert len(edge) == basis.PLACES_PARTS + 1
    assert basis.searched(np.array([[0, 1, 0.0], [0.02, 0.98, 0]]), places).all()  # one place compares nothing
