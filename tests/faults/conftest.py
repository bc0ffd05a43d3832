"""A folder to work in, images, and the outcome of the search that nothing disturbs."""

from pathlib import Path

import pandas as pd
import pytest
from fault_run import begin, outcome
from tiny_run import write_baseline, write_images


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 3 × 12 images."""
    return write_images(tmp_path_factory.mktemp("data") / "images", train=8, val=4)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with tiny.yaml and a cache of its own."""
    settle(tmp_path, monkeypatch)
    return tmp_path


@pytest.fixture(scope="session")
def whole(whole_run: Path) -> pd.DataFrame:
    """The outcome of the search of six trials that nothing disturbed."""
    return outcome(whole_run)


@pytest.fixture(scope="session")
def whole_run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        settle(folder, patch)
        assert begin(images, "run") == 0
    return folder / "run"


def settle(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Makes the folder a place to work in."""
    write_baseline(folder / "tiny.yaml")
    patch.chdir(folder)
    patch.setenv("SCALING_SEARCH_CACHE", str(folder / "cache"))
