"""`baseline`, and what other commands say of its runs, as a user types them; nothing is measured or trained."""

import json
from pathlib import Path
from typing import Any

import optuna
import pytest
import yaml
from typer.testing import CliRunner

from scaling_search.cli import app
from scaling_search.errors import InvalidInput

pytestmark = pytest.mark.usefixtures("place", "untrained")

SPACE = """
name: tiny_space
baseline:
  resolution: 64
  classes: 10
  rounding: efficientnet
  stem: {channels: 16}
  stages:
    - {block: mbconv, channels: 16, layers: 1, kernel: 3, expansion: 1}
    - {block: mbconv, channels: 32, layers: 2, stride: 2, kernel: 3, expansion: 4}
choices: {kernel: [3, 5], channels: [0.5, 1, 1.5], se: [0, 0.25]}
proxy: {cpu: {width: 0.75, resolution: 32}, minimum_images: 1}
"""


@pytest.fixture
def tiny(shared: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("scaling_search.training.speed.measure_speed", lambda *_, **__: 1000.0)
    Path("tiny_space.yaml").write_text(SPACE)
    return ["--data", str(shared / "images"), "--executor", "inline", "--device", "cpu", "--epochs", 2]


def typed(*arguments: object) -> str:
    """What a command line prints.

    Raises:
        InvalidInput: as the command does.
    """
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_baseline_from_plan_to_what_is_done_with_it(tiny: list[Any]) -> None:
    asked = ["--space", "tiny_space.yaml", *tiny, "--samples", 5, "--out", "seek"]
    text = typed("baseline", *asked, "--dry-run")
    assert "6 candidates × 1 seed × 2 epochs = 6 trials" in text
    assert not Path("seek").exists()
    text = typed("baseline", *asked)
    found = yaml.safe_load(Path("seek/baseline.yaml").read_text())
    assert found["sentence"] in text
    assert "next      scaling-search run --baseline seek/mine.yaml --phi 1" in text
    assert "mobilenet_v2" in text
    assert found["sentence"] in typed("resume", "seek")
    assert json.loads(typed("analyze", "seek", "--json"))["verdict"] == found["verdict"]
    macs = found["networks"][0]["full_macs"]
    assert f"{macs:,}" in typed("cost", "seek/mine.yaml")
    assert "found the best" in typed("replay", "seek", "--strategy", "random,evolution", "--repeats", 2)


def test_baseline_and_division_in_one_go(tiny: list[Any]) -> None:
    text = typed("run", "--baseline", "search:tiny_space.yaml", *tiny, "--parts", 1, "--seeds", 1, "--no-pilot",
                 "--leverage", 2, "--budget", "1s", "--out", "both")  # fmt: skip
    assert "budgets   1 s for the baseline, then 1 s for its division" in text
    assert Path("both-baseline/mine.yaml").exists()
    assert yaml.safe_load(Path("both/run.yaml").read_text())["baseline"]["name"] == "mine"
    assert Path("both/best.yaml").exists()


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("baseline --space mnasnt", "did you mean mnasnet"),
        ("baseline --hard --frontier", "choose one"),
        ("baseline --weight 0.1", "would reward cost"),
        ("baseline --target macs=1M", "no network of mnasnet_space has 1 M multiply-adds; the nearest has 113 M"),
        ("baseline --budget 0s", "is not a duration"),
    ],
)
def test_bad_wishes_are_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        typed(*line.split())


def test_report_draws_the_page_again(tiny: list[Any]) -> None:
    typed("baseline", "--space", "tiny_space.yaml", *tiny, "--samples", 2, "--out", "seek")
    page = Path("seek/report.html")
    written = page.read_text()
    page.unlink()
    typed("report", "seek")
    assert page.read_text() == written


@pytest.mark.parametrize("line", ["verify seek", "frontier seek", "compare-runs seek other", "compare --run seek"])
def test_what_divides_nothing_has_no_division_to_show(tiny: list[Any], line: str) -> None:
    typed("baseline", "--space", "tiny_space.yaml", *tiny, "--samples", 2, "--out", "seek")
    with pytest.raises(InvalidInput, match="search for a baseline"):
        typed(*line.split())


def test_trackers_hear_of_the_search_and_of_its_last_round(tiny: list[Any]) -> None:
    storage = "sqlite:///seen.db"
    asked = ["--space", "tiny_space.yaml", *tiny, "--samples", 5, "--out", "seek", "--optuna-storage", storage]
    typed("baseline", *asked)
    search, last = (optuna.load_study(study_name=name, storage=storage) for name in ("seek", "seek-finals"))
    assert len(search.trials) == len({str(trial.params) for trial in search.trials}) == 6
    assert search.trials[1].params.keys() == {f"question_{number}" for number in range(6)}
    assert {trial.user_attrs["seed"] for trial in last.trials} == {1, 2, 3}
    assert last.user_attrs["answer sentence"] == yaml.safe_load(Path("seek/baseline.yaml").read_text())["sentence"]
