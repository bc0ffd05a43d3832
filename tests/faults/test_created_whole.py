"""A run folder is made whole or not at all: killed at any file that it writes, it is taken by the next command."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from fault_run import begin, call, outcome

from scaling_search.files import unfinished
from scaling_search.search import folder as folders

pytestmark = pytest.mark.faults

BEFORE = {"tiny.yaml", "cache"}


class Killed(BaseException):
    """What no handler of the program knows: it stands for a kill, which leaves everything where it lies."""


@pytest.mark.parametrize("stop", [1, 2])
def test_killed_at_every_file_of_its_beginning_a_run_begins_again(
    place: Path, images: Path, whole: pd.DataFrame, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], stop: int,
) -> None:  # fmt: skip
    """The files are candidates.csv and run.yaml."""
    replace, count = os.replace, 0

    def killing(source: Path, target: Path) -> None:
        nonlocal count
        if Path(target).parent.name == "run":
            count += 1
            if count == stop:
                raise Killed
        replace(source, target)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", killing)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # nobody tidies up after a kill
        begin(images, "run")
    assert (place / "run").exists()
    assert call("resume", "run") == 2
    assert "is not a run: it has no run.yaml; it was cut off when it began" in capsys.readouterr().err
    assert begin(images, "run") == 0
    pd.testing.assert_frame_equal(outcome(place / "run"), whole)
    assert not [path for path in (place / "run").rglob("*") if path.name.startswith(".unfinished")]


def test_beginnings_that_were_cut_off_are_swept_and_nothing_else(tmp_path: Path) -> None:
    for name, files in {
        "cut": [".lock", "candidates.csv", unfinished(tmp_path).name], "empty": [], "mine": ["candidates.csv"],
        "run": [".lock", "candidates.csv", "run.yaml"], "trained": [".lock", "train.yaml"],
    }.items():  # fmt: skip
        (tmp_path / name).mkdir()
        for file in files:
            (tmp_path / name / file).write_text("")
    folders.create(tmp_path / "new").begin().release()
    assert {path.name for path in tmp_path.iterdir()} == {"new", "empty", "mine", "run", "trained"}


def test_a_persons_own_table_is_not_taken_for_a_beginning(tmp_path: Path) -> None:
    (tmp_path / "candidates.csv").write_text("precious")
    with pytest.raises(ValueError, match="not an empty folder"):
        folders.create(tmp_path)


def test_a_training_that_was_cut_off_before_its_description_begins_again(
    place: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise Killed

    arguments = ["train", "tiny.yaml", "--data", images, "--recipe", "proxy", "--epochs", 1, "--batch-size", 8,
                 "--resolution", 16, "--device", "cpu", "--out", "trained"]  # fmt: skip
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("scaling_search.training.full.write_atomically", killed)
        call(*arguments)
    assert call(*arguments) == 0
    assert {path.name for path in (place / "trained").iterdir()} == {
        ".lock", "train.yaml", "config.json", "history.csv", "log.csv", "last.pt", "best.safetensors",
    }  # fmt: skip
