"""What the tests of faults share: commands run in this process, a search of six trials, and its outcome."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from scaling_search.cli import main

TOOL = "from scaling_search.cli import main; main()"


def call(*arguments: object) -> int:
    """The exit code of a command, run in this process."""
    before, sys.argv = sys.argv, ["scaling-search", *map(str, arguments)]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0


def begin(images: Path, out: str, *more: object) -> int:
    """Begins a search of six trials."""
    return call("run", "--baseline", "tiny.yaml", "--data", images, "--parts", 1, "--seeds", 1, "--epochs", 2,
                "--recipe", "proxy", "--no-pilot", "--executor", "inline", "--out", out, *more)  # fmt: skip


def begun(folder: Path, *arguments: object) -> "subprocess.Popen[str]":
    """A command in a process of its own, whose children can be told by its session."""
    settings = {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", TOOL, *map(str, arguments)], cwd=folder, env=os.environ | settings, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, preexec_fn=_heed_signals,
    )  # fmt: skip


def _heed_signals() -> None:
    """Under nohup a hang-up would be ignored, by the commands too."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def wait_until(happened: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Returns when it has happened.

    Raises:
        AssertionError: the process ended before, or it took over a minute.
    """
    for _ in range(3000):
        if happened():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    raise AssertionError("it did not happen within a minute")


def processes_of(session: int) -> list[str]:
    """The commands that still run in a session."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:  # it has just ended
            continue
    return found


def leftovers_of(process: int) -> list[Path]:
    """What a process has left among the temporary files."""
    place = Path(tempfile.gettempdir())
    return [*place.glob(f".unfinished-*-{process}-*"), *place.glob(f"ray/session_*_{process}")]


def outcome(run: Path) -> pd.DataFrame:
    """What must not depend on how a run came about: all rows but the times."""
    table = pd.read_csv(run / "trials.csv").drop(columns=["seconds", "images_per_second"])
    return table.sort_values(["candidate", "seed", "epoch"], ignore_index=True)


def epochs_told(table: Path) -> set[tuple[str, int]]:
    """The epochs whose readings a trials.csv holds, as (trial, epoch); none where there is no table."""
    if not table.exists():
        return set()
    lines = [line.split(",") for line in table.read_text().rpartition("\n")[0].split("\n")[1:]]
    return {(f"{cells[0]}-s{cells[1]}", int(cells[2])) for cells in lines}
