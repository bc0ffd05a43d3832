"""Names that come from files never make a path outside of their folder."""

import csv
import shutil
from pathlib import Path

import pytest
import yaml
from fault_run import call
from tiny_run import BASELINE

from scaling_search.errors import InvalidInput
from scaling_search.files import inside, plain

pytestmark = pytest.mark.faults

BAD = ["../out", "..", ".", "", "a/b", "/etc/x", "a\0b", "x" * 300, "ü" * 126]


@pytest.mark.parametrize("name", BAD)
def test_names_that_lead_out_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot name a file in"):
        inside(tmp_path, name)
    assert inside(tmp_path, f"x-{plain(name)}").parent == tmp_path


def test_a_presets_member(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    level = {"name": "../../out", "depth": 1.0, "width": 1.0, "resolution": 64, "dropout": 0.2}
    (place / "bad.yaml").write_text(yaml.safe_dump(BASELINE | {"presets": {"paper": [level]}}))
    assert call("family", "--baseline", "bad.yaml", "--preset", "paper", "--out", "deep/family") == 2
    assert "'../../out.yaml' cannot name a file in deep/family" in capsys.readouterr().err
    assert not (place / "deep").exists() and not (place / "out.yaml").exists()


def test_a_candidates_id(place: Path, whole_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = Path(shutil.copytree(whole_run, place / "run"))
    (run / "journal.jsonl").unlink()
    with (run / "candidates.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["candidate"] = "../../precious"
    with (run / "candidates.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    (place / "precious-s0.pt").write_text("mine")
    assert call("resume", "run") == 2
    assert "'../../precious-s0.pt' cannot name a file in" in capsys.readouterr().err
    assert (place / "precious-s0.pt").read_text() == "mine"


def test_a_networks_name(place: Path, images: Path) -> None:
    (place / "bad.yaml").write_text(yaml.safe_dump(BASELINE | {"name": "../../../out"}))
    assert call("train", "bad.yaml", "--data", images, "--recipe", "proxy", "--epochs", 1, "--batch-size", 8,
                "--resolution", 16, "--device", "cpu") == 0  # fmt: skip
    assert [path.name for path in (place / "results").iterdir()] == ["train-out-images-seed0"]
