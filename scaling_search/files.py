"""Writing files so that a reader, or a kill at any moment, never meets half of one."""

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


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

    Raises:
        OSError: the folder is missing, or the disk is full or not writable; the old file is untouched.
    """
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", str(path.parent))
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            to_disk(file)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def to_disk(file: IO[bytes]) -> None:
    """Waits until what was written to the file would outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())
