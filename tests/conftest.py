"""For every test. Lying here, it also puts this folder on the path, so that the helpers beside it can be imported."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fake_training import quick
from hypothesis import settings
from tiny_run import write_baseline, write_images
from tiny_study import SPEED, MakeStudy, tiny_study

# Far above any example on a busy machine (the slowest take some 30 ms), far below one that hangs.
settings.register_profile("scaling-search", deadline=timedelta(seconds=2))
settings.load_profile("scaling-search")


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """images/ (3 classes, 24 training and 12 validation images), tiny.yaml, and the cache of both."""
    folder = tmp_path_factory.mktemp("shared")
    write_images(folder / "images", train=8, val=4, side=24)
    write_baseline(folder / "tiny.yaml")
    return folder


@pytest.fixture
def place(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, the shared cache; no speed is measured, and no figures drawn (they take seconds)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(shared / "cache"))
    for module in ("design", "replanning"):
        monkeypatch.setattr(f"scaling_search.study.{module}.measure_corners", lambda base, **how: SPEED)
    monkeypatch.setattr("scaling_search.study.answer.write_report", lambda folder, *what: folder / "report.html")
    return tmp_path


@pytest.fixture
def make_study(shared: Path) -> MakeStudy:
    """See `tiny_study`."""
    return partial(tiny_study, shared)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The inline executor brings readings of a known landscape, see `fake_training.quick`."""
    from scaling_search.search.executors import Inline, train_trial

    real: Any = Inline.run

    def run(self: Inline, source: Any, *, train: Any, **how: Any) -> None:
        real(self, source, train=quick if train is train_trial else train, **how)

    monkeypatch.setattr(Inline, "run", run)


@pytest.fixture(scope="module")
def started_ray() -> Iterator[None]:
    """One Ray for all tests of a file, whose workers find the tests' own modules: starting it takes seconds."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             runtime_env={"env_vars": {"PYTHONPATH": ":".join(sys.path)}})  # fmt: skip
    yield
    ray.shutdown()
