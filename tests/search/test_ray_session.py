"""What is done around Ray: its token is for its owner alone, and it leaves nothing. Nothing here starts Ray."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.files import unfinished
from scaling_search.search.executors import ray_session


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".ray" / "auth_token"


def test_it_is_made_for_its_owner(token: Path) -> None:
    ray_session.guard_token()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    made = token.read_text()
    assert len(made) == 64
    ray_session.guard_token()
    assert token.read_text() == made


def test_one_that_all_could_read_is_closed_and_kept(token: Path) -> None:
    token.parent.mkdir()
    token.write_text("abc")
    token.chmod(0o644)
    ray_session.guard_token()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text() == "abc"


def test_a_token_of_the_environment_needs_no_file(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    ray_session.guard_token()
    assert not token.exists()


@pytest.fixture
def ended() -> int:
    """A process that was killed."""
    process = subprocess.Popen([sys.executable, "-S", "-c", ""])
    process.wait()
    return process.pid


def test_the_session_of_a_killed_search_is_swept_and_no_other(tmp_path: Path, ended: int) -> None:
    note = unfinished(tmp_path)
    for process in (ended, os.getpid()):
        folder = tmp_path / note.name.replace(f"-{os.getpid()}-", f"-{process}-")
        folder.mkdir()
        (folder / "started").write_text("2026-01-02T03:04:05")
    kept = [f"session_2026-01-02_03-04-06_123456_{os.getpid()}",  # it lives
            f"session_2026-01-02_03-09-06_123456_{ended}",  # a cluster's, begun by a process of the same number
            f"session_2026-01-02_03-04-06_123456_{ended}0", "session_latest"]  # fmt: skip
    for name in (*kept, f"session_2026-01-02_03-04-06_123456_{ended}"):
        (tmp_path / "ray" / name / "logs").mkdir(parents=True)
    ray_session.sweep_sessions(tmp_path)
    assert {path.name for path in (tmp_path / "ray").iterdir()} == set(kept)
    assert [path.name for path in tmp_path.glob(".unfinished*")] == [note.name]


def test_what_c_writes_goes_to_the_log_and_what_python_writes_to_the_terminal(tmp_path: Path) -> None:
    text = """
import os, sys
from pathlib import Path
from scaling_search.search.executors.ray_session import _terminal_from
with _terminal_from(Path("ray.log")):
    os.write(2, b"C++\\n")
    print("Python", file=sys.stderr)
os.write(2, b"end\\n")
"""
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})  # fmt: skip
    assert done.stderr == "Python\nend\n"
    assert (tmp_path / "ray.log").read_text() == "C++\n"


def test_a_long_path_for_temporary_files_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_TMPDIR", "/var/tmp/short")
    assert ray_session._temporary() == Path("/var/tmp/short")
    monkeypatch.setenv("RAY_TMPDIR", f"/var/tmp/{'long' * 20}")
    assert ray_session._temporary() == Path("/tmp")
    assert os.environ["RAY_TMPDIR"] == "/tmp"


class Failing:
    """A start of Ray that fails so often, and leaves a process and a session each time."""

    def __init__(self, temporary: Path, times: int) -> None:
        self.sessions, self.times = temporary / "ray", times
        self.left: list[subprocess.Popen[bytes]] = []

    def __call__(self, **options: object) -> str:
        if len(self.left) == self.times:
            return "started"
        (self.sessions / f"session_2026-01-01_00-00-0{len(self.left)}_000000_{os.getpid()}").mkdir(parents=True)
        self.left.append(subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]))
        raise Exception("The current node timed out during startup.")


def test_a_start_that_takes_too_long_is_tried_again(
    token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    init = Failing(tmp_path, times=2)
    monkeypatch.setattr("ray.init", init)
    assert ray_session._begun(1, init.sessions) == "started"
    assert [process.poll() is not None for process in init.left] == [True, True]
    assert list(init.sessions.iterdir()) == []


def test_a_ray_that_does_not_start_is_a_sentence(token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init = Failing(tmp_path, times=9)
    monkeypatch.setattr("ray.init", init)
    with pytest.raises(InvalidInput, match=r"cannot be started here: Exception: .* timed out .*--executor inline"):
        ray_session._begun(1, init.sessions)
    assert len(init.left) == 3
    assert list(init.sessions.iterdir()) == []
