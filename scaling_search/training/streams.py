"""Random streams by name: what a draw is depends on (seed, purpose, epoch), never on what ran before it.

This is why a checkpoint holds no generator state: an epoch's streams are derived anew when the epoch begins, so a
training that was interrupted, or that runs after another one in the same process, draws the same numbers.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive(seed: int, purpose: str, epoch: int = 0) -> int:
    """A 63-bit seed for one stream; equal arguments give equal streams, all others unrelated ones."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{epoch}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def generator(seed: int, purpose: str, epoch: int = 0, *, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator on `device` for one stream."""
    return torch.Generator(device=device).manual_seed(derive(seed, purpose, epoch))


@contextmanager
def seeded(seed: int, purpose: str, epoch: int = 0, *, device: torch.device | None = None) -> Iterator[None]:
    """torch's global generators follow one stream inside the block (weights, dropout) and are restored after it."""
    devices = [device] if device is not None and device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(derive(seed, purpose, epoch))
        yield
