import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.learning import find_unlearned, split_candidates


def final(values: np.ndarray) -> pd.DataFrame:
    rows = [(f"c{row}", seed, value) for row, seeds in enumerate(values) for seed, value in enumerate(seeds)]
    return pd.DataFrame(rows, columns=["candidate", "seed", "top1"])


def table(values: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"top1": values.mean(axis=1), "seeds": values.shape[1]})


def even(accuracy: float, n: int = 6) -> np.ndarray:
    return accuracy + np.random.default_rng(0).normal(0, 0.005, (n, 2))


@pytest.mark.parametrize(("accuracy", "word"), [(0.12, "guessing"), (0.985, "ceiling")])
def test_chance_and_saturation_are_not_learned(accuracy: float, word: str) -> None:
    found = find_unlearned(table(even(accuracy)), [], classes=10)
    assert found is not None
    assert word in found.sentence


def test_far_above_chance_is_learned() -> None:
    assert find_unlearned(table(even(0.3)), [], classes=1000) is None


def test_two_clusters_are_not_learned_and_one_bistable_corner_is_only_named() -> None:
    values = even(0.7)
    values[0, 0] = 0.3
    assert split_candidates(final(values)) == ["c0"]
    assert find_unlearned(table(values), ["c0"], classes=10) is None
    values[3:5, 1] = 0.35
    split = split_candidates(final(values))
    assert split == ["c0", "c3", "c4"]
    found = find_unlearned(table(values), split, classes=10)
    assert found is not None
    assert "3 of 6 candidates learn with one seed" in found.sentence


def test_plain_noise_is_one_cluster() -> None:
    noisy = 0.5 + np.random.default_rng(1).normal(0, 0.04, (12, 3))
    assert len(split_candidates(final(noisy))) <= 1
