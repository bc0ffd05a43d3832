"""How fast a network trains on this device, for planning: real steps on random images."""

import time
from statistics import median

import torch
from torch import Tensor

from scaling_search.architecture import Network
from scaling_search.training.failure import failing_as
from scaling_search.training.learner import Learner, release_memory
from scaling_search.training.parallel import World
from scaling_search.training.recipe import recipe


def measure_speed(network: Network, batch_size: int, *, device: str = "cpu", steps: int = 5) -> float:
    """Training images per second of a network, from the median of `steps` steps after two that are not counted.

    Raises:
        TrainingFailed: the network cannot be built or does not fit into memory.
    """
    place = torch.device(device)
    with failing_as("cannot be built"):
        learner = Learner(network, recipe("proxy"), seed=0, device=place, world=World())
        size = (batch_size, 3, network.resolution, network.resolution)
        images = torch.randn(size, device=place).to(memory_format=torch.channels_last)
        labels = torch.arange(batch_size, device=place) % network.classes
        seconds = [_timed(learner, images, labels) for _ in range(2 + steps)][2:]
    del learner, images, labels
    release_memory(place)
    return batch_size / median(seconds)


def _timed(learner: Learner, images: Tensor, labels: Tensor) -> float:
    """Seconds of one step; reading the loss waits for the device."""
    started = time.perf_counter()
    learner.module.train()
    learner.step(images, labels, rate=1.0).item()
    return time.perf_counter() - started
