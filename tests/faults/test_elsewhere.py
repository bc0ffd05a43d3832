"""What was named by a relative path is found again from another folder, and by workers that have theirs."""

import shutil
from pathlib import Path

import pytest
import yaml
from fault_run import begin, call

from scaling_search.study.network import network

pytestmark = pytest.mark.faults

OWN = Path(__file__).parents[1] / "networks" / "user_networks.py"


def begin_with_own(executor: str) -> int:
    return call("run", "--baseline", "own.py:make_net", "--data", "images", "--parts", 1, "--seeds", 1, "--epochs", 1,
                "--proxy-width", 0.5, "--executor", executor, "--out", "run")  # fmt: skip


def test_a_run_and_its_family_are_opened_from_another_folder(
    place: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "images").symlink_to(images)
    shutil.copy(OWN, place / "own.py")
    assert begin_with_own("inline") == 0
    (place / "elsewhere").mkdir()
    monkeypatch.chdir(place / "elsewhere")
    assert call("resume", "../run") == 0
    content = yaml.safe_load((place / "run" / "family" / "b2.yaml").read_text())
    assert content["network"]["source"] == f"{place / 'own.py'}:make_net"
    assert network("../run/family/b2.yaml").cost().macs == content["cost"]["macs"]


@pytest.mark.ray
@pytest.mark.slow
def test_workers_find_a_file_that_was_named_by_a_relative_path(place: Path, images: Path) -> None:
    (place / "images").symlink_to(images)
    shutil.copy(OWN, place / "own.py")
    assert begin_with_own("ray") == 0


def test_a_folder_of_data_is_named_by_its_absolute_path(
    place: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "images").symlink_to(images)
    assert begin(Path("images"), "run") == 0
    assert yaml.safe_load((place / "run" / "run.yaml").read_text())["data"]["source"] == str(place / "images")
