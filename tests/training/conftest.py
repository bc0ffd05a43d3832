"""A network and a data set that train in a fraction of a second."""

import pytest
import torch

from scaling_search.architecture import Network, from_dict
from scaling_search.data import Dataset, prepare
from scaling_search.training.recipe import Recipe, recipe


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """As in a search's workers; two threads on a busy machine are many times slower than one."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """72 training and 40 validation images of the embedded shapes at 16 px."""
    return prepare("shapes", resolution=16, cache=tmp_path_factory.mktemp("cache"), limit_train=72, limit_val=40)


@pytest.fixture(scope="session")
def network(dataset: Dataset) -> Network:
    """Two mobile blocks, with dropout and stochastic depth."""
    block = {"block": "mbconv", "layers": 1, "kernel": 3, "expansion": 2, "se": 0.25}
    stages = [{**block, "channels": 8, "stride": 1}, {**block, "channels": 8, "stride": 2, "layers": 2}]
    content = {"name": "tiny", "resolution": 16, "classes": len(dataset.classes), "dropout": 0.2, "drop_connect": 0.2}
    return from_dict({**content, "stem": {"channels": 8}, "stages": stages, "head": {"channels": 16}})


@pytest.fixture
def quick() -> Recipe:
    """The proxy recipe with dropout, averaging and a batch that makes four steps an epoch."""
    return recipe("proxy", batch_size=16, dropout=None, drop_connect=None, ema=0.9)
