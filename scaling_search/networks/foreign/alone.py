"""One thread at a time: an opened network is looked at while hooks, that are there for all threads, hang on it."""

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_lock = RLock()


def alone(function: Callable[P, T]) -> Callable[P, T]:
    """The same function; while one thread is in it or another such one, others wait to get in."""

    @wraps(function)
    def waits(*args: P.args, **kwargs: P.kwargs) -> T:
        with _lock:
            return function(*args, **kwargs)

    return waits
