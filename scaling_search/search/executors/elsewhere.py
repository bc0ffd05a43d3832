"""A job on another machine than the search's: images from that machine's own cache, a checkpoint that outlives it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading
from scaling_search.files import remove, sweep, unfinished
from scaling_search.search.executors.base import Job, Train
from scaling_search.search.executors.stores import Store

if TYPE_CHECKING:
    from scaling_search.data import Dataset


@dataclass(frozen=True)
class Elsewhere:
    """Trains as `train` does, wherever it is called.

    Args:
        store: where images come from, and where checkpoints stay.
        home: Ray's name for the machine of the search, which has both; "" where that is none of Ray's.
        all_stored: checkpoints stay in the store even there.
    """

    train: Train
    store: Store
    home: str
    all_stored: bool = False

    def __call__(self, job: Job) -> Iterator[Reading]:
        at_home = _node() == self.home
        if job.trained or (at_home and not self.all_stored):
            yield from self.train(job)
            return
        if not at_home and job.dataset is not None:
            job = replace(job, dataset=dataset_here(job.dataset, self.store))
        yield from self._stored(job)

    def _stored(self, job: Job) -> Iterator[Reading]:
        """Trains beside the cache; each checkpoint is in the store before its reading is told."""
        from scaling_search.data.cache import cache_folder

        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        scratch = unfinished(folder)
        scratch.mkdir()
        name, path = job.checkpoint.name, scratch / job.checkpoint.name
        try:
            if (content := self.store.checkpoint(name)) is not None:
                path.write_bytes(content)
            kept = _state(path)
            for reading in self.train(replace(job, checkpoint=path)):
                if not reading.final and _state(path) != kept:
                    self.store.keep(name, path.read_bytes())
                    kept = _state(path)
                yield reading
        finally:
            remove(scratch)


def dataset_here(dataset: "Dataset", store: Store) -> "Dataset":
    """The same images from this machine's cache, where one process of it puts them if they are not there.

    Raises:
        InvalidInput: they arrived damaged, or the disk is full.
    """
    from filelock import FileLock

    from scaling_search.data.cache import cache_folder, new_folder

    folder = cache_folder() / "data" / dataset.train.folder.name
    if (found := _there(dataset)) is not None:
        return found
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if (found := _there(dataset)) is not None:
            return found
        remove(folder)
        with new_folder(folder) as scratch:
            for name in _files(dataset):
                with (scratch / name).open("wb") as file:
                    for block in store.data(f"{folder.name}/{name}"):
                        file.write(block)
        if (found := _there(dataset)) is None:
            raise InvalidInput(f"the images in {folder} are not those that the search has packed")
    return found


def _there(dataset: "Dataset") -> "Dataset | None":
    from scaling_search.data import reopen

    return reopen(dataset.name, pixels=dataset.train.side, fingerprint=dataset.fingerprint)


def _files(dataset: "Dataset") -> list[str]:
    splits = (dataset.train, dataset.val)
    return [path.name for split in splits for path in (split.file(split.side), split.labels_file)] + ["meta.json"]


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written anew."""
    if not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_ino


def _node() -> str:
    """Ray's name for this machine; "" outside of Ray."""
    import ray

    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else ""
