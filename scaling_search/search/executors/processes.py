"""The processes of a Ray that was started here: none outlives the search."""

import contextlib
from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

PATIENCE = 5.0
"""Seconds that a worker has to notice that its Ray has ended; in the midst of a step of training it does so late."""


def children() -> "set[psutil.Process]":
    """The processes that this one has started and that have not ended."""
    import psutil

    return set(psutil.Process().children())


def of_own_ray() -> "list[psutil.Process]":
    """What Ray's node process, a child of this one, has started: workers and agents."""
    import psutil  # its 20 ms are for those who start a Ray

    found: list[psutil.Process] = []
    for child in children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if child.name() == "raylet":
                found += [child, *child.children(recursive=True)]
    return found


def end(processes: "Collection[psutil.Process]", patience: float = PATIENCE) -> None:
    """Returns when all have ended: by themselves, or after `patience` seconds by force."""
    import psutil

    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=PATIENCE)
