from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.decision import OUTSIDE, Decision, compute_apart, decide
from scaling_search.analysis.means import from_matrix
from scaling_search.analysis.noise import noise_grid
from scaling_search.analysis.surface import Observed, Surface
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.verdict import judge
from scaling_search.coefficients import Shares, lattice

POINTS = np.array([shares.as_tuple() for shares in lattice(4)])


def decision(best: Sequence[float], *, steepness: float, noise: float = 0.005, epsilon: float = 0.005) -> Decision:
    generator = np.random.default_rng(0)
    truth = 0.6 - steepness * ((POINTS - np.asarray(best)) ** 2).sum(axis=1)
    means = from_matrix(truth[:, None] + generator.normal(0, noise, (len(POINTS), 3)))
    surface = Surface(Observed(shares=POINTS, ln_cost=np.zeros(len(POINTS)), mean=means.means, noise=noise_grid(means)))
    candidates = pd.DataFrame(POINTS, columns=SHARES, index=list(means.candidates))
    return decide(surface, surface, candidates, epsilon=epsilon)


def test_the_pick_loses_least_and_every_other_place_more_or_as_much() -> None:
    found = decision((0.25, 0.25, 0.5), steepness=0.06)
    assert found.places["expected_loss"].min() == pytest.approx(found.pick.expected_loss)
    assert found.at(found.pick.shares)["inside"]
    assert found.candidates["probability_best"].sum() == pytest.approx(1)


def test_what_is_within_epsilon_of_the_best_is_in_the_region() -> None:
    found = decision((0.25, 0.25, 0.5), steepness=0.06, noise=0.02)
    assert found.places.loc[found.places["probability_within_epsilon"] >= OUTSIDE, "inside"].all()


def test_the_region_grows_with_the_noise() -> None:
    quiet, loud = (decision((0.25, 0.25, 0.5), steepness=0.06, noise=noise).fraction for noise in (0.003, 0.03))
    assert quiet < 0.5 * loud


def test_losses_are_stated_in_full_where_the_surface_was_compressed() -> None:
    found = decision((0.25, 0.25, 0.5), steepness=0.4, noise=0.003)  # 45 points lost in the corner of depth
    corner = found.at(Shares(depth=1, width=0, resolution=0))
    assert corner["expected_loss"] == pytest.approx(0.4 * (0.75**2 + 0.25**2 + 0.5**2), rel=0.15)


@pytest.mark.parametrize(
    ("steepness", "noise", "kind"), [(0.3, 0.005, "clear"), (0.0, 0.004, "indifferent"), (0.05, 0.06, "tied")]
)
def test_a_verdict_follows_from_loss_and_region(steepness: float, noise: float, kind: str) -> None:
    assert judge(decision((0.25, 0.25, 0.5), steepness=steepness, noise=noise), None).kind == kind


def test_compute_apart_is_what_is_spent_on_other_axes() -> None:
    assert compute_apart(np.array([1.0, 0, 0]), np.array([0, 1.0, 0])) == 1
    assert compute_apart(np.array([0.5, 0.5, 0]), np.array([0.25, 0.5, 0.25])) == pytest.approx(0.25)
