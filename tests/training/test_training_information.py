"""The statistics of benchmarks/information.py on readings whose answer is known."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis.metric import choose_metric

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "information.py"


@pytest.fixture(scope="module")
def information() -> ModuleType:
    specification = importlib.util.spec_from_file_location("information_benchmark", _SCRIPT)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses look their module up
    specification.loader.exec_module(module)
    return module


def table(information: ModuleType, setting: str, noise: float, *, minutes: float = 2.0) -> pd.DataFrame:
    """Divisions that differ by 3 points on average, seeds by `noise` and by what they share."""
    random = np.random.default_rng(3)
    places, shared = random.normal(0, 0.03, len(information.DIVISIONS)), random.normal(0, 0.05, 3)
    return pd.DataFrame(
        {"setting": setting, "division": name, "seed": seed, "epoch": epoch, "cpu_seconds": 60 * minutes * epoch,
         "top1": 0.5 + places[row] + shared[seed] + random.normal(0, noise), "val_loss": 1.0 + random.normal(0, 0.1)}
        for row, name in enumerate(information.DIVISIONS) for seed in range(3) for epoch in (1, 2)
    ).assign(raw_top1=np.nan, raw_val_loss=np.nan)  # fmt: skip


def test_planted_signal_over_noise_is_found_whatever_the_seeds_share(information: ModuleType) -> None:
    random, found = np.random.default_rng(0), []
    everything = np.arange(8)[None]
    for _ in range(2500):
        values = random.normal(0, 0.03, (8, 1)) + random.normal(0, 0.02, (8, 3)) + random.normal(0, 0.05, (1, 3))
        signal, noise, minutes = information.Readings(values, np.full(8, 2.0)).ratio(everything)
        found.append((signal[0], noise[0], minutes[0]))
    assert np.mean(found, axis=0) == pytest.approx([0.03**2, 0.02**2, 2.0], rel=0.05)


def test_f_is_that_of_the_analysis(information: ModuleType) -> None:
    rows = table(information, "centre", 0.02)
    readings = information.read(rows, "top1", 2, list(information.DIVISIONS))
    signal, noise, _ = (float(one[0]) for one in readings.ratio(np.arange(8)[None]))
    final = rows[rows["epoch"] == 2].rename(columns={"division": "candidate"})
    assert 1 + 3 * signal / noise == pytest.approx(choose_metric(final, final).f_top1, rel=0.02)


def test_a_minute_that_is_twice_as_quiet_tells_four_times_as_much(information: ModuleType) -> None:
    both = pd.concat([table(information, "today", 0.02), table(information, "centre", 0.01)])
    rows = information.summary(both).query("metric == 'top1' and divisions == 'all'").set_index(["setting", "epochs"])
    assert list(rows.index) == [("today", 2), ("centre", 1), ("centre", 2)], "only what nests is read early"
    assert rows.loc[("today", 2), "times_today"] == 1
    assert 2 < rows.loc[("centre", 2), "times_today"] < 8
    assert rows.loc[("centre", 1), "cpu_minutes"] == 2 and rows.loc[("centre", 2), "cpu_minutes"] == 4
    assert (rows["low"] < rows["information"]).all() and (rows["information"] < rows["high"]).all()


def test_metrics_that_were_not_measured_and_seeds_that_are_not_whole_are_left_out(information: ModuleType) -> None:
    rows = table(information, "centre", 0.02)
    assert set(information.summary(rows)["metric"]) == {"top1", "val_loss"}
    unfinished = rows[(rows["seed"] < 2) | (rows["division"] != "fast")]
    assert set(information.summary(unfinished)["seeds"]) == {2}
