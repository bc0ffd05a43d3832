"""Several processes that train one network (torchrun); a lone process is a world of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """This process's place among those that train together."""

    rank: int = 0
    size: int = 1

    @staticmethod
    def current() -> "World":
        """The world of the process group that is open, else a world of one."""
        if dist.is_available() and dist.is_initialized():
            return World(dist.get_rank(), dist.get_world_size())
        return World()

    @property
    def leads(self) -> bool:
        """Whether this process writes files and speaks to the user."""
        return self.rank == 0

    def share(self, indices: Tensor) -> Tensor:
        """This process's part of a batch of indices [n]."""
        return indices[self.rank :: self.size]

    def total(self, value: Tensor) -> Tensor:
        """The sum of value over all processes."""
        if self.size > 1:
            dist.all_reduce(value)
        return value

    def mean(self, value: Tensor) -> Tensor:
        """The mean of value over all processes."""
        return self.total(value) / self.size

    def wrap(self, module: nn.Module, device: torch.device) -> nn.Module:
        """The module whose gradients are averaged over the processes; its parameters are the original's."""
        if self.size == 1:
            return module
        return DistributedDataParallel(module, device_ids=[device] if device.type == "cuda" else None)


@contextmanager
def first_process_first() -> Iterator[None]:
    """The first process runs the block while the others wait, then they do: for what is made once and then found."""
    world = World.current()
    if world.size > 1 and not world.leads:
        dist.barrier()
    yield
    if world.size > 1 and world.leads:
        dist.barrier()


@contextmanager
def process_group(device: str) -> Iterator[str]:
    """Join the processes that torchrun started, if it did; yields the device of this process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()
