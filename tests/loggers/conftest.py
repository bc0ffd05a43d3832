"""Searches that train nothing, told to trackers; nothing leaves this machine."""

import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

OWN = (
    "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME", "WANDB_PROJECT", "TRACKIO_PROJECT", "TRACKIO_SPACE_ID",
    "TRACKIO_SERVER_URL",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _here(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, one figure in every run, and no tracker's own settings."""
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setattr("scaling_search.study.answer.write_report", written)


@pytest.fixture(scope="session")
def trackio_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where trackio keeps things; it is asked for that once, when it is imported."""
    folder = tmp_path_factory.mktemp("trackio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(folder))
        importlib.import_module("trackio") if importlib.util.find_spec("trackio") else None
        yield folder


def written(folder: Path, *what: object) -> Path:
    """A page and a figure, as the report writes them."""
    from PIL import Image

    (folder / "figures").mkdir(exist_ok=True)
    Image.new("RGB", (8, 4), "red").save(folder / "figures" / "ranking.png")
    (folder / "report.html").write_text("<html></html>")
    return folder / "report.html"


def needs(*packages: str) -> pytest.MarkDecorator:
    """Skips what a tracker's packages are missing for."""
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{missing} not installed")
