import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.metric import TYPICAL_SLOPE, choose_metric, scored
from scaling_search.errors import InvalidInput


def trials(*, noise_top1: float, noise_loss: float, slope: float = 0.4, n: int = 8) -> pd.DataFrame:
    random = np.random.default_rng(0)
    truth = np.linspace(0.5, 0.6, n)
    rows = [
        {"candidate": f"c{index}", "seed": seed, "top1": value + random.normal(0, noise_top1),
         "val_loss": 2 - value / slope + random.normal(0, noise_loss / slope)}
        for index, value in enumerate(truth)
        for seed in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_reading_that_tells_candidates_apart_is_judged() -> None:
    quiet_loss = trials(noise_top1=0.03, noise_loss=0.01)
    assert choose_metric(quiet_loss, quiet_loss).name == "val_loss"
    quiet_top1 = trials(noise_top1=0.01, noise_loss=0.03)
    assert choose_metric(quiet_top1, quiet_top1).name == "top1"
    alike = trials(noise_top1=0.02, noise_loss=0.02, n=100)
    assert choose_metric(alike, alike).name == "val_loss"


def test_cross_entropy_is_judged_where_repeats_are_too_few_to_tell() -> None:
    few = trials(noise_top1=0.01, noise_loss=0.03).query("seed == 0")
    metric = choose_metric(few, few)
    assert (metric.name, metric.f_top1, metric.f_val_loss) == ("val_loss", None, None)


def test_without_a_slope_between_the_two_accuracy_is_judged() -> None:
    table = trials(noise_top1=0.01, noise_loss=0.01)
    table["val_loss"] = np.random.default_rng(1).normal(size=len(table))
    assert choose_metric(table, table).name == "top1"


def test_one_nat_is_worth_the_slope_between_the_readings() -> None:
    table = trials(noise_top1=0.005, noise_loss=0.005, slope=0.4)
    metric = choose_metric(table, table, wanted="val_loss")
    assert metric.slope == pytest.approx(0.4, rel=0.1)
    score = scored(table, metric)["score"]
    assert score.mean() == pytest.approx(table["top1"].mean())
    assert score.std() == pytest.approx(table["top1"].std(), rel=0.1)


def test_with_one_trial_the_slope_is_a_typical_one_and_accuracy_is_judged() -> None:
    one = trials(noise_top1=0.01, noise_loss=0.01).head(1)
    metric = choose_metric(one, one)
    assert (metric.name, metric.slope, metric.f_top1) == ("top1", TYPICAL_SLOPE, None)


def test_a_loss_that_is_not_a_number_leaves_accuracy() -> None:
    table = trials(noise_top1=0.03, noise_loss=0.005)
    table.loc[3, "val_loss"] = np.nan
    assert choose_metric(table, table).name == "top1"
    with pytest.raises(InvalidInput, match="one has none"):
        choose_metric(table, table, wanted="val_loss")
