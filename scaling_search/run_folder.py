"""A run is a folder: its files, and the rules for making and finding one."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from scaling_search.configuration import read_yaml, to_yaml
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically


@dataclass(frozen=True)
class RunFolder:
    """results/<baseline>-phi<φ>-<dataset>-<time>/ and what lies in it."""

    path: Path

    @property
    def candidates(self) -> Path:
        return self.path / "candidates.csv"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def family(self) -> Path:
        return self.path / "family"

    @property
    def log(self) -> Path:
        return self.path / "ray.log"

    def write_configuration(self, content: dict[str, Any]) -> None:
        write_atomically(self.path / "run.yaml", to_yaml(content))

    def configuration(self) -> dict[str, Any]:
        """run.yaml as it was written.

        Raises:
            InvalidInput: the folder is not a run.
        """
        if not (self.path / "run.yaml").is_file():
            raise InvalidInput(f"{self.path} is not a run: it has no run.yaml")
        content = read_yaml(self.path / "run.yaml")
        if not isinstance(content, dict):
            raise InvalidInput(f"{self.path / 'run.yaml'} is not the configuration of a run")
        return content

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)


def create(out: Path | None, *, baseline: str, phi: float, dataset: str) -> RunFolder:
    """A new, empty run folder: `out`, or one named by what is run and when.

    Raises:
        InvalidInput: out holds files already (another run is never overwritten), or cannot be made.
    """
    name = f"{_plain(baseline)}-phi{phi:g}-{_plain(dataset)}-{datetime.now():%Y%m%d-%H%M%S}"
    path = out or Path("results") / name
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot make the folder {path}: {error.strerror}") from error
    return RunFolder(path)


def check_free(path: Path) -> None:
    """Refuses a folder that holds something, before any work is done for it."""
    if (path / "run.yaml").exists():
        raise InvalidInput(f"{path} holds another run; name a new folder, or go on with `scaling-search resume {path}`")
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise InvalidInput(f"{path} is not an empty folder")


def _plain(name: str) -> str:
    """A name as part of a folder's name: «timm:resnet50» becomes timm-resnet50."""
    return "".join(letter if letter.isalnum() or letter in "._-" else "-" for letter in name).strip("-.")
