"""How a command ends: signals, files that are closed, readers that have gone. No process imports torch."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from scaling_search.cli.ending import end_if_wanted, ended_by_signals

TOOL = "from scaling_search.cli import main; main()"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_interrupts(name: str) -> None:
    number = getattr(signal, name)
    usual = signal.default_int_handler if name == "SIGINT" else signal.SIG_DFL
    before = signal.signal(number, usual)  # a shell's background jobs ignore SIGINT, and so would we
    try:
        with pytest.raises(KeyboardInterrupt), ended_by_signals():
            signal.raise_signal(number)
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)


def test_an_interruption_that_was_lost_is_made_up_for() -> None:
    with ended_by_signals():
        end_if_wanted()
        with suppress(KeyboardInterrupt):  # as C code may, which says nothing
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            end_if_wanted()


def test_a_search_engines_own_way_to_end_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_what_is_ignored_stays_ignored() -> None:
    """As nohup asks for."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def shell(command: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A shell's command; «tool» in it is the program."""
    where = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": ""}
    text = f'tool() {{ "{sys.executable}" -c "{TOOL}" "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", text], cwd=folder, env=where, capture_output=True, text=True, timeout=60
    )


def test_a_reader_that_has_gone_is_no_error_message(tmp_path: Path) -> None:
    done = shell("tool cost b0 --json | true", tmp_path)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed_files_end_nothing(tmp_path: Path, closed: str) -> None:
    done = shell(f"tool family --preset paper --out family {closed}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "family").iterdir())) == 8


def test_a_full_disk_under_the_output_is_a_sentence(tmp_path: Path) -> None:
    done = shell("tool cost b0 > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (2, "scaling-search: No space left on device: while writing\n")


def test_a_terminal_of_few_letters(tmp_path: Path) -> None:
    done = shell("PYTHONIOENCODING=ascii tool cost b0 --depth -1", tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("scaling-search: the depth multiplier")
    done = shell("PYTHONIOENCODING=ascii tool family --coefficients 0.5,1,1", tmp_path)
    assert done.stderr == "scaling-search: ? must be a number of at least 1, not 0.5\n"
