"""Addresses of a Ray: what is none is a sentence at once, what does not answer one after ten seconds. Starts no Ray."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.search.executors import Ray, ray_address
from scaling_search.search.executors.ray_address import check_answers, joined_address, parse_address, use_token


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Ray has been started on this machine."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))


@pytest.fixture
def silent() -> Iterator[str]:
    """An address that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("text", ["auto", "local", "10.0.0.1:6379", "head.cluster:6379", "[::1]:6379"])
def test_addresses_are_taken(text: str) -> None:
    assert parse_address(text) == text


@pytest.mark.parametrize("text", ["", "head", ":6379", "head:", "head:0", "head:70000", "http://head:6379", "a b:1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no address of a Ray"):
        parse_address(text)
    with pytest.raises(InvalidInput, match="is no address of a Ray"):
        Ray(address=text)


def test_rays_client_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidInput, match="start it on a machine of that cluster, with --address auto"):
        parse_address("ray://head:10001")


def test_without_one_a_ray_is_started() -> None:
    assert joined_address(None) is None
    assert joined_address("local") is None


def test_auto_needs_one_that_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInput, match="ray start --head"):
        joined_address("auto")
    monkeypatch.setenv("RAY_ADDRESS", "auto")
    with pytest.raises(InvalidInput, match="ray start --head"):
        joined_address(None)


def test_one_that_runs_here_is_joined_and_one_that_is_gone_is_not(tmp_path: Path, silent: str) -> None:
    note = tmp_path / "ray" / "ray_current_cluster"
    note.parent.mkdir()
    note.write_text(f"{silent}\n")
    assert joined_address(None) == joined_address("auto") == silent
    note.write_text("127.0.0.1:1")
    assert joined_address(None) is None


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no.such.host.invalid:6379"])
def test_a_closed_port_is_told_at_once(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(InvalidInput, match="nothing answers at"):
        check_answers(address)
    assert time.monotonic() - began < 10


def test_what_is_no_ray_is_told_when_patience_ends(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_address, "PATIENCE", 1.0)
    with pytest.raises(InvalidInput, match="does not answer as a Ray does"):
        check_answers(silent)


def test_the_token_is_shown_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    use_token()
    assert "RAY_AUTH_MODE" not in os.environ
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.delenv("RAY_AUTH_MODE")
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("abc")
    use_token()
    assert os.environ["RAY_AUTH_MODE"] == "token"
