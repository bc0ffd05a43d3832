"""Commands of which one file operation breaks, and what must be true of them afterwards.

Whatever breaks: the exit code says so if anything is missing, there is no traceback, and the same command (or
`resume`) comes to what an undisturbed one comes to, trains nothing again that was finished, and leaves no litter.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from fault_forks import Case, Ended, Forks
from fault_run import epochs_told, outcome
from fault_stub import TRAINED
from tiny_run import write_baseline

HOWS = ("ENOSPC", "EIO", "EINTR", "EROFS", "kill", "power")
RUN = ["run", "--baseline", "tiny.yaml", "--data", "images", "--parts", "1", "--seeds", "1", "--epochs", "2",
       "--device", "cpu", "--executor", "inline", "--out", "run"]  # fmt: skip
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


@dataclass(frozen=True)
class Whole:
    """A command that nothing broke.

    Attributes:
        table: its trials.csv or history.csv, without the times.
        files: names of all that it left.
    """

    operations: Sequence[str]
    table: pd.DataFrame
    files: set[str]


def forking() -> Forks:
    """A process that has imported what the commands need."""
    heavy = (
        "torch", "torch._dynamo", "scaling_search.study.study", "scaling_search.report", "scaling_search.cli.progress",
        "fvcore.nn", "PIL.Image", "PIL.PngImagePlugin", "rich.markdown", "fault_stub",
    )  # fmt: skip
    return Forks("scaling_search.cli", *heavy, path=[str(Path(__file__).parent)])


def make_work(forks: Forks, folder: Path, images: Path, arguments: Sequence[str], *, stub: bool) -> Work:
    """In a folder that is made."""
    (folder / "tmp").mkdir(parents=True)
    write_baseline(folder / "tiny.yaml")
    (folder / "images").symlink_to(images)
    return Work(forks, folder, arguments, stub)


def undisturbed(one: Work) -> Whole:
    """What a command comes to that nothing breaks."""
    ended = one.call(one.arguments)
    assert ended.code == 0, ended
    return Whole(ended.operations, outcome(one.folder / "run") if one.stub else history(one), one.files())


def check_run(one: Work, whole: Whole, *, at: int, how: str) -> None:
    """One operation of a search breaks; the folder is gone afterwards, if all was well."""
    broken = one.call(RUN, at=at, how=how)
    where = told(broken, at, how)
    check_honest(broken, one, whole.table, where)
    finished = one.journaled()
    one.trained.unlink(missing_ok=True)
    done = one.again()
    assert (done.code, done.why) == (0, ""), f"{where}: {done.complained}"
    assert not finished & epochs_of(one.trained), f"{where}: trained again"
    pd.testing.assert_frame_equal(outcome(one.folder / "run"), whole.table, obj=where)
    assert one.files() == whole.files, where
    shutil.rmtree(one.folder)


def check_training(one: Work, whole: Whole, *, at: int, how: str) -> None:
    """One operation of a training breaks; the folder is gone afterwards, if all was well."""
    broken = one.call(TRAIN, at=at, how=how)
    where = told(broken, at, how)
    assert broken.why == "", f"{where}: {broken.complained}"
    assert broken.code or how not in ("kill", "power"), where
    before = history(one) if (one.folder / "run" / "history.csv").exists() else None
    done = one.call(TRAIN)
    assert (done.code, done.why) == (0, ""), f"{where}: {done.complained}"
    pd.testing.assert_frame_equal(history(one), whole.table, obj=where)
    assert before is None or len(before) <= len(whole.table)
    assert one.files() == whole.files, where
    shutil.rmtree(one.folder)


def told(broken: Ended, at: int, how: str) -> str:
    """Which case it is."""
    return f"{how} at {at} ({broken.operations[-1] if broken.operations else ''})"


def check_honest(broken: Ended, one: Work, wanted: pd.DataFrame, where: str) -> None:
    """Nothing is said to be done that is not, and nothing is a traceback."""
    assert broken.why == "", f"{where}: {broken.complained}"
    if broken.code == 0:
        pd.testing.assert_frame_equal(outcome(one.folder / "run"), wanted, obj=where)
        assert (one.folder / "run" / "best.yaml").exists(), where


def history(one: Work) -> pd.DataFrame:
    """Of a training, without its times."""
    return pd.read_csv(one.folder / "run" / "history.csv").drop(columns=["seconds", "images_per_second"])


def epochs_of(path: Path) -> set[tuple[str, int]]:
    """What `fault_stub` noted."""
    lines = path.read_text().split("\n") if path.exists() else []
    return {(trial, int(epoch)) for trial, _, epoch in (line.partition(" ") for line in lines if line)}
