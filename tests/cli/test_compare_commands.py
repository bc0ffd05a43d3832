"""`compare`, `verify`, `compare-runs` and `cam` as a user types them; nothing is measured or trained."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from scaling_search.cli import app
from scaling_search.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("place", "untrained")


@pytest.fixture
def tiny(shared: Path) -> list[str]:
    return ["--baseline", str(shared / "tiny.yaml"), "--data", str(shared / "images"), "--executor", "inline",
            "--device", "cpu", "--epochs", "2", "--no-pilot"]  # fmt: skip


def typed(*arguments: object) -> str:
    """What a command line prints.

    Raises:
        InvalidInput: as the command does.
    """
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_comparison_from_plan_to_figures(tiny: list[str]) -> None:
    asked: list[Any] = [*tiny, "--seeds", 2, "--steps", 2, "--coefficients", "1.3,1.1,1.1", "--out", "cmp"]
    text = typed("compare", *asked, "--dry-run")
    assert " × 2 seeds × 2 epochs = " in text
    assert not Path("cmp").exists()
    text = typed("compare", *asked)
    found = yaml.safe_load(Path("cmp/comparison.yaml").read_text())
    assert found["sentence"] in text
    assert "given" in found["sentence"]
    assert "unscaled" in text
    assert "figures   cmp/figures/saturation.png, compared.png" in text
    again = json.loads(typed("analyze", "cmp", "--json"))
    assert again["sentence"] == found["sentence"]
    assert found["sentence"] in typed("resume", "cmp")


def test_a_search_is_verified_and_shown_beside_another(tiny: list[str]) -> None:
    for name in ("one", "two"):
        typed("run", *tiny, "--parts", 1, "--seeds", 2, "--out", name)
    text = typed("verify", "one", "--seeds", 2, "--no-larger", "--dry-run")
    assert "4 epochs" in text
    text = typed("verify", "one", "--seeds", 2, "--no-larger")
    found = yaml.safe_load(Path("one/verification.yaml").read_text())
    assert found["sentence"] in text
    assert "pick, run" in text
    text = typed("compare-runs", "one", "two", "--out", "both")
    assert found["verdict"] in text
    assert "up to 0 % of the added compute differently" in text
    assert sorted(path.name for path in Path("both").iterdir()) == [
        "runs-table.csv", "runs.csv", "runs.png", "runs.svg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("compare --coefficients 1.2,1.1", "is not three numbers; write 1.2,1.1,1.15"),
        ("compare --axes deep", "axes are among depth, width, resolution"),
        ("compare --phi 0", "φ is above 0"),
        ("compare --run nowhere", "nowhere is not a run"),
        ("verify nowhere", "nowhere is not a run"),
        ("cam nowhere", "nowhere is not a run"),
        ("compare-runs nowhere elsewhere", "is not a run"),
        ("compare-runs nowhere", "two or more runs"),
    ],
)
def test_bad_wishes_are_sentences(line: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        typed(*line.split())


def test_a_search_keeps_no_weights(tiny: list[str]) -> None:
    typed("run", *tiny, "--parts", 1, "--seeds", 1, "--out", "one")
    with pytest.raises(InvalidInput, match="`scaling-search compare` and `scaling-search verify one`"):
        typed("cam", "one")
