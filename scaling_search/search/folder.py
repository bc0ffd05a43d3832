"""A run is a folder: its files, and the rules for making and finding one."""

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import BaseFileLock

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Trial
from scaling_search.files import inside, plain, remove, sweep
from scaling_search.locks import LOCK, is_unclaimed, take
from scaling_search.search.journal import JOURNAL
from scaling_search.search.record import RunRecord, read_record, write_record
from scaling_search.search.searchspace import LIVE_BASELINE

CANDIDATES, RECORD = "candidates.csv", "run.yaml"
_BEGINNING = (CANDIDATES, LIVE_BASELINE)
"""What is written before run.yaml, which makes the folder a run."""


@dataclass(frozen=True)
class RunFolder:
    """results/<baseline>-phi<φ>-<dataset>-<time>/ and what lies in it."""

    path: Path

    @property
    def candidates(self) -> Path:
        return self.path / CANDIDATES

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def weights(self) -> Path:
        """What the first seeds of a comparison's networks have learned."""
        return self.path / "weights"

    def weights_of(self, trial: Trial) -> Path:
        """Where the weights of a trial are kept, if they are."""
        return inside(self.weights, f"{trial}.safetensors")

    @property
    def family(self) -> Path:
        return self.path / "family"

    @property
    def log(self) -> Path:
        return self.path / "ray.log"

    @property
    def live_baseline(self) -> Path:
        """The baseline of a search that was begun in Python with a live module or function, by value."""
        return self.path / LIVE_BASELINE

    @property
    def journal(self) -> Path:
        return self.path / JOURNAL

    @property
    def touched(self) -> bool:
        """Whether anything was written down of a trial."""
        return self.journal.exists() and self.journal.stat().st_size > 0

    def forget_trials(self) -> None:
        """As if none had been trained."""
        self.journal.unlink(missing_ok=True)
        remove(self.checkpoints)

    def write_record(self, record: RunRecord) -> None:
        """Writes run.yaml."""
        write_record(self.path / RECORD, record)

    def record(self) -> RunRecord:
        """What run.yaml says.

        Raises:
            InvalidInput: the folder is not a run, or the file is damaged.
        """
        return read_record(self.path / RECORD)

    def begin(self) -> BaseFileLock:
        """Takes the new folder for this process, and out of it what a beginning that was cut off has left.

        Raises:
            InvalidInput: another process was quicker.
        """
        lock = take(self.path)
        try:
            check_free(self.path)
        except InvalidInput:
            lock.release()
            raise
        sweep(self.path)
        for name in _BEGINNING:
            remove(self.path / name)
        return lock

    def remove(self) -> None:
        """Deletes the folder and all in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def default_path(*, baseline: str, phi: float, data: str) -> Path:
    """results/ and a name that says what is run and when."""
    return Path("results") / f"{plain(baseline)}-phi{phi:g}-{plain(data)}-{datetime.now():%Y%m%d-%H%M%S}"


def create(path: Path) -> RunFolder:
    """A new run folder, to be begun. Beginnings beside it that were cut off are swept.

    Raises:
        InvalidInput: it holds files already (another run is never overwritten), or cannot be made.
    """
    check_free(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"cannot make the folder {path}: {error.strerror}") from error
    for other in path.parent.glob(f"*/{LOCK}"):
        if other.parent.name != path.name:
            _sweep_beginning(other.parent)
    return RunFolder(path)


def check_free(path: Path) -> None:
    """Refuses a folder that holds something, before any work is done for it."""
    if (path / RECORD).exists():
        raise InvalidInput(f"{path} holds another run; name a new folder, or go on with `scaling-search resume {path}`")
    if path.exists() and not is_unclaimed(path, own=_BEGINNING):
        raise InvalidInput(f"{path} is not an empty folder")


def _sweep_beginning(folder: Path) -> None:
    """Removes a folder in which a process was killed before its run had begun."""
    try:
        if is_unclaimed(folder, own=_BEGINNING):
            lock = take(folder)
            shutil.rmtree(folder, ignore_errors=True)
            lock.release()
    except (InvalidInput, OSError):  # somebody is just beginning there, or it is not ours to remove
        pass
