"""Measuring how fast a network trains."""

from typing import Any

import pytest
import torch

from scaling_search.architecture import Network
from scaling_search.training import learner
from scaling_search.training.failure import TrainingFailed
from scaling_search.training.speed import measure_speed


def test_speed_is_that_of_the_median_step(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 9.0, 9.0, 18.0, 18.0, 18.5, 18.5, 19.0, 19.0, 22.0])  # two slow first steps, then 0.5, 0.5, 3
    monkeypatch.setattr("scaling_search.training.speed.time.perf_counter", lambda: next(clock))
    assert measure_speed(network, 8, steps=3) == pytest.approx(8 / 0.5)


def test_a_network_that_cannot_be_built_is_a_failure(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> torch.nn.Module:
        raise RuntimeError("no such layer")

    monkeypatch.setattr(learner, "build", broken)
    with pytest.raises(TrainingFailed, match="cannot be built: no such layer"):
        measure_speed(network, 8)
