"""The memory model against torch's own accounting."""

import pytest
import torch

from scaling_search.architecture import Architecture
from scaling_search.coefficients import Multipliers
from scaling_search.networks import build
from scaling_search.networks.measure import kept_bytes, peak_bytes
from scaling_search.search import searchspace

BATCH = 2


def network(name: str, pixels: int, width: float = 1.0) -> Architecture:
    found = searchspace.load(name).network()
    assert isinstance(found, Architecture)
    return found.scaled(Multipliers(depth=1, width=width, resolution=pixels / found.resolution))


@pytest.mark.parametrize(
    "name",
    ["b0", "lite0", "mobilenet_v3_small", "resnet18", "resnext50", "regnety_002", "densenet121", "convnext_tiny"],
)
def test_kept_for_backward_is_within_3_percent(name: str) -> None:
    """Saved tensors, counted by autograd's own hooks."""
    described = network(name, 96, width=0.25)
    images = torch.zeros(BATCH, 3, 96, 96).to(memory_format=torch.channels_last)
    measured = kept_bytes(build(described).to(memory_format=torch.channels_last), images)
    assert 4 * BATCH * described.cost().kept == pytest.approx(measured, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["b0", "resnet50", "mobilenet_v2"])
@pytest.mark.parametrize(("pixels", "batch"), [(128, 16), (224, 8)])
def test_peaks_are_within_10_percent(name: str, pixels: int, batch: int) -> None:
    """Training step with AdamW, and inference: everything that torch allocates, parameters included."""
    described = network(name, pixels)
    module = build(described).to(memory_format=torch.channels_last)
    training = described.cost().memory(batch_size=batch)
    inference = described.cost().memory(batch_size=batch, training=False)
    assert training.total == pytest.approx(peak_bytes(module, pixels, batch_size=batch, training=True), rel=0.10)
    assert inference.total == pytest.approx(peak_bytes(module, pixels, batch_size=batch, training=False), rel=0.10)


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["b0", "resnet50", "mobilenet_v2"])
@pytest.mark.parametrize(("pixels", "batch"), [(160, 32), (224, 64)])
def test_peaks_on_cuda_are_within_10_percent(name: str, pixels: int, batch: int) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs CUDA")
    described = network(name, pixels)
    module = build(described).to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]
    memory = described.cost().memory(batch_size=batch)
    assert memory.total == pytest.approx(peak_bytes(module, pixels, batch_size=batch, training=True), rel=0.10)
