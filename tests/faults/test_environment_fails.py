"""Through the command: data that go away, a disk that fills up, a checkpoint folder that cannot be written."""

import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fault_run import begin, call, outcome

from scaling_search.data.dataset import Split
from scaling_search.training import checkpoint

pytestmark = pytest.mark.faults


def sometimes(function: Callable[..., Any], error: OSError, *, first: int, last: int) -> Callable[..., Any]:
    """A function whose calls from the first to the last of these fail."""
    count = 0

    def call(*arguments: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        if first <= count <= last:
            raise error
        return function(*arguments, **options)

    return call


def test_lost_data_stop_the_run_and_resume_finishes_it(
    place: Path, images: Path, whole: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone, images_of = OSError(errno.ENOENT, "No such file or directory", "train-24.npy"), Split.images
    monkeypatch.setattr(Split, "images", sometimes(images_of, gone, first=4, last=999))
    assert begin(images, "run") == 1
    said = capsys.readouterr().out
    assert re.search(r"! c0.-s0 is tried again later: No such file or directory: train-24.npy", said)
    assert re.search(r"stopped: 3 of \d trials failed for one reason: No such file or directory", said)
    assert "go on with: scaling-search resume run" in said
    assert not (place / "run" / "best.yaml").exists()
    assert "failed" not in (place / "run" / "journal.jsonl").read_text()
    monkeypatch.setattr(Split, "images", images_of)
    assert call("resume", "run") == 0
    pd.testing.assert_frame_equal(outcome(place / "run"), whole)


def test_a_full_disk_under_one_checkpoint_is_made_up_for_in_the_same_run(
    place: Path, images: Path, whole: pd.DataFrame, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "c01-s0.pt")
    monkeypatch.setattr(checkpoint, "write", sometimes(checkpoint.write, full, first=4, last=4))
    assert begin(images, "run") == 0
    assert "! c01-s0 is tried again later: No space left on device" in capsys.readouterr().out
    pd.testing.assert_frame_equal(outcome(place / "run"), whole)
    assert not (place / "run" / "checkpoints").exists()


def test_a_trial_that_stays_open_is_said_and_there_is_no_answer(
    place: Path, images: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    read_only, write = OSError(errno.EROFS, "Read-only file system", "c01-s0.pt"), checkpoint.write

    def write_others(path: Path, state: Any) -> None:
        if path.name == "c01-s0.pt":
            raise read_only
        write(path, state)

    monkeypatch.setattr(checkpoint, "write", write_others)
    assert begin(images, "run") == 1
    said = capsys.readouterr().out
    assert "1 trial could not be trained here, and can be later: 1 × Read-only file system: c01-s0.pt" in said
    assert len(outcome(place / "run").query("status == 'done'")) == 5
    assert not (place / "run" / "best.yaml").exists()
