"""One process at a time in a folder: two that train the same run would do everything twice.

The lock is the operating system's (flock, through filelock): it ends with its process, however that dies, and over NFS
when the server notices that the machine is gone. Where a file system has none, a file that names process and machine
stands in; it is known to be stale when that process is no more. Readers need no lock.
"""

import errno
import os
import socket
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from scaling_search.errors import InvalidInput
from scaling_search.files import UNFINISHED

LOCK = ".lock"
_STAND_IN = ".lock-process"
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else works in the folder while the block lasts.

    Raises:
        InvalidInput: somebody does; the message says who.
    """
    lock = take(folder)
    try:
        yield
    finally:
        lock.release()


def take(folder: Path) -> BaseFileLock:
    """The lock of the folder, taken; it is held until it is released or forgotten, or this process ends.

    Raises:
        InvalidInput: somebody else has it; the message says who.
        OSError: the folder cannot be written.
    """
    try:
        return _taken(FileLock(folder / LOCK, timeout=0))
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return _taken(SoftFileLock(folder / _STAND_IN, timeout=0))


def is_held(folder: Path) -> bool:
    """Whether a process works in the folder; its lock is only looked at, and nothing is written."""
    if (folder / _STAND_IN).exists():
        return True
    if not hasattr(os, "fork"):  # where files are locked otherwise, nobody can look
        return False
    import fcntl

    try:
        with (folder / LOCK).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # there is none, or the file system knows no locks
        return False
    return False


def is_unclaimed(folder: Path, *, own: Collection[str] = ()) -> bool:
    """Whether work may begin in the folder: nothing is in it but what a beginning that was cut off has left.

    Args:
        own: names of files that such a beginning may have written; a folder that it has not locked holds none of them.
    """
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir() if not path.name.startswith(UNFINISHED)}
    locks = names & {LOCK, _STAND_IN}
    return names - locks <= set(own if locks else ())


def _taken(lock: BaseFileLock) -> BaseFileLock:
    path = Path(lock.lock_file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # filelock says that it falls back to a file
            lock.acquire()
    except Timeout as error:
        hint = f"; if that machine is gone, delete {path}" if isinstance(lock, SoftFileLock) else ""
        raise InvalidInput(
            f"{path.parent} is being worked on by {_owner(path)}; wait for it to end, or end it{hint}"
        ) from error
    if not isinstance(lock, SoftFileLock):  # which writes the same two lines itself
        path.write_text(f"{os.getpid()}\n{socket.gethostname()}\n", encoding="utf-8")
    return lock


def _owner(path: Path) -> str:
    """The process that a lock file names."""
    try:
        process, host, *_ = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):  # it is just being written
        return "another process"
    return f"process {process} on {host}"
