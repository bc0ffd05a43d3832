"""A file is the old one or the new one, never a part; what a kill leaves is swept."""

import multiprocessing
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaling_search.files import atomically, sweep, unfinished, write_atomically


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


@pytest.fixture
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_the_umask_and_an_old_files_permissions_are_kept(narrow_umask: None, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    write_atomically(path, "old")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    write_atomically(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    link, target = tmp_path / "here" / "best.yaml", tmp_path / "there" / "real.yaml"
    link.symlink_to(target)
    for content in ("first", "second"):
        write_atomically(link, content)
        assert link.is_symlink()
        assert target.read_text() == content
    assert list(target.parent.iterdir()) == [target]


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, "text")
    assert os.read(reader, 100) == b"text"
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    os.close(reader)


def test_standard_output_in_a_file_is_not_replaced_by_another(tmp_path: Path) -> None:
    """What «command --csv /dev/stdout > file» does: the shell's file is the one that is written to."""
    with (tmp_path / "file").open("w") as file:
        path = Path(f"/dev/fd/{file.fileno()}")
        write_atomically(path, "a,b\n")
        assert os.fstat(file.fileno()).st_ino == (tmp_path / "file").stat().st_ino
    assert (tmp_path / "file").read_text() == "a,b\n"


def test_the_folder_is_synced_after_the_file_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    fsync, replace = os.fsync, os.replace

    def synced(handle: int) -> None:
        happened.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def replaced(source: Path, target: Path) -> None:
        happened.append("name")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write_atomically(tmp_path / "best.yaml", "x")
    assert happened == ["file", "name", "folder"]


def _killed_while_writing(folder: Path) -> None:
    with atomically(folder / "best.yaml") as file:
        file.write(b"half")
        os._exit(9)


def test_what_a_kill_leaves_is_swept_and_what_is_being_written_is_not(tmp_path: Path) -> None:
    inner = tmp_path / "family"
    inner.mkdir()
    for folder in (tmp_path, inner):
        child = multiprocessing.get_context("fork").Process(target=_killed_while_writing, args=(folder,))
        child.start()
        child.join()
        assert len([path for path in folder.iterdir() if path.is_file()]) == 1
    mine = unfinished(tmp_path)
    mine.write_text("at work")
    sweep(tmp_path)
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {mine}


def test_another_machines_leftovers_have_a_day(tmp_path: Path) -> None:
    old, young = tmp_path / ".unfinished-0-1-a", tmp_path / ".unfinished-0-1-b"
    for path in (old, young):
        path.mkdir()
        (path / "x").write_text("")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == [young]
