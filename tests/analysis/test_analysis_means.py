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
    assert 1 < result.dof < 2, "whether a seed gives something to both is not known"


def test_what_many_candidates_share_is_taken_out_in_full() -> None:
    random = np.random.default_rng(2)
    effects = np.array([0.0, -0.2, 0.1])
    values = np.linspace(0.4, 0.6, 20)[:, None] + effects + random.normal(0, 0.01, (20, 3))
    result = from_matrix(values)
    assert result.dof == pytest.approx(38, abs=0.1)
    rows = values - values.mean(axis=1, keepdims=True)
    assert result.error_sd == pytest.approx(np.sqrt(((rows - rows.mean(axis=0)) ** 2).sum() / 38), rel=0.05)


def test_a_candidate_that_missed_the_unlucky_seed_is_not_rewarded() -> None:
    # seed 1 costs everyone 0.2; the last has not been trained with it
    random = np.random.default_rng(2)
    values = 0.5 + random.normal(0, 0.004, (7, 2)) - [0, 0.2]
    values[-1] = 0.65, np.nan
    result = from_matrix(values)
    assert result.means[-1] == pytest.approx(0.55, abs=0.01)
    assert result.error_sd == pytest.approx(0.004, rel=0.5)
    assert result.seed_sd == pytest.approx(0.2 / np.sqrt(2), rel=0.02)


def test_without_an_effect_of_the_seeds_a_missing_one_changes_nothing() -> None:
    random = np.random.default_rng(4)
    values = 0.5 + random.normal(0, 0.02, (8, 3))
    values[3:, 1:] = np.nan
    result = from_matrix(values)
    assert result.means[3:] == pytest.approx(values[3:, 0], abs=0.006)
    assert result.dof > 5, "three candidates with three seeds have six beyond their means"


def test_one_seed_leaves_the_noise_unknown() -> None:
    result = paired_means(trials({("a", 0): 0.6, ("b", 0): 0.7}))
    assert result.error_sd is None
    assert named(result) == pytest.approx({"a": 0.6, "b": 0.7})


def test_seeds_that_share_no_candidate_are_not_compared() -> None:
    result = paired_means(trials({("a", 0): 0.6, ("b", 1): 0.7, ("b", 2): 0.9}))
    assert named(result) == pytest.approx({"a": 0.6, "b": 0.8})


def test_two_seeds_of_one_candidate_tell_of_noise() -> None:
    result = paired_means(trials({("a", 0): 0.6, ("b", 1): 0.7, ("b", 2): 0.9}))
    assert result.error_sd == pytest.approx(0.2 / np.sqrt(2), rel=0.15)
    assert 0.6 < result.dof < 1, "some of it may be what the seeds do to all"


def test_the_base_beside_tells_of_noise_and_has_no_mean() -> None:
    table = trials({("a", 0): 0.6, ("b", 0): 0.7, ("b", 1): 0.72})
    base = trials({("base", 0): 0.3, ("base", 1): 0.34, ("base", 2): 0.32})
    alone, both = paired_means(table), paired_means(table, beside=base)
    assert both.candidates == ("a", "b")
    assert alone.base_sd is None
    assert both.base_sd == pytest.approx(0.02, rel=0.3)
    assert both.base[1] == pytest.approx(2, abs=0.8)
    far = paired_means(table, beside=base.assign(top1=base["top1"] + 0.3))
    assert far.means == pytest.approx(both.means), "its level is its own"
    assert far.base == pytest.approx(both.base)
    lone = paired_means(table, beside=base.head(1).assign(top1=np.nan))
    assert lone.base == (0, 0)


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
