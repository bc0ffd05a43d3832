"""One process at a time in a folder, whatever becomes of it."""

import errno
import fcntl
import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.locks import alone_in, take

FORK = multiprocessing.get_context("fork")
KINDS = [None, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP]


@pytest.fixture(params=KINDS, ids=["flock", "ENOSYS", "ENOLCK", "EOPNOTSUPP"])
def file_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With locks, and without in the ways in which file systems say so."""
    if request.param is not None:

        def none(handle: int, operation: int) -> None:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(fcntl, "flock", none)


def test_a_second_one_is_told_who_is_there(file_system: None, tmp_path: Path) -> None:
    with alone_in(tmp_path), pytest.raises(InvalidInput) as caught:
        take(tmp_path)
    assert f"is being worked on by process {os.getpid()} on {socket.gethostname()}" in str(caught.value)
    with alone_in(tmp_path):
        pass


def _hold(folder: Path, held: Event) -> None:
    lock = take(folder)
    held.set()
    time.sleep(60)
    lock.release()


def test_a_killed_one_leaves_no_lock(file_system: None, tmp_path: Path) -> None:
    held = FORK.Event()
    process = FORK.Process(target=_hold, args=(tmp_path, held))
    process.start()
    assert held.wait(30)
    with pytest.raises(InvalidInput, match=f"process {process.pid} on"):
        take(tmp_path)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    take(tmp_path).release()


def test_a_stand_in_of_another_machine_says_what_to_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", _unsupported)
    (tmp_path / ".lock-process").write_text("17\nanother-node\n")
    with pytest.raises(InvalidInput, match=r"17 on another-node.*if that machine is gone, delete .*lock-process"):
        take(tmp_path)


def _unsupported(handle: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")
