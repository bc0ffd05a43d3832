"""`cost` and `baselines` as a user calls them."""

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from scaling_search.cli import cost
from scaling_search.errors import InvalidInput
from scaling_search.search import searchspace

app = typer.Typer()
app.command()(cost.cost)
app.command()(cost.baselines)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_b3_as_one_object() -> None:
    report = run_json("cost", "b0", "--width", "1.2", "--depth", "1.4", "--resolution", "300", "--per-stage")
    counts = {key: report[key] for key in ("params", "macs", "activations", "resolution")}
    assert counts == {"params": 12233232, "macs": 1827141392, "activations": 23830296, "resolution": 300}
    assert sum(section["macs"] for section in report["sections"].values()) == 1827141392
    assert list(report["sections"]) == ["stem", *(f"stage {position}" for position in range(1, 8)), "head"]


def test_the_table_says_the_same() -> None:
    text = run("cost", "b0", "--per-stage")
    assert "385,814,752" in text
    assert "stage 7" in text
    assert "training" in text


def test_a_target_is_matched_and_the_miss_reported() -> None:
    report = run_json("cost", "b0", "--shares", "0.4,0.3,0.3", "--target", "macs=2x")
    assert report["macs"] == pytest.approx(2 * 385814752, rel=0.03)
    assert "off the target macs=2x" in report["notes"][0]


def test_what_could_not_shrink_is_said() -> None:
    assert "cannot have less than 1 layer" in run("cost", "resnet18", "--depth", "0.1")


def test_memory_follows_the_options() -> None:
    few, many = (run_json("cost", "b0", "--batch-size", size)["training_bytes"] for size in ("1", "64"))
    half = run_json("cost", "b0", "--batch-size", "64", "--precision", "bfloat16")["training_bytes"]
    assert few < half < many


def test_every_baseline_is_listed_with_cost_and_source() -> None:
    rows = run_json("baselines")
    assert [row["name"] for row in rows] == list(searchspace.names())
    assert all((row["macs"] > 0 and "arXiv" in row["source"]) or "tensorflow/tpu" in row["source"] for row in rows)
    assert "5.289 M" in run("baselines")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["b0", "--width", "0"], "width multiplier must be a positive number"),
        (["b0", "--depth", "nan"], "depth multiplier must be a positive number"),
        (["b0", "--resolution", "-3"], "at least 1 px, not -3"),
        (["b0", "--width", "1e12"], "at most 10000"),
        (["mobilenet"], "did you mean mobilenet_v"),
        (["b0", "--shares", "1,0,0"], "belong together"),
        (["b0", "--shares", "1,2", "--target", "macs=2x"], "write 0.4,0.3,0.3"),
        (["b0", "--shares", "0,0,1", "--target", "params=2x"], "the nearest has"),
        (["b0", "--shares", "0,0,1", "--target", "latency=2x"], "--latency-on"),
        (["b0", "--precision", "float16"], "did you mean"),
        (["b0", "--rounding", "lit"], "did you mean lite"),
        (["b0", "--batch-size", "0"], "at least 1"),
    ],
)
def test_bad_input_is_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        run("cost", *arguments)
