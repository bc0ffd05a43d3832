"""Real numbers: what networks trained on ImageNet to the end, in public tables, say through the analysis."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scaling_search.analysis import Analysis, Trials, analyze, trials_from_tables
from scaling_search.analysis.decision import compute_apart
from scaling_search.coefficients import Shares

REFERENCE = Path(__file__).parents[1] / "reference"
WIDTH, RESOLUTION = Shares(depth=0, width=1, resolution=0), Shares(depth=0, width=0, resolution=1)
MIDDLE = Shares(depth=0, width=0.5, resolution=0.5)


def networks(family: str) -> pd.DataFrame:
    table = pd.read_csv(REFERENCE / "trained_grids.csv")
    return table[table["family"] == family]


def grown(cells: pd.DataFrame, model: str, *, growth: float, least: float, most: float) -> Trials:
    """The cells that cost least to most times the model and are no smaller in either dimension, one training each."""
    base = cells[cells["model"] == model].iloc[0]
    ratio = cells["macs_M"] / base["macs_M"]
    larger = (cells["width"] >= base["width"]) & (cells["resolution"] >= base["resolution"])
    return _tables(cells[larger & (ratio >= least) & (ratio <= most)], base, growth)


def _tables(cells: pd.DataFrame, base: pd.Series, growth: float) -> Trials:
    width, resolution = cells["width"] / base["width"], cells["resolution"] / base["resolution"]
    spent = 2 * np.log(width) + 2 * np.log(resolution)
    candidates = pd.DataFrame(
        {
            "candidate": cells["model"], "named": "", "macs": 1e6 * cells["macs_M"],
            "macs_ratio": cells["macs_M"] / base["macs_M"], "effective_depth": 1.0, "effective_width": width,
            "effective_resolution": resolution, "share_depth": 0.0, "share_width": 2 * np.log(width) / spent,
            "share_resolution": 2 * np.log(resolution) / spent,
        }
    )  # fmt: skip
    readings = pd.DataFrame(
        {
            "candidate": cells["model"], "seed": 0, "epoch": 1, "images_seen": 1, "val_loss": np.nan,
            "top1": cells["top1"] / 100, "status": "done", "reason": "",
        }
    )  # fmt: skip
    return trials_from_tables(candidates, readings, growth=growth, classes=1000, epochs=1)


def test_at_eight_times_the_cost_both_corners_are_out_and_the_middle_is_in() -> None:
    cells = networks("mobilenet_v2")
    trials = grown(cells, "mobilenet_v2_0.35_96", growth=8, least=4, most=11)
    decision = analyze(trials).decision
    assert not decision.at(WIDTH)["inside"]
    assert not decision.at(RESOLUTION)["inside"]
    assert decision.at(MIDDLE)["inside"]
    assert 0.01 < decision.at(WIDTH)["expected_loss"] < 0.03


@pytest.mark.parametrize(
    ("family", "base"),
    [
        ("mobilenet_v1", "mobilenet_v1_0.75_160"), ("mobilenet_v1", "mobilenet_v1_0.75_128"),
        ("mobilenet_v2", "mobilenet_v2_0.75_160"), ("mobilenet_v2", "mobilenet_v2_0.75_128"),
        ("mobilenet_v2", "mobilenet_v2_0.35_128"),
    ],
)  # fmt: skip
def test_at_twice_the_cost_it_does_not_matter(family: str, base: str) -> None:
    cells = networks(family)
    analysis = analyze(grown(cells, base, growth=2, least=1.4, most=2.9))
    assert analysis.verdict.kind == "indifferent"
    assert analysis.decision.at(MIDDLE)["expected_loss"] < 0.005


@pytest.mark.parametrize("family", ["mobilenet_v1", "mobilenet_v2"])
def test_the_cheapest_fifth_never_picks_a_corner(family: str) -> None:
    cells = networks(family).sort_values("macs_M")
    cheapest = cells.head(1 + round(len(cells) / 5))
    analysis = analyze(_tables(cheapest.iloc[1:], cheapest.iloc[0], growth=2))
    assert apart_from_corners(analysis) > 0.15


def apart_from_corners(analysis: Analysis) -> float:
    pick = np.array(analysis.pick.shares.as_tuple())
    return float(compute_apart(np.array([WIDTH.as_tuple(), RESOLUTION.as_tuple()]), pick).min())


@pytest.mark.parametrize(("family", "least"), [("mobilenet_v1", 0.2), ("mobilenet_v2", 0.2)])
def test_a_network_and_what_it_was_foretold_from_smaller_ones(family: str, least: float) -> None:
    """The law of the cheaper half foretells the others within two points, where guessing the mean errs by more."""
    from scaling_search.analysis.law import fit_law

    cells = networks(family).sort_values("macs_M")
    base = cells.iloc[0]
    sizes = np.column_stack(
        [np.ones(len(cells)), cells["width"] / base["width"], cells["resolution"] / base["resolution"]]
    )
    error, half = 1 - cells["top1"].to_numpy() / 100, len(cells) // 2
    foretold = fit_law(sizes[:half], error[:half], np.ones(half)).error(sizes[half:]).mean(axis=0)
    rms = float(np.sqrt(np.mean((foretold - error[half:]) ** 2)))
    assert rms < 0.02
    assert rms < 0.2 * float(np.abs(error[half:] - error[:half].mean()).mean()) + least / 100


@pytest.mark.parametrize("network", ["MobileNetV1", "EfficientNet-B0"])
def test_at_four_times_the_cost_the_compound_division_beats_each_axis(network: str) -> None:
    table = pd.read_csv(REFERENCE / "scaling_table3.csv")
    table = table[(table["network"] == network) & (table["scaling"] != "baseline")].reset_index(drop=True)
    logs = np.log(table[["depth", "width", "resolution"]].to_numpy(float)) * (1, 2, 2)
    shares = logs / logs.sum(axis=1, keepdims=True)
    names = [f"c{row}" for row in table.index]
    candidates = pd.DataFrame({"candidate": names, "named": "", "macs": table["printed_macs"], "macs_ratio": 4.0})
    for axis, column in zip(("depth", "width", "resolution"), shares.T, strict=True):
        candidates[f"share_{axis}"], candidates[f"effective_{axis}"] = column, table[axis]
    readings = pd.DataFrame({"candidate": names, "seed": 0, "epoch": 1, "images_seen": 1, "val_loss": np.nan})
    readings = readings.assign(top1=table["top1"] / 100, status="done", reason="")
    analysis = analyze(trials_from_tables(candidates, readings, growth=4, classes=1000, epochs=1))
    compound = names[int(table.index[table["scaling"] == "compound"][0])]
    assert analysis.table["expected_loss"].idxmin() == compound
    assert analysis.table["probability_best"].idxmax() == compound
