"""What runs and trainings reached, as one table and one figure."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from tiny_run import BASELINE

import scaling_search as ss
from scaling_search.errors import InvalidInput
from scaling_search.report.frontier import accuracy_frontier
from scaling_search.study.frontier import reached


def train_folder(path: Path, *, top1: list[float], seed: int = 0, scale: float = 1.0, data: str = "d") -> Path:
    """What `train` leaves, as far as the frontier reads it."""
    head = {"channels": round(64 * scale)}
    network = dict(BASELINE["baseline"]) | {"name": f"tiny-{scale:g}", "head": head}  # type: ignore[arg-type]
    path.mkdir(parents=True)
    content: dict[str, Any] = {
        "network": network, "dataset": {"name": data, "classes": ["a", "b"], "fingerprint": "0"},
        "recipe": {"name": "paper"}, "epochs": len(top1), "seed": seed,
    }  # fmt: skip
    (path / "train.yaml").write_text(yaml.safe_dump(content))
    pd.DataFrame({"epoch": range(1, len(top1) + 1), "top1": top1}).to_csv(path / "history.csv", index=False)
    return path


@pytest.fixture
def family(tmp_path: Path) -> Path:
    train_folder(tmp_path / "f/a", top1=[0.5, 0.7, 0.6])
    train_folder(tmp_path / "f/b", top1=[0.5, 0.74], seed=1)
    train_folder(tmp_path / "f/c", top1=[0.4, 0.72], seed=2)
    train_folder(tmp_path / "f/wide", top1=[0.8], scale=4)
    return tmp_path / "f"


def test_trainings_that_differ_in_the_seed_are_one_row_with_an_error(family: Path) -> None:
    table = reached([family])
    assert table["network"].tolist() == ["tiny-1", "tiny-1", "tiny-4"], "epochs differ for the first"
    both = table.iloc[1]
    assert (both["seeds"], both["top1"], both["top1_se"]) == (2, pytest.approx(0.73), pytest.approx(0.01))
    assert np.isnan(table.iloc[0]["top1_se"]) and table.iloc[0]["top1"] == 0.7
    assert set(table["family"]) == {"f"}
    assert (table["memory"] > 0).all()


def test_the_line_is_of_each_data_set_by_itself(tmp_path: Path) -> None:
    first = train_folder(tmp_path / "one", top1=[0.9])
    second = train_folder(tmp_path / "two", top1=[0.5], data="other")
    worse = train_folder(tmp_path / "three", top1=[0.4], scale=2)
    plot = accuracy_frontier(reached([first, second, worse]), x="params")
    assert plot.data["on_frontier"].tolist() == [True, True, False]
    assert "cannot be compared" in plot.caption
    assert [text.get_text() for text in plot.figure.axes[0].get_legend().get_texts()] == ["one", "two", "three"]  # type: ignore[union-attr]


@pytest.mark.parametrize("x", ["macs", "params", "activations", "memory"])
def test_any_cost_can_be_drawn(family: Path, x: Any) -> None:
    plot = accuracy_frontier(reached([family], x=x), x=x)
    assert plot.name == f"frontier-{x}"
    assert plot.svg.startswith(b"<?xml")


def test_the_door_for_python_takes_names(family: Path) -> None:
    plot = ss.frontier(str(family), x="params")
    assert plot.data["params"].is_monotonic_increasing
    assert plot.figure.axes[0].get_xlabel() == "parameters (millions)"
    with pytest.raises(InvalidInput, match="at least"):
        ss.frontier()


def test_what_holds_nothing_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "family").mkdir()
    (tmp_path / "family/b1.yaml").write_text("name: B1")
    with pytest.raises(InvalidInput, match="holds configs and no trainings"):
        reached([tmp_path / "family"])
    with pytest.raises(InvalidInput, match="neither a run"):
        reached([tmp_path / "nowhere"])
    broken = train_folder(tmp_path / "broken", top1=[0.5])
    (broken / "history.csv").write_text("epoch,top1\n1,seven\n")
    with pytest.raises(InvalidInput, match="no training that has finished an epoch"):
        reached([broken])
    (broken / "history.csv").write_text("epoch,top1\n1,7\n")
    with pytest.raises(InvalidInput, match="not an accuracy"):
        reached([broken])
