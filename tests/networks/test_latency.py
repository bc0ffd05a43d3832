"""Latency: what is measured, and that it is measured once."""

from pathlib import Path

import pytest
import torch
from torch import nn

from scaling_search.architecture import Architecture
from scaling_search.coefficients import Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.networks import latency as room
from scaling_search.networks.latency import Latency, latency, latency_on, measure_latency
from scaling_search.search import searchspace


def tiny(name: str = "tiny") -> Architecture:
    network = searchspace.load("mobilenet_v1").network()
    assert isinstance(network, Architecture)
    return network.proxied(Multipliers(depth=0.2, width=0.1, resolution=32 / 224)).replaced(classes=2, name=name)


def test_the_median_lies_between_the_quartiles() -> None:
    found = latency(tiny(), batch_size=2)
    assert 0 < found.low <= found.seconds <= found.high
    assert (found.batch_size, found.torch) == (2, torch.__version__)
    assert found.repeats >= 5
    assert "threads" in found.device


def test_a_larger_network_takes_longer() -> None:
    large = tiny().replaced(resolution=256)
    assert latency(large, batch_size=4).low > latency(tiny()).low


def test_a_network_is_measured_once_whatever_it_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counted(module: nn.Module, resolution: int, *, batch_size: int = 1, repeats: int = 5) -> Latency:
        calls.append(resolution)
        return measure_latency(module, resolution, batch_size=batch_size, repeats=5)

    monkeypatch.setattr(room, "measure_latency", counted)
    seconds = latency_on("cpu", cache=tmp_path)
    assert seconds(tiny()) == seconds(tiny("called differently"))
    assert len(calls) == 1
    seconds(tiny().replaced(resolution=48))
    latency(tiny(), batch_size=3, cache=tmp_path)
    assert len(calls) == 3


def test_the_module_is_left_in_its_mode() -> None:
    module = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Dropout(0.5)).train()
    measure_latency(module, 16, repeats=5)
    assert module.training and module[1].training


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without CUDA")
def test_cuda_without_cuda_is_refused() -> None:
    with pytest.raises(InvalidInput, match="finds no CUDA device"):
        latency(tiny(), device="cuda")


def test_a_batch_has_at_least_one_image() -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        latency(tiny(), batch_size=0)
