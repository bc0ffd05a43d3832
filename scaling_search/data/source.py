"""Labelled images before they are packed: what the embedded shapes, a folder and torchvision all turn into."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np


class Unreadable(Exception):
    """One image cannot be decoded; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Items:
    """The images of one split, read one at a time (from several threads)."""

    names: Sequence[str]  # what a message calls each image
    labels: np.ndarray  # int64 [n]
    read: Callable[[int, int], np.ndarray]  # (index, pixels) → uint8 [pixels, pixels, 3]; raises Unreadable

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, chosen: Sequence[int]) -> "Items":
        """Only these items, in this order."""
        return Items(
            names=[self.names[index] for index in chosen],
            labels=self.labels[list(chosen)],
            read=lambda index, pixels: self.read(chosen[index], pixels),
        )

    def limited(self, count: int | None, *, seed: int) -> "Items":
        """At most count items, every class by its share; the order is kept."""
        if count is None or count >= len(self):
            return self
        return self.take(sorted(stratified_order(self.names, self.labels, seed=seed)[:count]))


@dataclass(frozen=True, kw_only=True)
class ImageSource:
    """A data set that can be packed."""

    name: str
    classes: tuple[str, ...]
    train: Items
    val: Items
    flip: bool
    identity: Mapping[str, Any]  # all that the pixels depend on, short of reading them: the key of the cache
    native: int | None = None  # pixels, where every image has this size


def stratified_order(names: Sequence[str], labels: np.ndarray, *, seed: int) -> list[int]:
    """Indices in an order of which every prefix holds each class by its share.

    Within a class the order is that of hashed names, not of a random stream: a new image moves few of the others.
    """
    hashes = [sha256(os.fsencode(f"{seed}/{name}")).digest() for name in names]
    places = np.empty(len(names))  # 0..1, how far into its class an item stands
    for label in np.unique(labels):
        members = sorted(np.flatnonzero(labels == label), key=lambda index: hashes[index])
        places[members] = (np.arange(len(members)) + 0.5) / len(members)
    return sorted(range(len(names)), key=lambda index: (places[index], hashes[index]))
