"""Two lengths of training: which pairs held, and which dimension gains."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.lengths import CURVATURE, compare_lengths
from scaling_search.analysis.trials import SHARES

PLACES = {
    "depth": (1.0, 0.0, 0.0), "width": (0.0, 1.0, 0.0), "resolution": (0.0, 0.0, 1.0),
    "uniform": (1 / 3, 1 / 3, 1 / 3), "c07": (0.5, 0.5, 0.0),
}  # fmt: skip
TABLE = pd.DataFrame(PLACES, index=SHARES).T
EARLY = {"depth": 0.40, "width": 0.45, "resolution": 0.42, "uniform": 0.46, "c07": 0.44}


def rows(scores: dict[str, float], *, seeds: int = 1) -> pd.DataFrame:
    every = product(scores.items(), range(seeds))
    return pd.DataFrame([{"candidate": name, "seed": seed, "score": score} for (name, score), seed in every])


def later(gains: tuple[float, float, float], *, noise: float = 0.0) -> dict[str, float]:
    rng = np.random.default_rng(0)
    return {name: EARLY[name] + float(np.dot(gains, place)) + noise * rng.normal() for name, place in PLACES.items()}


def test_the_best_share_moves_to_what_gains_most() -> None:
    found = compare_lengths(rows(EARLY), rows(later((0.13, 0.10, 0.11))), TABLE, epochs=(4, 16), noise=0.001)
    assert found is not None
    assert (found.divisions, found.pairs, found.held) == (5, 10, 8), "depth came up to resolution, and c07 passed width"
    assert found.gains == pytest.approx({"depth": 0.0167, "width": -0.0133, "resolution": -0.0033}, abs=1e-3)
    assert found.moved == pytest.approx(0.03 / (2 * CURVATURE), rel=0.01)
    assert found.sentence.startswith("Longer training moves the best share from width to depth by about 0.17 of the ")


def test_within_noise_nothing_is_said_to_move() -> None:
    found = compare_lengths(rows(EARLY), rows(later((0.13, 0.10, 0.11))), TABLE, epochs=(4, 16), noise=0.03)
    assert found is not None and found.moved is None
    assert "no dimension gains from longer training beyond noise" in found.sentence
    wild = compare_lengths(rows(EARLY), rows(later((0.13, 0.10, 0.11), noise=0.05)), TABLE, epochs=(4, 16), noise=0.0)
    assert wild is not None and wild.moved is None, "what is no plane is noise"


def test_only_trials_that_had_both_lengths_are_compared() -> None:
    early = rows(EARLY, seeds=2).assign(score=lambda table: table["score"] + 0.1 * table["seed"])
    found = compare_lengths(early, rows(later((0.1, 0.1, 0.1))), TABLE, epochs=(4, 16), noise=0.01)
    assert found is not None and (found.held, found.pairs) == (10, 10)
    assert compare_lengths(early, rows({"depth": 0.5, "width": 0.5}), TABLE, epochs=(4, 16), noise=0.01) is None
