"""Two processes on one folder: the second is refused, a reader is not, and a reader changes nothing."""

import shutil
from pathlib import Path

import pytest
from fault_run import call

from scaling_search.locks import alone_in
from scaling_search.search.folder import RunFolder
from scaling_search.study.recorded import read_recorded
from scaling_search.study.study import Study

pytestmark = pytest.mark.faults


@pytest.fixture
def run(place: Path, whole_run: Path) -> Path:
    return Path(shutil.copytree(whole_run, place / "run"))


def test_a_run_is_resumed_by_one(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (run / "journal.jsonl").read_bytes()
    with alone_in(run):
        assert call("resume", run) == 2
        assert f"{run} is being worked on by process" in capsys.readouterr().err
        assert call("resume", run, "--retry-failed") == 2
        assert call("report", run) == 0, "who only reads is not refused"
    assert (run / "journal.jsonl").read_bytes() == before
    assert call("resume", run) == 0


def test_a_network_is_trained_by_one(place: Path, images: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "tiny.yaml", "--data", images, "--recipe", "proxy", "--epochs", 1, "--batch-size", 8,
                 "--resolution", 16, "--device", "cpu", "--out", "trained"]  # fmt: skip
    assert call(*arguments) == 0
    with alone_in(place / "trained"):
        assert call(*arguments, "--seed", 1) == 2
        assert "trained is being worked on by process" in capsys.readouterr().err
    assert call(*arguments) == 0


def test_a_reader_leaves_half_a_line_to_its_writer(run: Path) -> None:
    with (run / "journal.jsonl").open("ab") as file:
        file.write(b'{"start":0,"trial":{"candidate":"c0')
    before = {path: path.read_bytes() for path in run.iterdir() if path.is_file()}
    assert Study.open(run).complete
    assert read_recorded(RunFolder(run)).histories
    assert {path: path.read_bytes() for path in run.iterdir() if path.is_file()} == before


def test_in_python_a_study_holds_its_folder_until_it_lets_go(run: Path) -> None:
    asking, other = Study.open(run), Study.open(run)
    assert asking.ask() is None
    with pytest.raises(ValueError, match="is being worked on by process"):
        other.ask()
    asking.release()
    assert other.ask() is None
