import numpy as np
import pandas as pd
import pytest
from planted_run import searched

from scaling_search.analysis.means import PairedMeans
from scaling_search.analysis.pick import explore
from scaling_search.analysis.surface import Surface, fit
from scaling_search.analysis.trials import SHARES

QUADRATIC = np.array([0.60, 0.62, 0.65, 0.30, 0.20, 0.25])  # depth, width, resolution, dw, dr, wr


def quadratic(shares: np.ndarray, beta: np.ndarray = QUADRATIC) -> np.ndarray:
    depth, width, resolution = shares.T
    return np.asarray(np.column_stack([shares, depth * width, depth * resolution, width * resolution]) @ beta)


def fitted(
    points: np.ndarray, accuracy: np.ndarray, *, cost: np.ndarray | None = None, error_sd: float | None = None
) -> tuple[Surface, pd.DataFrame]:
    names = [f"c{i:02d}" for i in range(len(points))]
    candidates = pd.DataFrame(points, columns=SHARES, index=names)
    candidates["macs_ratio"] = 2.0 if cost is None else 2.0 * np.exp(cost)
    means = PairedMeans(
        means=pd.Series(accuracy, index=names), covariance=np.eye(len(names)), error_sd=error_sd, seed_sd=0.0, dof=5
    )
    return fit(candidates, means, pd.Series(1, index=names), 2.0), candidates


def lattice_points(parts: int = 4) -> np.ndarray:
    return np.array([shares.as_tuple() for shares in searched(parts)])


def test_a_quadratic_truth_is_recovered_exactly() -> None:
    points = lattice_points()
    surface, candidates = fitted(points, quadratic(points))
    assert surface.kind == "quadratic"
    assert surface.beta == pytest.approx(QUADRATIC)
    assert surface.residual_sd == pytest.approx(0, abs=1e-9)
    assert surface.predictive_r2 == pytest.approx(1)
    assert surface.candidate_rows(candidates) @ surface.beta == pytest.approx(quadratic(points))


def test_the_cost_covariate_removes_a_planted_confounding() -> None:
    """Depth-heavy networks came out dearer, and dearer is better: without the covariate depth would win."""
    points = lattice_points()
    cost = 0.3 * points[:, 0] + np.random.default_rng(0).normal(0, 0.05, len(points))
    truth = quadratic(points)
    surface, candidates = fitted(points, truth + 0.2 * cost, cost=cost)
    assert surface.cost_slope == pytest.approx(0.2)
    assert surface.candidate_rows(candidates) @ surface.beta == pytest.approx(truth)


def test_equal_costs_leave_the_covariate_out() -> None:
    points = lattice_points()
    surface, _ = fitted(points, quadratic(points), cost=np.linspace(-0.005, 0.005, len(points)))
    assert surface.cost_slope is None


def test_few_candidates_give_a_plane_when_it_foretells_and_means_when_not() -> None:
    points = lattice_points(3)[:8]
    plane = points @ np.array([0.5, 0.6, 0.7])
    assert fitted(points, plane)[0].kind == "linear"
    bumps = 0.6 + 0.1 * np.array([1, -1, 1, -1, 1, -1, 1, -1])
    assert fitted(points, bumps, error_sd=0.01)[0].kind == "means"
    assert fitted(points[:4], plane[:4])[0].kind == "means"


def test_candidates_on_one_line_have_no_surface() -> None:
    depth = np.linspace(0, 1, 12)
    points = np.column_stack([depth, 1 - depth, np.zeros(12)])
    surface, candidates = fitted(points, quadratic(points), error_sd=0.01)
    assert surface.kind == "means"
    assert explore(surface, candidates).pick.at_border


def test_more_seeds_weigh_more() -> None:
    points = lattice_points()
    accuracy = quadratic(points)
    accuracy[0] += 0.1
    names = [f"c{i:02d}" for i in range(len(points))]
    candidates = pd.DataFrame(points, columns=SHARES, index=names).assign(macs_ratio=2.0)
    means = PairedMeans(
        means=pd.Series(accuracy, index=names), covariance=np.eye(len(names)), error_sd=None, seed_sd=0.0, dof=0
    )

    def miss(weight: int) -> float:
        seeds = pd.Series(1, index=names)
        seeds.iloc[0] = weight
        surface = fit(candidates, means, seeds, 2.0)
        return abs(float((surface.candidate_rows(candidates) @ surface.beta)[0] - accuracy[0]))

    assert miss(10) < miss(1)


def test_predictive_r2_is_that_of_leaving_each_candidate_out() -> None:
    points = lattice_points()
    accuracy = quadratic(points) + np.random.default_rng(1).normal(0, 0.01, len(points))
    surface, _ = fitted(points, accuracy)
    misses, around = [], []
    for left_out in range(len(points)):
        kept = np.arange(len(points)) != left_out
        without, _ = fitted(points[kept], accuracy[kept])
        misses.append(accuracy[left_out] - (without.rows(points[[left_out]]) @ without.beta)[0])
        around.append(accuracy[left_out] - accuracy[kept].mean())
    assert surface.predictive_r2 == pytest.approx(1 - np.sum(np.square(misses)) / np.sum(np.square(around)))


def test_the_pick_is_the_top_of_the_surface_between_the_candidates() -> None:
    best = np.array([0.25, 0.25, 0.5])
    points = lattice_points()
    accuracy = 0.7 - ((points - best) ** 2).sum(axis=1)
    surface, candidates = fitted(points[(points != best).any(axis=1)], accuracy[(points != best).any(axis=1)])
    pick = explore(surface, candidates).pick
    assert pick.shares.as_tuple() == pytest.approx(tuple(best))
    assert pick.top1 == pytest.approx(0.7)
    assert 0 < pick.distance <= 0.25
    assert not pick.at_border
    assert pick.coefficients.budget == pytest.approx(2)


def test_a_top_outside_what_was_searched_is_picked_at_the_border() -> None:
    points = lattice_points(4)
    searched_part = points[points[:, 2] <= 0.5]
    accuracy = 0.7 - ((searched_part - np.array([0.1, 0.1, 0.8])) ** 2).sum(axis=1)
    surface, candidates = fitted(searched_part, accuracy)
    pick = explore(surface, candidates).pick
    assert pick.at_border
    assert pick.shares.resolution == pytest.approx(0.5)
