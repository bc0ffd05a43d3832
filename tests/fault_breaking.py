"""File operations that fail, or that are the last before a kill: an audit hook in the process of a command.

Counted are those inside the command's folder: opening, renaming, linking, removing, making and listing, which Python
announces to audit hooks before it does them, and waiting for the disk (fsync), which is wrapped. How far a write gets
is limited by the system itself (`bytes`).
"""

import errno
import os
import re
import resource
import shutil
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_EVENTS = {
    "open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.scandir", "os.listdir",
    "os.truncate", "os.chmod",
}  # fmt: skip
_WRITES = os.O_WRONLY | os.O_RDWR
_own = threading.RLock()
_state: "Breaking | None" = None


class Breaking:
    """Counts operations and breaks one of them.

    Args:
        fault: `at`, the number of the operation, from 0 (-1: none); `how`, an errno's name, «kill», or «power»: a kill
            after which only what was waited for is on the disk; `bytes`, the most that a file may have.
        operations: what was counted, in its order.
    """

    def __init__(self, fault: Mapping[str, Any], operations: list[str], tell: Callable[[], None]) -> None:
        self.at, self.how = int(fault.get("at", -1)), str(fault.get("how", ""))
        self.operations = operations
        self.tell = tell
        self.folder = os.path.realpath(os.getcwd())
        self.busy = False
        self.active = True
        self.disk = Disk(Path(self.folder).parent / f"{Path(self.folder).name}.before")
        if most := fault.get("bytes"):
            resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))

    def meet(self, event: str, path: str, *more: Any) -> None:
        """An operation is about to happen."""
        with _own:
            if self.busy or not self.active or not self.is_inside(path):
                return
            self.busy = True  # what is done here is not counted
            try:
                self._meet(event, path, *more)
            finally:
                self.busy = False

    def is_inside(self, path: str) -> bool:
        whole = os.path.abspath(path)
        return whole.startswith(self.folder + os.sep) and not os.path.basename(whole).startswith(
            (".said", ".compl", ".rep")
        )

    def _meet(self, event: str, path: str, *more: Any) -> None:
        number = len(self.operations)
        self.operations.append(f"{event} {_masked(os.path.relpath(path, self.folder))}")
        if number == self.at:
            if self.how in ("kill", "power"):
                if self.how == "power":
                    self.disk.lose()
                self.tell()
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, self.how)
            raise OSError(number, os.strerror(number), path)
        if self.how == "power":
            self.disk.note(event, path, *more)


class Disk:
    """What would be on the disk after a power cut.

    Args:
        before: a folder for the files that renames replaced.
    """

    def __init__(self, before: Path) -> None:
        self.before = before
        self.kept = 0
        self.synced: dict[tuple[int, int], int] = {}
        self.written: set[str] = set()
        self.renamed: list[tuple[str, str, Path | None]] = []

    def note(self, event: str, path: str, *more: Any) -> None:
        if event == "open" and more and more[0] & _WRITES:
            self.written.add(os.path.abspath(path))
            if os.path.exists(path) and not more[0] & os.O_TRUNC:
                self.synced.setdefault(_identity(path), os.path.getsize(path))
        elif event == "os.rename":
            kept = None
            if os.path.isfile(more[0]):
                self.before.mkdir(exist_ok=True)
                self.kept += 1
                kept = self.before / str(self.kept)
                shutil.copy2(more[0], kept)
                os.truncate(kept, min(self.synced_size(more[0]), os.path.getsize(kept)))
            self.renamed.append((os.path.abspath(path), os.path.abspath(more[0]), kept))
            inside = os.path.abspath(path) + os.sep
            for one in list(self.written):  # it is written under its new name too
                if one == inside[:-1] or one.startswith(inside):
                    self.written.add(os.path.abspath(more[0]) + one[len(inside) - 1 :])
        elif event == "fsync":
            self.synced[_identity(path)] = os.path.getsize(path)
            if os.path.isdir(path):
                self.renamed = [one for one in self.renamed if os.path.dirname(one[1]) != os.path.abspath(path)]

    def synced_size(self, path: str) -> int:
        """Bytes of a file that are on the disk for sure; all of one that nobody here has written."""
        return self.synced.get(_identity(path), 0 if os.path.abspath(path) in self.written else os.path.getsize(path))

    def lose(self) -> None:
        """Takes back what nobody waited for: renames, the last first, and what was written."""
        for source, target, kept in reversed(self.renamed):
            if os.path.exists(target) and os.path.isdir(os.path.dirname(source)):
                os.rename(target, source)
                if kept is not None:
                    shutil.copy2(kept, target)
                    self.synced[_identity(target)] = os.path.getsize(target)
        for path in {*self.written, *(source for source, _, _ in self.renamed)}:
            if os.path.isfile(path):
                os.truncate(path, min(self.synced_size(path), os.path.getsize(path)))
        shutil.rmtree(self.before, ignore_errors=True)


def _identity(path: str) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def install(fault: Mapping[str, Any], operations: list[str], tell: Callable[[], None]) -> None:
    """From here on operations are counted, and one breaks."""
    import sys

    global _state
    _state = Breaking(fault, operations, tell)
    sys.addaudithook(_heard)
    fsync = os.fsync

    def waited(file: Any) -> None:
        number = file if isinstance(file, int) else file.fileno()
        if _state is not None:
            _state.meet("fsync", os.readlink(f"/proc/self/fd/{number}"))
        fsync(number)

    os.fsync = waited  # type: ignore[assignment]


def stop() -> None:
    """The command has ended."""
    if _state is not None:
        _state.active = False
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        shutil.rmtree(_state.disk.before, ignore_errors=True)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _EVENTS or _state is None or not arguments:
        return
    path, *more = arguments
    if event == "open":
        more = more[1:]
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if isinstance(path, str | os.PathLike):
        _state.meet(event, os.fspath(path), *more)


def _masked(path: str) -> str:
    """Without what differs between two runs."""
    return re.sub(r"\.unfinished-\w+-\d+-\w+", ".unfinished", path)
