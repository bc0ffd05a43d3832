"""train, evaluate, predict and export as a user types them, one after the other, on images of three colours."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from rich.console import Console

from scaling_search import cli
from scaling_search.cli.epoch_progress import EpochProgress
from scaling_search.training.watching import Moment

Call = Callable[..., str]
OPTIONS = ["--recipe", "proxy", "--epochs", "2", "--batch-size", "8", "--resolution", "32", "--device", "cpu"]


@pytest.fixture
def call(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command line as main does; returns what it prints to the standard output."""

    def call(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["scaling-search", *map(str, arguments)])
        ended: object = 0
        try:
            cli.main()
        except SystemExit as end:
            ended = end.code or 0
        shown = capsys.readouterr()
        assert ended == code, shown.out + shown.err
        return shown.out if code == 0 else shown.err

    return call


@pytest.fixture
def trained(call: Call, shared: Path) -> Path:
    """The best weights of a training."""
    call("train", shared / "tiny.yaml", "--data", shared / "images", *OPTIONS, "--out", "run")
    return Path("run/best.safetensors")


def test_weights_go_all_the_way(call: Call, shared: Path, trained: Path) -> None:
    config, data = shared / "tiny.yaml", ["--data", shared / "images", "--device", "cpu"]
    found = json.loads(call("evaluate", config, "--weights", trained, *data, "--json"))
    with Path("run/history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert found["top1"] == max(float(row["top1"]) for row in rows)
    assert found["val_loss"] in [float(row["val_loss"]) for row in rows]
    assert found["recorded_top1"] == pytest.approx(found["top1"], abs=1e-6)
    assert "(recorded: " in call("evaluate", config, "--weights", trained, *data)

    text = call("predict", config, "--weights", trained, shared / "images" / "val", "--topk", 2, "--csv")
    predictions = list(csv.DictReader(io.StringIO(text)))
    assert len(predictions) == 24 and {row["rank"] for row in predictions} == {"1", "2"}
    right = [Path(row["image"]).parent.name == row["class"] for row in predictions if row["rank"] == "1"]
    assert sum(right) / len(right) == pytest.approx(found["top1"])
    one = next((shared / "images" / "val").rglob("*.*"))
    assert call("predict", config, "--weights", trained, one).startswith(str(one))

    shown = call("export", config, "--to", "safetensors", "--weights", trained, "--out", "out")
    assert "its logits differ from ours by 0.0e+00 of the largest" in shown
    again = json.loads(call("evaluate", "out/tiny.yaml", "--weights", "out/model.safetensors", *data, "--json"))
    assert again["top1"] == found["top1"]


def test_a_second_training_starts_from_the_first(call: Call, shared: Path, trained: Path) -> None:
    asked = [shared / "tiny.yaml", "--data", shared / "images", *OPTIONS]
    shown = call("train", *asked, "--init", trained, "--head", "new", "--freeze-until", 1, "--out", "second")
    assert "tensors whole; the classifier is new" in shown
    described = yaml.safe_load(Path("second/train.yaml").read_text())
    assert described["transfer"]["freeze_until"] == "1"
    assert "holds another training" in call("train", *asked, "--init", trained, "--out", "second", code=2)
    assert "for weights that --init names" in call("train", *asked, "--head", "new", code=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evaluate", "{tiny}", "--weights", "none.safetensors"), "there is no file of weights none.safetensors"),
        (("export", "{tiny}", "--to", "tim"), "there is no target 'tim'; did you mean timm?"),
        (("export", "{tiny}", "--to", "pt2", "--weights", "w", "--classes", "3"), "are the weights' own"),
    ],
)
def test_mistakes_are_one_sentence(call: Call, shared: Path, arguments: tuple[str, ...], sentence: str) -> None:
    assert sentence in call(*(part.replace("{tiny}", str(shared / "tiny.yaml")) for part in arguments), code=2)


def _moment(step: int, **changes: Any) -> Moment:
    given = {"epoch": 2, "step": step, "steps": 10, "batch_size": 8, "images_per_second": 99.0, "lr": 0.1}
    return Moment(**{**given, "losses": torch.full((10,), 1.5), **changes})


def test_a_pipe_gets_a_line_every_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 10.0, 31.0, 40.0, 62.0])
    monkeypatch.setattr("scaling_search.cli.epoch_progress.time.monotonic", lambda: next(seconds))
    shown = io.StringIO()
    with EpochProgress(Console(file=shown), epochs=5) as progress:
        for step in (2, 4, 6, 8):
            progress.update(_moment(step))
    assert shown.getvalue().splitlines() == [
        "epoch 2/5  40%  loss 1.500  99 images/s",
        "epoch 2/5  80%  loss 1.500  99 images/s",
    ]


def test_a_terminal_gets_a_bar() -> None:
    shown = io.StringIO()
    with EpochProgress(Console(file=shown, force_terminal=True, width=100), epochs=5) as progress:
        progress._last = float("-inf")
        progress.update(_moment(5))
    assert "epoch 2/5" in shown.getvalue() and "loss 1.500" in shown.getvalue()
