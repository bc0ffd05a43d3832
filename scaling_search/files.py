"""Writing files so that a reader, or a kill at any moment, never meets half of one; and sweeping what a kill leaves."""

import errno
import os
import shutil
import socket
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import uuid4

from scaling_search.errors import InvalidInput

UNFINISHED = ".unfinished-"
_LONGEST = 250  # bytes; file systems take 255
_ABANDONED_SECONDS = 24 * 3600
"""For what another machine left, of whose processes nothing is known here."""


def inside(folder: Path, name: str) -> Path:
    """The path of a file of that name in the folder, for names that come from a file.

    Raises:
        InvalidInput: the name would lead out of the folder, or is none that a file can have.
    """
    if name != Path(name).name or name in ("", ".", "..") or "\0" in name or len(os.fsencode(name)) > _LONGEST:
        raise InvalidInput(f"{name[:60]!r} cannot name a file in {folder}: a name has no slashes and is short")
    return folder / name


def plain(name: str) -> str:
    """A name as part of a folder's name: «timm:resnet50» becomes timm-resnet50."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip("-.")[:100] or "x"


def read_bytes(path: Path, *, most: int) -> bytes:
    """The content of a file that a person names.

    Args:
        most: bytes; more is not what the file should be.

    Raises:
        InvalidInput: it is missing, no file (a pipe would wait for ever), unreadable, or larger; one sentence.
    """
    try:
        if not path.is_file() and path.exists():
            raise InvalidInput(f"cannot read {path}: {'it is a folder' if path.is_dir() else 'it is not a file'}")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise InvalidInput(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > most:
        raise InvalidInput(f"cannot read {path}: it is larger than {most >> 20} MB")
    return content


def read_text(path: Path, *, most: int) -> str:
    """The same as text in UTF-8.

    Raises:
        InvalidInput: as `read_bytes`, or it is no text.
    """
    try:
        return read_bytes(path, most=most).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"cannot read {path}: it is not text in UTF-8 ({error.reason} at byte {error.start})"
        ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Writes content beside path and moves it into place; path is the old file or the new one, never a part.

    Raises:
        OSError: the disk is full or not writable; the old file is untouched.
    """
    with atomically(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def atomically(path: Path) -> Iterator[IO[bytes]]:
    """A new file to write to, which takes path's place when the block ends, and is removed when the block fails.

    A symbolic link stays one: what it points to is replaced. Permissions are the old file's, or what the umask says.
    What is no file (a device, a pipe) is written to directly.

    Raises:
        OSError: the folder is missing, or the disk is full or not writable; the old file is untouched.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    if _is_stream(path):
        with path.open("ab") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    scratch = unfinished(target.parent)
    handle = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)  # less the umask
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            to_disk(file)
        if target.exists():
            with suppress(PermissionError):  # some network file systems
                scratch.chmod(stat.S_IMODE(target.stat().st_mode))
        scratch.replace(target)
        sync_folder(target.parent)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


def to_disk(file: IO[bytes]) -> None:
    """Waits until what was written to the file would outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Waits until what was made, renamed or removed in the folder would outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that has nothing to wait for
            raise
    finally:
        os.close(handle)


def unfinished(folder: Path) -> Path:
    """A name in the folder for what is not whole yet; nobody else has it, and a later process knows it as abandoned."""
    return folder / f"{UNFINISHED}{_machine()}-{os.getpid()}-{uuid4().hex}"


def sweep(folder: Path) -> None:
    """Removes what killed processes left unfinished in the folder and one level below it."""
    with suppress(FileNotFoundError):
        for path in (*folder.glob(f"{UNFINISHED}*"), *folder.glob(f"*/{UNFINISHED}*")):
            if is_abandoned(path):
                remove(path)


def remove(path: Path) -> None:
    """Deletes a file, or a folder with all in it, as far as that is possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def process_of(path: Path) -> int | None:
    """The process of this machine that an unfinished name tells of; None where it is another machine's."""
    machine, _, rest = path.name.removeprefix(UNFINISHED).partition("-")
    process = rest.partition("-")[0]
    return int(process) if machine == _machine() and process.isdigit() else None


def is_abandoned(path: Path) -> bool:
    """Whether the process that an unfinished name tells of is gone, or, on another machine, has had a day."""
    process = process_of(path)
    if process is not None:
        return not _is_alive(process)
    with suppress(FileNotFoundError):
        return time.time() - path.lstat().st_mtime > _ABANDONED_SECONDS
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another person's
        return True
    return True


def _machine() -> str:
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_stream(path: Path) -> bool:
    """Whether a path leads to no file of its own: a device, a pipe, /dev/stdout."""
    if os.path.abspath(path).startswith(("/dev/fd/", "/dev/std", "/proc/")):  # noqa: PTH100 (resolve follows the link)
        return True
    return path.exists() and not path.is_file() and not path.is_dir()
