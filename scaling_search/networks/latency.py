"""How long a network takes on this device: measured with warm-up and repeats, and remembered by network and device."""

from __future__ import annotations

import hashlib
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically
from scaling_search.networks.build import build
from scaling_search.networks.measure import evaluating, example

_WARM_UP = 5
_REPEATS = 50
_SECONDS = 3.0  # a slow network is repeated less often, but five times at least


@dataclass(frozen=True, kw_only=True)
class Latency:
    """Seconds of one forward pass of a batch, without gradients, channels_last.

    Attributes:
        seconds: the median of the repeats.
        low, high: the first and third quartile, between which half of the repeats lie.
        device: its name, with the number of threads on a CPU.
        torch: the version that ran.
    """

    seconds: float
    low: float
    high: float
    repeats: int
    batch_size: int
    device: str
    torch: str


def latency(network: Network, *, device: str = "cpu", batch_size: int = 1, cache: Path | None = None) -> Latency:
    """The latency of a network, measured now unless the cache folder has it for this very network and device.

    Raises:
        InvalidInput: the device is not there, or the batch does not fit into its memory.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise InvalidInput("latency on cuda: torch finds no CUDA device; use --latency-on cpu")
    if batch_size < 1:
        raise InvalidInput(f"the batch size must be at least 1, not {batch_size}")
    file = cache / f"{_key(network, device, batch_size)}.json" if cache else None
    if file and file.exists():
        return Latency(**json.loads(file.read_text(encoding="utf-8")))
    module = build(network).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    measured = measure_latency(module, network.resolution, batch_size=batch_size)
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps(asdict(measured)))
    return measured


def latency_on(device: str, *, batch_size: int = 1, cache: Path | None = None) -> Callable[[Network], float]:
    """A function from a network to its seconds, as `architecture.match` takes one for a target in latency."""
    return lambda network: latency(network, device=device, batch_size=batch_size, cache=cache).seconds


def measure_latency(module: nn.Module, resolution: int, *, batch_size: int = 1, repeats: int = _REPEATS) -> Latency:
    """Times a module where its parameters are; median and quartiles over the repeats, after a warm-up.

    Raises:
        InvalidInput: the batch does not fit into the device's memory.
    """
    images = example(module, resolution, batch_size).to(memory_format=torch.channels_last)
    try:
        with evaluating(module), torch.inference_mode():
            for _ in range(_WARM_UP):
                _timed(module, images)
            times = _repeated(lambda: _timed(module, images), repeats)
    except torch.OutOfMemoryError as error:
        raise InvalidInput(
            f"a batch of {batch_size} images at {resolution} px does not fit on {images.device}"
        ) from error
    low, middle, high = statistics.quantiles(times, n=4)
    return Latency(
        seconds=middle, low=low, high=high, repeats=len(times), batch_size=batch_size,
        device=device_name(images.device), torch=torch.__version__,
    )  # fmt: skip


def _repeated(once: Callable[[], float], repeats: int) -> list[float]:
    """Up to `repeats` times, fewer where that would take too long."""
    times = [once() for _ in range(5)]
    while len(times) < repeats and sum(times) < _SECONDS:
        times.append(once())
    return times


def _timed(module: nn.Module, images: torch.Tensor) -> float:
    """Seconds until the result is there, not only asked for."""
    start = time.perf_counter()
    module(images)
    if images.is_cuda:
        torch.cuda.synchronize(images.device)
    return time.perf_counter() - start


def device_name(device: torch.device) -> str:
    """What the numbers hold for: the GPU's name, or the machine's architecture and the threads used."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads"


def _key(network: Network, device: str, batch_size: int) -> str:
    """Equal for equal networks, whatever they are called, on the same device under the same torch."""
    content = {key: value for key, value in network.to_dict().items() if key != "name"}
    place = device_name(torch.device(device))
    text = json.dumps([content, place, platform.node(), torch.__version__, batch_size], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
