"""The token that opens Ray's ports is for its owner alone. Nothing here starts Ray."""

import stat
from pathlib import Path

import pytest

from scaling_search.search.executors import ray


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".ray" / "auth_token"


def test_it_is_made_for_its_owner(token: Path) -> None:
    ray._guard_token()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    made = token.read_text()
    assert len(made) == 64
    ray._guard_token()
    assert token.read_text() == made


def test_one_that_all_could_read_is_closed_and_kept(token: Path) -> None:
    token.parent.mkdir()
    token.write_text("abc")
    token.chmod(0o644)
    ray._guard_token()
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text() == "abc"


def test_a_token_of_the_environment_needs_no_file(token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "abc")
    ray._guard_token()
    assert not token.exists()
