"""A search on Ray is killed at a random moment, and goes on to what an undisturbed one comes to.

FAULTS_CASES and FAULTS_SEED choose how often and when: FAULTS_CASES=20 FAULTS_SEED=7 pytest tests/faults/test_killed.py
"""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from fault_run import begun, epochs_told, leftovers_of, outcome, processes_of

pytestmark = [pytest.mark.faults, pytest.mark.ray, pytest.mark.slow]

CASES = int(os.environ.get("FAULTS_CASES") or 2)
SEED = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))


def test_at_random_moments(place: Path, images: Path) -> None:
    """From before the folder is there until after the last trial."""
    whole = timed(place, images)
    wanted = outcome(place / "whole")
    moments = random.Random(SEED)
    for number in range(CASES):
        after = moments.uniform(0, 1.1 * whole)
        where = f"kill {number} after {after:.2f} s of {whole:.1f} (FAULTS_SEED={SEED})"
        process = begun(place, *arguments(images))
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        finished = epochs_told(place / "run" / "trials.csv")
        resumed = (place / "run" / "run.yaml").exists()
        again = begun(place, *(["resume", "run"] if resumed else arguments(images)))
        said, errors = again.communicate(timeout=300)
        assert again.returncode == 0, f"{where}: {said}{errors}"
        pd.testing.assert_frame_equal(outcome(place / "run"), wanted, obj=where)
        assert finished <= epochs_told(place / "run" / "trials.csv"), where
        wait_until_gone(process.pid, where)
        assert not leftovers_of(process.pid) + leftovers_of(again.pid), where
        assert not [path for path in place.rglob(".unfinished*") if path.exists()], where
        shutil.rmtree(place / "run")


def arguments(images: Path) -> list[object]:
    return ["run", "--baseline", "tiny.yaml", "--data", images, "--parts", 1, "--seeds", 1, "--epochs", 2, "--workers",
            2, "--device", "cpu", "--out", "run"]  # fmt: skip


def timed(place: Path, images: Path) -> float:
    """Seconds of the undisturbed search; its folder is whole/."""
    began = time.monotonic()
    process = begun(place, *arguments(images))
    assert process.wait(300) == 0, process.communicate()
    (place / "run").rename(place / "whole")
    return time.monotonic() - began


def wait_until_gone(session: int, where: str) -> None:
    """Returns when no process of a session is left, within two minutes: Ray's agents look for their raylet rarely."""
    for _ in range(600):
        if not processes_of(session):
            return
        time.sleep(0.2)
    raise AssertionError(f"{where}: {processes_of(session)} are left")
