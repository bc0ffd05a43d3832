"""How a command begins and ends, whatever becomes of its terminal: signals, standard files, the last sentence."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
READER_GONE = 141
"""As of a program that SIGPIPE ended: 128 and the signal's number, which is how the other code comes about too."""
_LONGEST = 1000  # characters of the last sentence
_AS_CTRL_C = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
_wanted = threading.Event()


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM (a cluster's preemption) and SIGHUP (a terminal that closes) end the block as Ctrl-C does.

    What is ignored already (nohup) stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield
        return
    _wanted.clear()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *_AS_CTRL_C)}
    for number, handler in before.items():
        if handler == signal.default_int_handler:
            signal.signal(number, _interrupt)
        elif number != signal.SIGINT and handler not in (signal.SIG_IGN, None):
            signal.signal(number, _as_ctrl_c)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def end_if_wanted() -> None:
    """Ends what somebody has interrupted in vain: C code may clear the exception that a handler raised inside it.

    Raises:
        KeyboardInterrupt: once more.
    """
    if _wanted.is_set():
        raise KeyboardInterrupt


def open_standard_files() -> None:
    """Closed standard files lead nowhere, and text that the terminal's encoding lacks becomes question marks.

    Were 1 and 2 left closed, the next file that is opened would get their number, and be printed into.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            _lead_nowhere(number)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def leave(message: str, *, code: int) -> NoReturn:
    """Says one sentence, if there is anybody to say it to, and ends the program."""
    with contextlib.suppress(OSError, ValueError):
        print(f"scaling-search: {_one_line(message)}", file=sys.stderr, flush=True)
    _let_go()
    sys.exit(code)


def leave_reader() -> NoReturn:
    """Ends the program whose reader (head, less) has seen enough."""
    _let_go()
    sys.exit(READER_GONE)


def _one_line(message: str) -> str:
    """Without control characters, which files and names may hold and a terminal may obey; cut where nobody reads on."""
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in " ".join(message.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} …"


def _let_go() -> None:
    """What cannot be printed any more must not be tried again, and complained of, when Python ends."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            _lead_nowhere(number)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _wanted.set()
    raise KeyboardInterrupt


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    """What Ctrl-C would do now: an engine may have a handler of its own for that."""
    for standard in (1, 2):
        try:
            os.write(standard, b"")
        except OSError:  # a terminal that is gone: what is said on the way out must not fail
            _lead_nowhere(standard)
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
    else:
        _interrupt(number, frame)


def _lead_nowhere(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
