"""A person's own code that ends the program, or never ends."""

import signal
import sys
import time

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign.guard import foreign_code


def test_sys_exit_and_odd_exceptions_are_mistakes() -> None:
    with pytest.raises(InvalidInput, match=r"the code of net.py:f ends the program"), foreign_code("net.py:f"):
        sys.exit(0)
    with pytest.raises(InvalidInput, match="fails: BaseException: odd"), foreign_code("net.py:f"):
        raise BaseException("odd")


def test_other_errors_stay_what_they_are() -> None:
    for error in (KeyError("x"), KeyboardInterrupt()):
        with pytest.raises(type(error)), foreign_code("net.py:f"):
            raise error


def test_what_does_not_return_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALING_SEARCH_PATIENCE", "0.05")
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(InvalidInput, match=r"has not returned after 0\.05 s"), foreign_code("net.py:f"):
        with foreign_code("net.py:f"):  # the outer one counts
            pass
        time.sleep(10)
    assert signal.getsignal(signal.SIGALRM) == before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
