"""A full training in its folder, alone and by two processes."""

import csv
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file

from scaling_search.architecture import Network
from scaling_search.data import Dataset
from scaling_search.errors import InvalidInput
from scaling_search.networks import build
from scaling_search.training import full
from scaling_search.training.full import best, train_in_folder
from scaling_search.training.loop import EpochMetrics
from scaling_search.training.recipe import Recipe


def _train(folder: Path, network: Network, dataset: Dataset, used: Recipe, **changes: Any) -> Iterator[EpochMetrics]:
    return train_in_folder(folder, network, dataset, used, **{"epochs": 3, "seed": 0, **changes})


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def _kept_epoch(folder: Path) -> int:
    with safe_open(folder / "best.safetensors", "pt") as file:
        return int(file.metadata()["epoch"])


def test_history_and_best_weights_are_written(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    history = list(_train(tmp_path / "new", network, dataset, quick))
    rows = _rows(tmp_path / "new")
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3]
    assert [float(row["val_loss"]) for row in rows] == [one.val_loss for one in history]
    assert _kept_epoch(tmp_path / "new") == best(history).epoch
    build(network).load_state_dict(load_file(tmp_path / "new" / "best.safetensors"))  # every name, nothing else
    described = yaml.safe_load((tmp_path / "new" / "train.yaml").read_text())
    assert described["network"] == network.to_dict()


def test_the_best_epoch_is_the_most_accurate_then_the_surest(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    one = next(_train(tmp_path / "run", network, dataset, quick))
    low, high = replace(one, top1=0.1), replace(one, top1=0.3, val_loss=2.0)
    surer = replace(high, epoch=2, val_loss=1.5)
    assert best([low, high, surer]) is surer
    assert best([high, low]) is high


def test_the_same_command_continues(network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path) -> None:
    next(_train(tmp_path / "stopped", network, dataset, quick))
    list(_train(tmp_path / "stopped", network, dataset, quick))
    list(_train(tmp_path / "whole", network, dataset, quick))
    stopped, whole = (load_file(tmp_path / name / "best.safetensors") for name in ("stopped", "whole"))
    assert all(torch.equal(stopped[name], whole[name]) for name in whole)
    assert [row["val_loss"] for row in _rows(tmp_path / "stopped")] == [
        row["val_loss"] for row in _rows(tmp_path / "whole")
    ]


def test_a_kill_before_the_best_weights_are_written_loses_them_not(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(full, "_keep_best", killed)
        list(_train(tmp_path, network, dataset, quick))
    history = list(_train(tmp_path, network, dataset, quick))
    assert _kept_epoch(tmp_path) == best(history).epoch


def test_a_folder_with_something_else_is_refused(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path
) -> None:
    next(_train(tmp_path / "run", network, dataset, quick))
    with pytest.raises(InvalidInput, match="holds another training"):
        next(_train(tmp_path / "run", network, dataset, quick, seed=1))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidInput, match="holds no training"):
        next(_train(tmp_path / "other", network, dataset, quick))
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("damage", ["no newest", "half a newest", "half the weights"])
def test_a_damaged_file_costs_an_epoch_at_most(
    network: Network, dataset: Dataset, quick: Recipe, tmp_path: Path, damage: str
) -> None:
    """What a kill between two renames, or a lost page cache, leaves: it ends as if undisturbed."""
    whole, run = tmp_path / "whole", tmp_path / "run"
    for _ in _train(whole, network, dataset, quick):
        pass
    started = _train(run, network, dataset, quick)
    for _ in range(2):
        next(started)
    started.close()  # type: ignore[attr-defined]
    if damage == "no newest":
        (run / "last.pt").unlink()
    else:
        path = run / ("last.pt" if damage == "half a newest" else "best.safetensors")
        os.truncate(path, path.stat().st_size // 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in _train(run, network, dataset, quick):
            pass
    times = ("seconds", "images_per_second")
    for ours, theirs in zip(_rows(run), _rows(whole), strict=True):
        assert {key: ours[key] for key in ours if key not in times} == {
            key: theirs[key] for key in theirs if key not in times
        }
    if damage == "half the weights":
        assert _kept_epoch(run) >= 2
        return
    assert _kept_epoch(run) == _kept_epoch(whole)
    kept, expected = (load_file(folder / "best.safetensors") for folder in (run, whole))
    assert all(torch.equal(kept[name], expected[name]) for name in expected)


_COMMAND = "import typer; from scaling_search.cli.train import train; typer.run(train)"


@pytest.fixture
def family_file(network: Network, tmp_path: Path) -> Path:
    path = tmp_path / "b1.yaml"
    path.write_text(yaml.safe_dump({"name": "B1", "network": network.to_dict()}))
    return path


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """An image folder of two colours, 24 images."""
    from PIL import Image

    for split, count in (("train", 8), ("val", 4)):
        for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", (20, 20), (colour[0], 10 * index, colour[2])).save(folder / f"{index}.png")
    return tmp_path / "pictures"


def _options(family_file: Path, pictures: Path, out: Path) -> list[str]:
    folder = ["--data", str(pictures), "--out", str(out)]
    return [str(family_file), *folder, "--recipe", "proxy", "--epochs", "2", "--batch-size", "8", "--device", "cpu"]


def test_the_command_trains_a_familys_file(family_file: Path, pictures: Path, tmp_path: Path) -> None:
    done = _run("-c", _COMMAND, *_options(family_file, pictures, tmp_path / "out"), SCALING_SEARCH_CACHE=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "epoch 2/2" in done.stdout
    assert len(_rows(tmp_path / "out")) == 2


@pytest.mark.slow
def test_two_processes_train_together(family_file: Path, pictures: Path, tmp_path: Path) -> None:
    """Through torchrun: one history, one checkpoint, the effective batch as given; and it continues."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", port, "--no-python"]
    script = [sys.executable, "-c", _COMMAND]
    options = _options(family_file, pictures, tmp_path / "out")
    for _ in range(2):
        done = _run(*launcher, *script, *options, SCALING_SEARCH_CACHE=str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("epoch 2/2") == 1  # only the first process speaks
    rows = _rows(tmp_path / "out")
    assert [row["images_seen"] for row in rows] == ["16", "32"]
    assert [row["micro_batch"] for row in rows] == ["4", "4"]
