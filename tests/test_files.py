"""A file is the old one or the new one, never a part."""

import os
from pathlib import Path

import pytest

from scaling_search.files import atomically, write_atomically


def test_the_new_content_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    write_atomically(path, "α = 1\n")
    assert path.read_text(encoding="utf-8") == "α = 1\n"
    with atomically(path) as file:
        file.write(b"new")
        assert path.read_text(encoding="utf-8") == "α = 1\n"
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    write_atomically(path, "old")
    with pytest.raises(KeyboardInterrupt), atomically(path) as file:
        file.write(b"ne")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_met_before_the_old_file_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "best.yaml"
    write_atomically(path, "old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no such folder.*nowhere"):
        write_atomically(tmp_path / "nowhere" / "best.yaml", "")
