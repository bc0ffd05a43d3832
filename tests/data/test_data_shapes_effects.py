"""On the embedded data set, more of each dimension helps: resolution, width and depth.

A network of two stages keeps this to under a minute on one core; docs/shapes.md has the numbers.
"""

from pathlib import Path
from statistics import mean

import pytest
import torch

from scaling_search import data
from scaling_search.architecture import from_dict
from scaling_search.coefficients import Multipliers
from scaling_search.data import Dataset
from scaling_search.training.loop import train_epochs
from scaling_search.training.recipe import recipe

SEEDS = (0, 1)
BASE = from_dict(
    {
        "name": "two stages",
        "resolution": 48,
        "classes": 12,
        "rounding": "nearest",
        "stem": {"channels": 8},
        "stages": [
            {"block": "mbconv", "channels": 12, "layers": 1, "stride": 2, "kernel": 3, "expansion": 4, "se": 0.25},
            {"block": "mbconv", "channels": 24, "layers": 1, "stride": 2, "kernel": 3, "expansion": 4, "se": 0.25},
        ],
        "head": {"channels": 96},
    }
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    cache: Path = tmp_path_factory.mktemp("cache")
    return data.prepare("shapes:0.4", resolution=48, cache=cache, limit_train=2000, limit_val=1000)


def loss(dataset: Dataset, *, depth: float = 1, width: float = 1, resolution: int = 48) -> float:
    """Validation cross-entropy after six epochs, mean over the seeds; less noisy than accuracy near its ceiling."""
    network = BASE.scaled(Multipliers(depth=depth, width=width, resolution=1)).replaced(resolution=resolution)
    proxy = recipe("proxy", lr=0.012)
    return mean([*train_epochs(network, dataset, proxy, epochs=6, seed=seed)][-1].val_loss for seed in SEEDS)


@pytest.mark.slow
def test_each_dimension_helps(dataset: Dataset) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        base = loss(dataset)
        assert loss(dataset, resolution=24) > base + 0.05
        assert loss(dataset, width=0.25) > base + 0.1
        assert loss(dataset, depth=3) < base - 0.1
    finally:
        torch.set_num_threads(threads)
