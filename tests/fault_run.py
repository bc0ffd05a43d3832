"""What the tests of faults share: commands run in this process, a search of six trials, and its outcome."""

import sys
from pathlib import Path

import pandas as pd

from scaling_search.cli import main


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
                "--executor", "inline", "--out", out, *more)  # fmt: skip


def outcome(run: Path) -> pd.DataFrame:
    """What must not depend on how a run came about: all rows but the times."""
    table = pd.read_csv(run / "trials.csv").drop(columns=["seconds", "images_per_second"])
    return table.sort_values(["candidate", "seed", "epoch"], ignore_index=True)
