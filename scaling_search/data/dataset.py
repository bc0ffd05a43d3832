"""What a prepared data set is: two splits of packed pixels on disk, described by a few paths and numbers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scaling_search.data.seal import check, is_whole

Colour = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Split:
    """One split, packed: uint8 pixels and int64 labels in two .npy files. Small enough to send to every worker."""

    folder: Path
    name: str  # "train" or "val"
    count: int
    side: int  # pixels, the resolution it is packed at
    mean: Colour  # of the training pixels, in 0..1, for both splits
    std: Colour

    def __len__(self) -> int:
        return self.count

    def file(self, pixels: int) -> Path:
        """Where the split's images at one resolution are, or will be."""
        return self.folder / f"{self.name}-{pixels}.npy"

    @property
    def labels_file(self) -> Path:
        """Where the split's labels are."""
        return self.folder / f"{self.name}-labels.npy"

    @property
    def whole(self) -> bool:
        """Whether its files are there and undamaged."""
        return is_whole(self.file(self.side)) and is_whole(self.labels_file)

    def images(self) -> "np.memmap[Any, np.dtype[np.uint8]]":
        """uint8 [count, side, side, 3], mapped from disk: all processes of a machine share its pages."""
        return open_map(self.file(self.side))

    def labels(self) -> np.ndarray:
        """int64 [count]."""
        labels: np.ndarray = np.load(check(self.labels_file))
        return labels


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Labelled images, packed and ready to train on. Picklable: only paths and numbers."""

    name: str
    classes: tuple[str, ...]
    train: Split
    val: Split
    flip: bool  # may images be mirrored: not where left and right tell classes apart
    native: int  # pixels; a network that asks for more sees enlarged images
    fingerprint: str  # of pixels, labels and class names as packed
    skipped: tuple[str, ...]  # images that could not be read

    def normalised(self, *, mean: Colour, std: Colour) -> "Dataset":
        """The same images, normalised by other colours: those that weights were trained with."""
        train, val = (replace(split, mean=mean, std=std) for split in (self.train, self.val))
        return replace(self, train=train, val=val)

    @property
    def mean(self) -> Colour:
        """Mean colour of the training images, 0..1."""
        return self.train.mean

    @property
    def std(self) -> Colour:
        """Standard deviation of the training images' colours, 0..1."""
        return self.train.std


def open_map(path: Path) -> "np.memmap[Any, np.dtype[np.uint8]]":
    """A sealed .npy file as a memory map.

    Copy-on-write, because torch takes no read-only array without a warning; nothing writes to it, so nothing is copied.

    Raises:
        InvalidInput: it is damaged.
    """
    array = np.load(check(path), mmap_mode="c")
    assert isinstance(array, np.memmap)
    return array
