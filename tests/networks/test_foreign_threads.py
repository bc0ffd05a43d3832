"""Networks made by several threads at once: torch's hook for new modules is there for all of them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from scaling_search.coefficients import Multipliers
from scaling_search.networks import build
from scaling_search.networks.foreign import ForeignNetwork, open_foreign

USER = Path(__file__).parent / "user_networks.py"


@pytest.fixture
def other_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


@contextmanager
def during(act: Callable[[], None]) -> Iterator[None]:
    """Acts each time that a part of a network gets its place."""
    handle = register_module_module_registration_hook(lambda module, name, part: act())
    try:
        yield
    finally:
        handle.remove()


def wide() -> ForeignNetwork:
    return open_foreign(f"{USER}:SmallNet").scaled(Multipliers(depth=1, width=2, resolution=1))


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5))


def test_another_threads_module_keeps_its_size(other_thread: ThreadPoolExecutor) -> None:
    network, mine, met = wide(), threading.get_ident(), []
    parts = [0]

    def count() -> None:
        parts[0] += threading.get_ident() == mine

    def act() -> None:
        if threading.get_ident() == mine:
            parts[0] -= 1
            if parts[0] < 10:  # not while the order of the layers is looked at: only while they get their new size
                met.append(other_thread.submit(small).result())

    build(network)  # what is remembered of it is not made again
    with during(count):
        build(network)
    with during(act):
        made = build(network)
    assert len(met) == 10
    for other in met:
        assert other(torch.zeros(2, 3, 4, 4)).shape == (2, 5, 2, 2)
    assert made(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_one_thread_at_a_time(other_thread: ThreadPoolExecutor) -> None:
    network, mine = wide(), threading.get_ident()
    asked: list[Future[nn.Module]] = []
    begun = threading.Event()

    def act() -> None:
        if threading.get_ident() != mine:
            begun.set()
        elif not asked:
            asked.append(other_thread.submit(build, network))
            assert not begun.wait(0.3), "another thread puts its network together"

    with during(act):
        build(network)
        made = asked[0].result()
    assert begun.is_set()
    assert made(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
