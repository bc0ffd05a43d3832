"""Checkpoints: whole or not there, and the one before as a fallback."""

import errno
import os
from pathlib import Path

import pytest
import torch

from scaling_search.errors import InvalidInput
from scaling_search.training import checkpoint


def _state(number: int) -> checkpoint.State:
    return {"fingerprint": "abc", "number": number, "weights": torch.full((1000,), float(number))}


def _number(path: Path) -> int | None:
    state = checkpoint.read(path, fingerprint="abc")
    return None if state is None else state["number"]


def test_the_newest_is_read_and_one_before_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "last.pt"
    for number in (1, 2, 3):
        checkpoint.write(path, _state(number))
    assert _number(path) == 3
    assert _number(checkpoint.previous(path)) == 2
    assert {file.name for file in path.parent.iterdir()} == {"last.pt", "last.pt.previous"}


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_truncated_newest_falls_back(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "last.pt"
    checkpoint.write(path, _state(1))
    checkpoint.write(path, _state(2))
    os.truncate(path, int(kept if kept >= 1 else kept * path.stat().st_size))
    with pytest.warns(UserWarning, match="damaged"):
        assert _number(path) == 1


@pytest.mark.parametrize("links", [True, False])
def test_a_kill_at_any_rename_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """On a file system with second names for a file, and on one without."""

    def no_link(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", no_link)
    replace, count = os.replace, 0

    def kill(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == stop:
            raise KeyboardInterrupt
        replace(source, target)

    for stop in (1, 2):
        path, count = tmp_path / f"stop-{stop}-{links}.pt", -9
        monkeypatch.setattr(os, "replace", kill)
        checkpoint.write(path, _state(1))
        checkpoint.write(path, _state(2))
        count = 0
        with pytest.raises(KeyboardInterrupt):
            checkpoint.write(path, _state(3))
        monkeypatch.setattr(os, "replace", replace)
        assert _number(path) == 2
        assert path.exists() or not links
        for number in (4, 5):
            checkpoint.write(path, _state(number))
        assert (_number(path), _number(checkpoint.previous(path))) == (5, 4)
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".unf")]


def test_nothing_there_is_none(tmp_path: Path) -> None:
    assert _number(tmp_path / "last.pt") is None


def test_another_trainings_checkpoint_is_refused(tmp_path: Path) -> None:
    checkpoint.write(tmp_path / "last.pt", _state(1))
    with pytest.raises(InvalidInput, match="another training"):
        checkpoint.read(tmp_path / "last.pt", fingerprint="xyz")


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"fingerprint": "abc", "trap": Trap()}, tmp_path / "last.pt")
    with pytest.warns(UserWarning, match="damaged"):
        assert checkpoint.read(tmp_path / "last.pt", fingerprint="abc") is None
    assert not (tmp_path / "sprung").exists()


def test_a_full_disk_is_an_os_error_and_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    checkpoint.write(path, _state(1))

    def full(state: object, file: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.write(path, _state(2))
    assert _number(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["last.pt"]


def test_fingerprints_depend_on_content_alone() -> None:
    assert checkpoint.fingerprint({"a": 1, "b": [2]}) == checkpoint.fingerprint({"b": [2], "a": 1})
    assert checkpoint.fingerprint({"a": 1}) != checkpoint.fingerprint({"a": 2})
