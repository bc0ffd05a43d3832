"""What `--data` may be, and what is said when it is nothing known."""

import builtins
import sys
import types
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image

from scaling_search import data
from scaling_search.data.cache import cache_folder
from scaling_search.errors import InvalidInput


class TinyCifar:
    """Stands in for torchvision's class: same constructor, items and attributes, no download."""

    classes = ("plane", "car")

    def __init__(self, *, root: str, download: bool, train: bool) -> None:
        self.targets = [0, 1] * (4 if train else 2)

    def __getitem__(self, index: int) -> tuple[Image.Image, int]:
        return Image.new("RGB", (32, 32), (index, 0, 0)), self.targets[index]


def with_torchvision(monkeypatch: pytest.MonkeyPatch, **datasets: Any) -> None:
    module = types.ModuleType("torchvision")
    module.datasets = types.SimpleNamespace(**datasets)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", module)


def test_torchvision_data_set_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with_torchvision(monkeypatch, CIFAR10=TinyCifar)
    dataset = data.prepare("CIFAR10", resolution=16, cache=tmp_path)
    assert (dataset.name, dataset.classes, dataset.flip) == ("cifar10", ("plane", "car"), True)
    assert dataset.train.images().shape == (8, 32, 32, 3)  # kept at its own size
    assert dataset.train.images()[:, 0, 0, 0].tolist() == list(range(8))
    assert dataset.val.labels().tolist() == [0, 1, 0, 1]


def test_a_failed_download_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(**arguments: Any) -> None:
        raise URLError("Name or service not known")

    with_torchvision(monkeypatch, CIFAR10=offline)
    with pytest.raises(InvalidInput, match=r"cifar10 could not be downloaded .*connect to the network, put its files"):
        data.prepare("cifar10", resolution=16, cache=tmp_path)


def test_absent_torchvision_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.startswith("torchvision"):
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InvalidInput, match=r"needs torchvision: pip install 'scaling-search\[zoo\]'"):
        data.prepare("cifar10", resolution=16, cache=tmp_path)


@pytest.mark.zoo
def test_every_entry_names_a_torchvision_class() -> None:
    datasets = pytest.importorskip("torchvision.datasets")
    from scaling_search.data.zoo import ZOO

    for name, entry in ZOO.items():
        assert getattr(datasets, entry.factory).__name__.lower() == name


def test_unknown_name_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="called cifar11; did you mean cifar10"):
        data.prepare("cifar11", resolution=16, cache=tmp_path)
    with pytest.raises(InvalidInput, match="missing"):
        data.prepare(str(tmp_path / "no" / "where"), resolution=16, cache=tmp_path)


@pytest.mark.parametrize("source", ["shapes:2", "shapes:-1", "shapes:hard", "shapes:nan"])
def test_difficulty_is_checked(source: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        data.prepare(source, resolution=16, cache=tmp_path)


def test_enlarging_warns_once(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="128 pixels wide; networks of up to 160") as caught:
        dataset = data.prepare("shapes", resolution=160, cache=tmp_path, limit_train=12, limit_val=12)
    assert len(caught) == 1
    assert data.at_resolution(dataset.val, 160).shape == (12, 160, 160, 3)


def test_resolution_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 1 pixel"):
        data.prepare("shapes", resolution=0, cache=tmp_path)


def test_photographs(photographs: Path, tmp_path: Path) -> None:
    dataset = data.prepare(str(photographs), resolution=32, cache=tmp_path, limit_train=60, limit_val=20)
    assert len(dataset.classes) == 10 and len(dataset.train) == 60 and not dataset.skipped
    assert all(0.2 < value < 0.8 for value in dataset.mean)
    assert np.ptp(dataset.train.images()) > 200


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(kind: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("SCALING_SEARCH_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.raises(InvalidInput, match="no home folder; set SCALING_SEARCH_CACHE"):
        cache_folder()
