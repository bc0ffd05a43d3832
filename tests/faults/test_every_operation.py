"""Every file operation of a run, a training and a packing fails in turn, or is the last before a kill or a power cut.

Whatever breaks: the exit code says so if anything is missing, there is no traceback, and the same command (or
`resume`) comes to what an undisturbed one comes to, trains nothing again that was finished, and leaves no litter.

FAULTS_CASES chooses how many cases of each kind are tried, spread evenly; 0 is all (hours):
FAULTS_CASES=0 pytest tests/faults/test_every_operation.py
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fault_forks import Case, Ended, Forks
from fault_run import epochs_told, outcome
from fault_stub import TRAINED
from tiny_run import write_baseline

pytestmark = pytest.mark.faults

CASES = int(os.environ.get("FAULTS_CASES") or 6)
SEED = int(os.environ.get("FAULTS_SEED") or 2)
HOWS = ("ENOSPC", "EIO", "EINTR", "EROFS", "kill", "power")
RUN = ["run", "--baseline", "tiny.yaml", "--data", "images", "--parts", "1", "--seeds", "1", "--epochs", "2",
           "--device",
       "cpu", "--executor", "inline", "--out", "run"]  # fmt: skip
TRAIN = ["train", "tiny.yaml", "--data", "images", "--recipe", "proxy", "--epochs", "2", "--batch-size", "8",
         "--resolution", "16", "--device", "cpu", "--out", "run"]  # fmt: skip


@dataclass(frozen=True)
class Work:
    """A command that breaks, in a folder of its own.

    Attributes:
        stub: training costs nothing.
    """

    forks: Forks
    folder: Path
    arguments: Sequence[str]
    stub: bool

    @property
    def trained(self) -> Path:
        """The epochs that were trained, outside of what breaks."""
        return self.folder.with_suffix(".trained")

    def call(self, arguments: Sequence[str], **fault: Any) -> Ended:
        """A command in the folder."""
        where = {"SCALING_SEARCH_CACHE": str(self.folder / "cache"), "TMPDIR": str(self.folder / "tmp")}
        return self.forks.run(Case(
            arguments=arguments, folder=str(self.folder), environment=where | {TRAINED: str(self.trained)},
            fault={"stub": self.stub, **fault}, seconds=120,
        ))  # fmt: skip

    def again(self) -> Ended:
        """What a person does next."""
        begun = (self.folder / "run" / "run.yaml").exists()
        return self.call(["resume", "run"] if begun else self.arguments)

    def journaled(self) -> set[tuple[str, int]]:
        """The epochs that were finished: trial and epoch."""
        return epochs_told(self.folder / "run" / "trials.csv")

    def files(self) -> set[str]:
        """The names of all files, without those of the cache's content."""
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    heavy = ("torch", "scaling_search.study.study", "scaling_search.report", "torch._dynamo", "fault_stub")
    with Forks("scaling_search.cli", *heavy, path=[str(Path(__file__).parents[1])]) as forks:
        yield forks


@pytest.fixture
def work(forks: Forks, images: Path, tmp_path: Path) -> Callable[[Sequence[str], bool], Work]:
    """A fresh folder for each call."""
    count = iter(range(10**6))

    def make(arguments: Sequence[str], stub: bool) -> Work:
        folder = tmp_path / f"{next(count)}"
        (folder / "tmp").mkdir(parents=True)
        write_baseline(folder / "tiny.yaml")
        (folder / "images").symlink_to(images)
        return Work(forks, folder, arguments, stub)

    return make


@pytest.mark.parametrize("how", HOWS)
def test_of_a_run(work: Callable[[Sequence[str], bool], Work], how: str) -> None:
    whole = work(RUN, True)
    undisturbed = whole.call(RUN)
    assert undisturbed.code == 0, undisturbed
    wanted, files = outcome(whole.folder / "run"), whole.files()
    for at in chosen(len(undisturbed.operations)):
        one = work(RUN, True)
        broken = one.call(RUN, at=at, how=how)
        where = f"{how} at {at} ({broken.operations[-1] if broken.operations else ''}; FAULTS_SEED={SEED})"
        check_honest(broken, one, wanted, where)
        finished = one.journaled()
        one.trained.unlink(missing_ok=True)
        done = one.again()
        assert (done.code, done.why) == (0, ""), f"{where}: {done.complained}"
        assert not finished & epochs_of(one.trained), f"{where}: trained again"
        pd.testing.assert_frame_equal(outcome(one.folder / "run"), wanted, obj=where)
        assert one.files() == files, where
        shutil.rmtree(one.folder)


@pytest.mark.parametrize("how", HOWS)
def test_of_a_training(work: Callable[[Sequence[str], bool], Work], how: str) -> None:
    """With its packing, which is the same for all."""
    whole = work(TRAIN, False)
    undisturbed = whole.call(TRAIN)
    assert undisturbed.code == 0, undisturbed
    wanted, files = history(whole), whole.files()
    for at in chosen(len(undisturbed.operations)):
        one = work(TRAIN, False)
        broken = one.call(TRAIN, at=at, how=how)
        where = f"{how} at {at} ({broken.operations[-1] if broken.operations else ''}; FAULTS_SEED={SEED})"
        assert broken.why == "", f"{where}: {broken.complained}"
        assert broken.code or how not in ("kill", "power"), where
        before = history(one) if (one.folder / "run" / "history.csv").exists() else None
        done = one.call(TRAIN)
        assert (done.code, done.why) == (0, ""), f"{where}: {done.complained}"
        pd.testing.assert_frame_equal(history(one), wanted, obj=where)
        assert before is None or len(before) <= len(wanted)
        assert one.files() == files, where
        shutil.rmtree(one.folder)


@pytest.mark.parametrize("most", [3000, 5000, 20_000])
def test_files_that_get_no_longer(work: Callable[[Sequence[str], bool], Work], most: int) -> None:
    """Writes fail in their middle, as on a disk that is full."""
    whole = work(RUN, True)
    assert whole.call(RUN).code == 0
    one = work(RUN, True)
    broken = one.call(RUN, bytes=most)
    check_honest(broken, one, outcome(whole.folder / "run"), f"files of {most} bytes")
    assert one.again().code == 0
    pd.testing.assert_frame_equal(outcome(one.folder / "run"), outcome(whole.folder / "run"))
    assert one.files() == whole.files()


def check_honest(broken: Ended, one: Work, wanted: pd.DataFrame, where: str) -> None:
    """Nothing is said to be done that is not, and nothing is a traceback."""
    assert broken.why == "", f"{where}: {broken.complained}"
    if broken.code == 0:
        pd.testing.assert_frame_equal(outcome(one.folder / "run"), wanted, obj=where)
        assert (one.folder / "run" / "best.yaml").exists(), where


def chosen(count: int) -> list[int]:
    """The operations that break: so many, spread evenly, at a random start."""
    if not CASES or count <= CASES:
        return list(range(count))
    start = random.Random(SEED).random()
    return sorted({int((start + index) * count / CASES) % count for index in range(CASES)})


def history(one: Work) -> pd.DataFrame:
    """Of a training, without its times."""
    return pd.read_csv(one.folder / "run" / "history.csv").drop(columns=["seconds", "images_per_second"])


def epochs_of(path: Path) -> set[tuple[str, int]]:
    """What `fault_stub` noted."""
    lines = path.read_text().split("\n") if path.exists() else []
    return {(trial, int(epoch)) for trial, _, epoch in (line.partition(" ") for line in lines if line)}
