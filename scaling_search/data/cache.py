"""Files that are made once and then shared: where they live, and how they come to be whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np

from scaling_search.data.seal import seal
from scaling_search.errors import InvalidInput
from scaling_search.files import sweep, sync_folder, unfinished


def cache_folder() -> Path:
    """$SCALING_SEARCH_CACHE, else scaling-search in $XDG_CACHE_HOME or ~/.cache.

    Raises:
        InvalidInput: this user has no home folder, as in some containers.
    """
    if own := os.environ.get("SCALING_SEARCH_CACHE"):
        return Path(own).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "scaling-search"
    except RuntimeError as error:
        raise InvalidInput("this user has no home folder; set SCALING_SEARCH_CACHE to one for packed images") from error


@contextmanager
def new_folder(final: Path) -> Iterator[Path]:
    """A scratch folder that is renamed to final when the block ends well, and removed when it does not.

    Two processes may make the same folder at once: the first to finish wins, the other's is dropped.

    Raises:
        InvalidInput: the disk is full or the cache cannot be written.
    """
    with _explained(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
        sweep(final.parent)
        scratch = unfinished(final.parent)
        scratch.mkdir()
        try:
            yield scratch
            if not final.exists():
                _settle(scratch)
                _rename(scratch, final)
                sync_folder(final.parent)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def new_file(final: Path) -> Iterator[Path]:
    """A scratch path that replaces final when the block ends well, and is removed when it does not.

    Raises:
        InvalidInput: the disk is full or the cache cannot be written.
    """
    with _explained(final.parent):
        scratch = unfinished(final.parent)
        try:
            yield scratch
            scratch.replace(final)
            sync_folder(final.parent)
        finally:
            scratch.unlink(missing_ok=True)


class ImageWriter:
    """Appends images to a .npy file whose number of images is known only at the end.

    Written, not mapped: on a full disk a write raises an error, a store to a mapped page kills the process.
    """

    def __init__(self, path: Path, side: int) -> None:
        self._path = path
        self._file = path.open("wb")
        self._side = side
        self.count = 0
        self._write_header()

    def append(self, images: np.ndarray) -> None:
        """Adds uint8 [n, side, side, 3]."""
        assert images.dtype == np.uint8 and images.shape[1:] == (self._side, self._side, 3)
        self._file.write(np.ascontiguousarray(images).data)
        self.count += len(images)

    def __enter__(self) -> "ImageWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._write_header()  # the same length: numpy leaves room for the first dimension to grow
        if kind is None:
            seal(self._path)

    def _write_header(self) -> None:
        shape = (self.count, self._side, self._side, 3)
        np.lib.format.write_array_header_1_0(self._file, {"descr": "|u1", "fortran_order": False, "shape": shape})


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turns a full or read-only disk into a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InvalidInput(
                f"the disk is full while packing images into {folder}; free some space or set SCALING_SEARCH_CACHE"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM):
            raise InvalidInput(
                f"the cache {folder} cannot be written ({error.strerror}); set SCALING_SEARCH_CACHE to another folder"
            ) from error
        raise


def _settle(folder: Path) -> None:
    """Waits until the folder's files would outlive a power cut."""
    for path in folder.iterdir():
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    sync_folder(folder)


def _rename(scratch: Path, final: Path) -> None:
    try:
        scratch.rename(final)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise  # else another process has just finished the same folder
