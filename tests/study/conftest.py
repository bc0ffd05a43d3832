"""A tiny image folder that the tests of this room share; nothing is measured."""

from functools import partial
from pathlib import Path

import pytest
from tiny_run import write_baseline, write_images
from tiny_study import SPEED, MakeStudy, tiny_study


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """images/ (3 classes, 24 training and 12 validation images), tiny.yaml, and the cache of both."""
    folder = tmp_path_factory.mktemp("shared")
    write_images(folder / "images", train=8, val=4, side=24)
    write_baseline(folder / "tiny.yaml")
    return folder


@pytest.fixture(autouse=True)
def place(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, the shared cache; no speed is measured, and no figures drawn (they take seconds)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(shared / "cache"))
    monkeypatch.setattr("scaling_search.study.preparation.measure_corners", lambda base, **how: SPEED)
    monkeypatch.setattr("scaling_search.study.answer.write_report", lambda folder, analysis, record: None)
    return tmp_path


@pytest.fixture
def make_study(shared: Path) -> MakeStudy:
    """See `tiny_study`."""
    return partial(tiny_study, shared)
