"""Where a trial on another machine gets its images and keeps its checkpoint: with the search, or on storage of its own.

Names have one slash at most: «data/…» or «checkpoints/…», then a file's name.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from scaling_search.errors import InvalidInput
from scaling_search.files import UNFINISHED

CHUNK = 64 * 2**20
"""Bytes that are sent at once."""


class Store(Protocol):
    """Small enough to be pickled; used on every machine."""

    def data(self, name: str) -> Iterator[bytes]:
        """A packed file, piece by piece.

        Raises:
            OSError: it cannot be had.
        """

    def checkpoint(self, name: str) -> bytes | None:
        """A checkpoint; None where there is none."""

    def keep(self, name: str, content: bytes) -> None:
        """Makes this the checkpoint of that name: whole or not at all, and to stay when this returns."""


@dataclass(frozen=True)
class StorageStore:
    """Any place that pyarrow or fsspec knows: s3://bucket/path, gs://…, hdfs://…, a folder that all machines share.

    Args:
        url: the place.
        run: the name of the run's own folder there.
    """

    url: str
    run: str

    def data(self, name: str) -> Iterator[bytes]:
        system, root = opened(self.url)
        with system.open_input_stream(f"{root}/data/{name}") as file:
            while block := file.read(CHUNK):
                yield block

    def checkpoint(self, name: str) -> bytes | None:
        system, root = opened(self.url)
        try:
            with system.open_input_stream(f"{root}/{self.run}/checkpoints/{name}") as file:
                return bytes(file.read())
        except FileNotFoundError:
            return None

    def keep(self, name: str, content: bytes) -> None:
        self._write(f"{self.run}/checkpoints", name, lambda: iter([content]))

    def drop(self, name: str) -> None:
        """Removes a checkpoint, if it is there."""
        system, root = opened(self.url)
        with suppress(FileNotFoundError):
            system.delete_file(f"{root}/{self.run}/checkpoints/{name}")

    def offer(self, folder: Path) -> None:
        """Puts a packed folder there, unless it is there already: its description comes last."""
        system, root = opened(self.url)
        place = f"{root}/data/{folder.name}"
        if _is_file(system, f"{place}/meta.json"):
            return
        for path in sorted(folder.iterdir(), key=lambda path: path.name == "meta.json"):
            if path.is_file() and not path.name.startswith(UNFINISHED):
                self._write(f"data/{folder.name}", path.name, lambda path=path: blocks_of(path))  # type: ignore[misc]

    def check(self) -> None:
        """Raises InvalidInput where nothing can be written."""
        try:
            self._write(self.run, "begun", lambda: iter([b""]))
        except OSError as error:
            raise InvalidInput(f"--storage {self.url} cannot be written: {' '.join(str(error).split())}") from error

    def _write(self, folder: str, name: str, blocks: Callable[[], Iterator[bytes]]) -> None:
        system, root = opened(self.url)
        system.create_dir(f"{root}/{folder}", recursive=True)
        scratch, final = f"{root}/{folder}/{UNFINISHED}{name}", f"{root}/{folder}/{name}"
        with system.open_output_stream(scratch) as file:
            for block in blocks():
                file.write(block)
        system.move(scratch, final)


def blocks_of(path: Path) -> Iterator[bytes]:
    """A file, piece by piece."""
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            yield block


def opened(url: str) -> tuple[Any, str]:
    """pyarrow's file system for a place, and the path in it.

    Raises:
        InvalidInput: there is no such kind of place, or its driver is not installed.
    """
    from pyarrow import ArrowInvalid, fs

    if "://" not in url:
        return fs.LocalFileSystem(), url.rstrip("/")
    try:
        system, path = fs.FileSystem.from_uri(url)
    except (ArrowInvalid, NotImplementedError):
        system, path = _by_fsspec(url)
    return system, path.rstrip("/")


def parse_storage(text: str) -> str:
    """A place as `--storage` takes it: a path is made absolute, a URL stays.

    Raises:
        InvalidInput: it is empty.
    """
    if not text.strip() or "\0" in text:
        raise InvalidInput("--storage is empty; name a folder that all machines share, or a URL (s3://bucket/path)")
    return text if "://" in text else str(Path(text).expanduser().absolute())


def _by_fsspec(url: str) -> tuple[Any, str]:
    from pyarrow import fs

    try:
        from fsspec.core import url_to_fs

        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InvalidInput(f"--storage {url} cannot be opened: {' '.join(str(error).split())}") from error
    return fs.PyFileSystem(fs.FSSpecHandler(system)), path


def _is_file(system: Any, path: str) -> bool:
    from pyarrow import fs

    return bool(system.get_file_info(path).type == fs.FileType.File)
