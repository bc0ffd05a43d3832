"""Which Ray a search joins, if any, and whether that one answers."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from scaling_search.errors import InvalidInput

PATIENCE = 10.0
"""Seconds that an address has to answer."""
_FORM = re.compile(r"(\[[0-9A-Fa-f:]+\]|[^\s/:\[\]]+):(\d{1,5})")
_ASK = "import sys; from ray._raylet import GcsClient; GcsClient(address=sys.argv[1]).get_all_node_info(timeout=9)"


def parse_address(text: str) -> str:
    """An address as `--address` takes it: «auto», «local» or HOST:PORT.

    Raises:
        InvalidInput: it is none, or that of a Ray client's server: the search's process would be on none of its
            machines, and the search would end with the connection.
    """
    if text.startswith("ray://"):
        raise InvalidInput(
            f"{text} is for Ray's client, which a search cannot go through; start it on a machine of that cluster, "
            "with --address auto (from outside: ray job submit)"
        )
    found = _FORM.fullmatch(text)
    if text not in ("auto", "local") and (found is None or not 0 < int(found[2]) < 2**16):
        raise InvalidInput(f"{text!r} is no address of a Ray; write auto, local or HOST:PORT (10.0.0.1:6379)")
    return text


def joined_address(asked: str | None) -> str | None:
    """The Ray that a search joins; None: one is started for it alone.

    It is the one that is asked for, else that of RAY_ADDRESS, else what `ray start` has begun on this machine. «local»
    joins none.

    Raises:
        InvalidInput: it does not answer within PATIENCE, or refuses.
    """
    address = parse_address(asked or os.environ.get("RAY_ADDRESS") or "auto")
    if address == "local":
        return None
    if address == "auto":
        running = _running()
        if running is None and (asked or os.environ.get("RAY_ADDRESS")):
            raise InvalidInput("no Ray runs on this machine that could be joined; begin one with: ray start --head")
        return running
    check_answers(address)
    return address


def check_answers(address: str) -> None:
    """Returns when something at the address answers as Ray does.

    Raises:
        InvalidInput: nothing answers within PATIENCE, or it refuses.
    """
    began = time.monotonic()
    if not _connects(address, PATIENCE):
        raise InvalidInput(f"nothing answers at {address}; is its Ray running, and its port open to this machine?")
    _check_server(address, PATIENCE - (time.monotonic() - began))


def remembered(ask: Callable[[], int], *, seconds: float = 2.0) -> Callable[[], int]:
    """An answer that is asked for again only after so many seconds."""
    kept: list[tuple[float, int]] = []

    def answer() -> int:
        now = time.monotonic()
        if not kept or now - kept[0][0] > seconds:
            kept[:] = [(now, ask())]
        return kept[0][1]

    return answer


def _running() -> str | None:
    """What `ray start` noted on this machine, if it still runs."""
    note = Path(os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()) / "ray" / "ray_current_cluster"
    try:
        address = note.read_text().strip()
    except OSError:
        return None
    return address if _FORM.fullmatch(address) and _connects(address, 1.0) else None


def _connects(address: str, seconds: float) -> bool:
    found = _FORM.fullmatch(address)
    assert found is not None, "addresses are parsed first"
    try:
        with socket.create_connection((found[1].strip("[]"), int(found[2])), timeout=seconds):
            return True
    except OSError:
        return False


def _check_server(address: str, seconds: float) -> None:
    """Asked from a process of its own: what is no Ray would keep this one for minutes, or end it."""
    use_token()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _ASK, address], capture_output=True, text=True, timeout=max(seconds, 3)
        )
    except subprocess.TimeoutExpired:
        raise InvalidInput(f"what is at {address} does not answer as a Ray does within {PATIENCE:.0f} s") from None
    if done.returncode:
        raise InvalidInput(f"the Ray at {address} refuses: {_last_line(done.stderr)}")


def use_token() -> None:
    """Shows the token that this person has, as Ray itself does only where it has found the address by itself."""
    tokens = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    if "RAY_AUTH_MODE" not in os.environ and (any(name in os.environ for name in tokens) or _has_token_file()):
        os.environ["RAY_AUTH_MODE"] = "token"
        if "ray" in sys.modules:  # it has read its settings already
            with suppress(ImportError, AttributeError):
                import_module("ray._raylet").Config.initialize("")


def _has_token_file() -> bool:
    try:
        return (Path.home() / ".ray" / "auth_token").is_file()
    except (RuntimeError, OSError):
        return False


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it gives no reason"
