"""A person's own code at work: what ends a program, or never ends, is a mistake of theirs and told as one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from scaling_search.errors import InvalidInput

PATIENCE = 300.0
"""Seconds that importing or building may take, unless SCALING_SEARCH_PATIENCE says otherwise: weights may be loaded."""


@contextmanager
def foreign_code(name: str) -> Iterator[None]:
    """Around code that belongs to the network of that name. Inside another such block, nothing more is done.

    Raises:
        InvalidInput: it calls sys.exit, raises what no program should catch, or takes too long.
    """
    if _inside.is_set():
        yield
        return
    _inside.set()
    try:
        with _limited(name):
            yield
    except SystemExit as error:
        raise InvalidInput(f"the code of {name} ends the program (sys.exit); it has to return a network") from error
    except (Exception, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        raise InvalidInput(f"the code of {name} fails: {type(error).__name__}: {error}") from error
    finally:
        _inside.clear()


_inside = threading.Event()


@contextmanager
def _limited(name: str) -> Iterator[None]:
    seconds = float(os.environ.get("SCALING_SEARCH_PATIENCE") or PATIENCE)

    def give_up(number: int, frame: object) -> NoReturn:
        raise InvalidInput(
            f"the code of {name} has not returned after {seconds:g} s; if it needs longer, set SCALING_SEARCH_PATIENCE"
        )

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield  # where no handler can be set
        return
    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
