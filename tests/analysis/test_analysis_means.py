import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.means import PairedMeans, describe, from_matrix, paired_means


def trials(values: dict[tuple[str, int], float]) -> pd.DataFrame:
    return pd.DataFrame([{"candidate": name, "seed": seed, "top1": value} for (name, seed), value in values.items()])


def named(result: PairedMeans) -> dict[str, float]:
    return dict(zip(result.candidates, map(float, result.means), strict=True))


def test_with_all_seeds_present_the_means_are_plain() -> None:
    table = trials({("a", 0): 0.5, ("a", 1): 0.7, ("b", 0): 0.6, ("b", 1): 0.9})
    result = paired_means(table)
    assert named(result) == pytest.approx({"a": 0.6, "b": 0.75})
    assert result.dof == pytest.approx(1)
    # the interaction that is left: ±0.025 in each of four trials, on one degree of freedom
    assert result.error_sd == pytest.approx(np.sqrt(4 * 0.025**2))


def test_a_candidate_that_missed_the_unlucky_seed_is_not_rewarded() -> None:
    # seed 1 costs everyone 0.2; c has not been trained with it
    table = trials({("a", 0): 0.6, ("a", 1): 0.4, ("b", 0): 0.7, ("b", 1): 0.5, ("c", 0): 0.65})
    result = paired_means(table)
    assert named(result) == pytest.approx({"a": 0.5, "b": 0.6, "c": 0.55})
    assert result.error_sd == pytest.approx(0, abs=1e-6)
    assert result.seed_sd == pytest.approx(0.2 / np.sqrt(2))


def test_one_seed_leaves_the_noise_unknown() -> None:
    result = paired_means(trials({("a", 0): 0.6, ("b", 0): 0.7}))
    assert result.error_sd is None
    assert named(result) == pytest.approx({"a": 0.6, "b": 0.7})


def test_seeds_that_share_no_candidate_are_not_compared() -> None:
    result = paired_means(trials({("a", 0): 0.6, ("b", 1): 0.7, ("b", 2): 0.9}))
    assert named(result) == pytest.approx({"a": 0.6, "b": 0.8})
    assert result.error_sd is None  # the two seeds of b may differ by noise or by what they give to all


def test_noise_is_recovered_without_what_a_seed_gives_to_all() -> None:
    random = np.random.default_rng(0)
    final = random.normal(0, 0.02, (1, 40)) + random.normal(0, 0.005, (20, 40))
    result = from_matrix(final)
    assert result.error_sd == pytest.approx(0.005, rel=0.1)
    assert result.seed_sd == pytest.approx(0.02, rel=0.3)


def test_one_bistable_candidate_does_not_make_the_others_look_noisy() -> None:
    random = np.random.default_rng(1)
    final = 0.7 + random.normal(0, 0.003, (9, 3))
    final[0, 1] -= 0.4
    result = from_matrix(final)
    variances = result.squares / result.freedom
    assert np.sqrt(variances[1:].mean()) == pytest.approx(0.003, rel=0.5)
    assert np.sqrt(variances[0]) > 0.15


def test_describe_gives_the_standard_error_of_the_mean() -> None:
    table = describe(trials({("a", 0): 0.5, ("a", 1): 0.7, ("b", 0): 0.6}), "top1")
    assert table.loc["a"].to_dict() == pytest.approx({"top1": 0.6, "top1_se": 0.1})
    assert table["top1_se"].isna().tolist() == [False, True]
