"""A source → uint8 pixels of one size in .npy files, decoded once and addressed by what they were made from."""

import json
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from glob import escape
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from scaling_search.data.cache import ImageWriter, new_folder
from scaling_search.data.dataset import Colour, Dataset, Split
from scaling_search.data.seal import seal
from scaling_search.data.source import ImageSource, Items, Unreadable
from scaling_search.environment import cpu_count
from scaling_search.errors import InvalidInput
from scaling_search.files import inside, remove

Progress = Callable[[str, int, int], None]  # (what is done, images done, images in all)

_FORMAT = 1  # goes up when the same source would be packed into other pixels
_CHUNK = 256  # images in flight
_MAX_UNREADABLE = 0.01  # of a split's images; one may always be


def pack(source: ImageSource, *, pixels: int, cache: Path, progress: Progress | None = None) -> Dataset:
    """The source as uint8 [n, pixels, pixels, 3] on disk; at once when the cache has it.

    Args:
        pixels: side of the squares that are kept.
        cache: folder; everything in it can be deleted at any time between runs.

    Raises:
        InvalidInput: more than 1 % of the images cannot be read, the disk is full, or the name makes no folder.
    """
    folder = inside(cache, f"{source.name}-{pixels}-{_key(source, pixels)}")
    dataset = _load(folder)
    if dataset is None:
        if folder.exists():
            warnings.warn(f"{folder} is damaged, or of an older version, and is packed again", stacklevel=2)
            remove(folder)
        with new_folder(folder) as scratch:
            _write(source, pixels, scratch, progress or (lambda what, done, total: None))
        dataset = _load(folder)
    if dataset is None:
        raise InvalidInput(f"{folder} is damaged as soon as it is written; set SCALING_SEARCH_CACHE to another disk")
    return dataset


def packed(name: str, *, pixels: int, fingerprint: str, cache: Path) -> Dataset | None:
    """What was packed before under that name and at that size, and has that fingerprint; None where nothing has."""
    folders = (path.parent for path in sorted(cache.glob(f"{escape(name)}-{pixels}-*/meta.json")))
    found = (_load(folder) for folder in folders)
    return next((dataset for dataset in found if dataset is not None and dataset.fingerprint == fingerprint), None)


def _key(source: ImageSource, pixels: int) -> str:
    content = {"format": _FORMAT, "pixels": pixels, "counts": [len(source.train), len(source.val)], **source.identity}
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _write(source: ImageSource, pixels: int, folder: Path, progress: Progress) -> None:
    digest = sha256(json.dumps(source.classes).encode())
    train, train_skipped = _write_split("train", source.train, pixels, folder, progress, digest.update)
    val, val_skipped = _write_split("val", source.val, pixels, folder, progress, digest.update)
    mean, std = _colour_statistics(np.load(folder / f"train-{pixels}.npy", mmap_mode="r"))
    meta = {
        "name": source.name,
        "classes": source.classes,
        "counts": {"train": train, "val": val},
        "pixels": pixels,
        "native": source.native or pixels,
        "flip": source.flip,
        "mean": mean,
        "std": std,
        "fingerprint": digest.hexdigest()[:16],
        "skipped": train_skipped + val_skipped,
    }
    meta["check"] = _checksum(meta)
    (folder / "meta.json").write_text(json.dumps(meta, indent=1, ensure_ascii=False), encoding="utf-8")


def _write_split(
    name: str, items: Items, pixels: int, folder: Path, progress: Progress, digest: Callable[[bytes], None]
) -> tuple[int, list[str]]:
    """Writes one split's two files; returns the number of images and the names of those that could not be read."""
    skipped: list[str] = []
    kept: list[int] = []
    with ImageWriter(folder / f"{name}-{pixels}.npy", pixels) as writer:
        for start, chunk in _decoded(items, pixels):
            failed = {offset: found for offset, found in enumerate(chunk) if isinstance(found, Unreadable)}
            skipped += [f"{items.names[start + offset]} ({error})" for offset, error in failed.items()]
            _check_skipped(name, skipped, len(items))
            kept += [start + offset for offset in range(len(chunk)) if offset not in failed]
            if images := [found for found in chunk if isinstance(found, np.ndarray)]:
                block = np.stack(images)
                writer.append(block)
                digest(block.tobytes())
            progress(f"packing {name}", start + len(chunk), len(items))
    labels = items.labels[kept].astype(np.int64)
    digest(labels.tobytes())
    np.save(folder / f"{name}-labels.npy", labels)
    seal(folder / f"{name}-labels.npy")
    if skipped:
        warnings.warn(
            f"{len(skipped)} unreadable of {len(items)} {name} images skipped: {_listed(skipped)}", stacklevel=2
        )
    return len(kept), skipped


def _decoded(items: Items, pixels: int) -> Iterator[tuple[int, list[np.ndarray | Unreadable]]]:
    """Chunks of images in order, each with its first index. Threads do: decoding and drawing leave the GIL."""

    def read(index: int) -> np.ndarray | Unreadable:
        try:
            return items.read(index, pixels)
        except Unreadable as error:
            return error

    with ThreadPoolExecutor(cpu_count()) as pool:
        for start in range(0, len(items), _CHUNK):
            yield start, list(pool.map(read, range(start, min(start + _CHUNK, len(items)))))


def _check_skipped(split: str, skipped: list[str], total: int) -> None:
    if len(skipped) > max(_MAX_UNREADABLE * total, 1) or len(skipped) == total:
        raise InvalidInput(
            f"over {_MAX_UNREADABLE:.0%} of the {total} {split} images cannot be read: {_listed(skipped)}; "
            "remove or repair them"
        )


def _listed(skipped: list[str]) -> str:
    return ", ".join(skipped[:3]) + (", …" if len(skipped) > 3 else "")


def _colour_statistics(images: np.ndarray, *, sample: int = 2000) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each colour over an even sample of the images, 0..1, to four places."""
    pixels = images[:: max(1, len(images) // sample)].reshape(-1, 3)
    counts = [np.bincount(pixels[:, colour], minlength=256) for colour in range(3)]
    values = np.arange(256) / 255
    means = [float(np.average(values, weights=count)) for count in counts]
    spreads = [
        float(np.average((values - mean) ** 2, weights=count)) ** 0.5 for mean, count in zip(means, counts, strict=True)
    ]
    return [round(mean, 4) for mean in means], [round(max(spread, 1e-3), 4) for spread in spreads]


def _checksum(meta: dict[str, Any]) -> int:
    content = {key: value for key, value in meta.items() if key != "check"}
    return crc32(json.dumps(content, sort_keys=True).encode())


def _load(folder: Path) -> Dataset | None:
    """What was packed into the folder; None where that is not there, or not whole."""
    try:
        meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(meta, dict) or meta.get("check") != _checksum(meta):
        return None
    dataset = _described(folder, meta)
    return dataset if dataset.train.whole and dataset.val.whole else None


def _described(folder: Path, meta: dict[str, Any]) -> Dataset:
    mean, std = (_colour(meta[key]) for key in ("mean", "std"))
    train, val = (
        Split(folder=folder, name=name, count=meta["counts"][name], side=meta["pixels"], mean=mean, std=std)
        for name in ("train", "val")
    )
    return Dataset(
        name=meta["name"],
        classes=tuple(meta["classes"]),
        train=train,
        val=val,
        flip=meta["flip"],
        native=meta["native"],
        fingerprint=meta["fingerprint"],
        skipped=tuple(meta["skipped"]),
    )


def _colour(values: list[float]) -> Colour:
    red, green, blue = values
    return red, green, blue
