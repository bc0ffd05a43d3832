"""What `--data` means: the embedded shapes, a folder, a table, shards, or a data set by name → a prepared data set.

In Python a source itself may stand in a name's place (`from_torch`).
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from scaling_search.data.arrow import is_saved, open_arrow, parquet_files
from scaling_search.data.cache import cache_folder
from scaling_search.data.csv_list import open_csv
from scaling_search.data.dataset import Dataset
from scaling_search.data.folder import has_images, open_folder
from scaling_search.data.pack import Progress, pack, packed
from scaling_search.data.shapes import DIFFICULTY, NAME, open_shapes
from scaling_search.data.source import ImageSource
from scaling_search.data.webdataset import open_webdataset, shards
from scaling_search.data.zoo import ZOO, open_zoo
from scaling_search.errors import InvalidInput, nearest_hint


def prepare(
    source: str | ImageSource | None = None,
    *,
    resolution: int,
    cache: Path | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    limit_train: int | None = None,
    limit_val: int | None = None,
) -> Dataset:
    """Decodes and packs a data set once; later calls with the same source only look it up.

    Args:
        source: None or "shapes" for the embedded one ("shapes:0.8" for another difficulty), a path (docs/data.md), or
            a torchvision data set's name; or a source.
        resolution: pixels, the largest that any network will ask for.
        cache: folder for the packed images; see `cache_folder`.
        seed: draws the shapes, chooses what validates where a folder is not split, and what is kept of a limited one.
        progress: called with what is being done, images done and images in all.
        limit_train, limit_val: keep at most so many images, every class by its share.

    Raises:
        InvalidInput: no such source, unusable images, or a full disk; one sentence that says what would work.
    """
    if resolution < 1:
        raise InvalidInput(f"images need a resolution of at least 1 pixel, not {resolution}")
    cache = cache or cache_folder()
    opened = source if isinstance(source, ImageSource) else open_source(source, cache=cache, seed=seed)
    if limit_train is not None or limit_val is not None:
        opened = replace(
            opened,
            train=opened.train.limited(limit_train, seed=seed),
            val=opened.val.limited(limit_val, seed=seed),
            identity={**opened.identity, "limited_by": seed},
        )
    if opened.native and resolution > opened.native:
        warnings.warn(
            f"{opened.name} is {opened.native} pixels wide; networks of up to {resolution} will see it enlarged",
            stacklevel=2,
        )
    # a source of one size is kept at that size: what is packed then does not depend on what else is searched
    return pack(opened, pixels=opened.native or resolution, cache=cache / "data", progress=progress)


def reopen(name: str, *, pixels: int, fingerprint: str, cache: Path | None = None) -> Dataset | None:
    """A data set that was prepared before, without its source; None where the cache no longer has it.

    Args:
        name, fingerprint: of the data set.
        pixels: side of its packed images.
        cache: as for `prepare`.
    """
    return packed(name, pixels=pixels, fingerprint=fingerprint, cache=(cache or cache_folder()) / "data")


def open_source(source: str | None, *, cache: Path, seed: int) -> ImageSource:
    """The source that a `--data` value names.

    Raises:
        InvalidInput: nothing has that name; says what is near it.
    """
    if source == "":
        raise InvalidInput("--data is empty; name a folder or a data set, or leave it out for the embedded shapes")
    name, _, option = (source or NAME).partition(":")
    if name == NAME:
        return open_shapes(seed=seed, difficulty=_difficulty(option) if option else DIFFICULTY)
    assert source is not None
    if source.lower() in ZOO and not Path(source).is_dir():
        return open_zoo(source.lower(), cache=cache)
    if not Path(source).exists() and Path(source).name == source and name not in _OPEN:
        hint = nearest_hint(source, [NAME, *ZOO])
        raise InvalidInput(f"there is neither a folder nor a data set called {source}{hint}")
    return open_path(source, seed=seed)


def open_path(source: str, *, seed: int) -> ImageSource:
    """What lies at a path, by what is there; or as it is said: «hf:», «csv:», «webdataset:» and the path.

    Raises:
        InvalidInput: nothing usable lies there.
    """
    said, _, path = source.partition(":")
    if said in _OPEN and path:
        if not Path(path).exists():
            raise InvalidInput(f"{path} is missing")
        return _OPEN[said](Path(path), seed=seed)
    root = Path(source)
    kind = _kind(root)
    return _OPEN[kind](root, seed=seed) if kind else open_folder(root, seed=seed)


def _kind(root: Path) -> str | None:
    """Of what is no folder of images. A folder with images in it is one, whatever else lies there."""
    if root.is_file():
        return _FILES.get(root.suffix.lower())
    if not root.is_dir():
        return None
    if is_saved(root):
        return "hf"
    if has_images(root):  # first: it ends at the first one, where the others list every folder
        return None
    return "webdataset" if shards(root) else "hf" if parquet_files(root) else None


_OPEN: Mapping[str, Callable[..., ImageSource]] = {"hf": open_arrow, "csv": open_csv, "webdataset": open_webdataset}
_FILES = {".csv": "csv", ".tsv": "csv", ".tar": "webdataset", ".parquet": "hf"}


def _difficulty(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidInput(f"the difficulty of the shapes is a number from 0 to 1, as in shapes:0.5, not {text}")
    return value
