"""Real commands that are told to end: what is finished is kept, nobody is left behind, and the same work goes on."""

import signal
from pathlib import Path

import pandas as pd
import pytest
from fault_run import begun, leftovers_of, outcome, processes_of, wait_until

pytestmark = pytest.mark.faults


def arguments(images: Path, executor: str) -> list[object]:
    return ["run", "--baseline", "tiny.yaml", "--data", images, "--parts", 1, "--seeds", 1, "--epochs", 8,
            "--device", "cpu", "--executor", executor, "--out", "run"]  # fmt: skip


@pytest.mark.parametrize(
    ("executor", "name"),
    [
        ("inline", "SIGTERM"),
        ("inline", "SIGHUP"),
        pytest.param("ray", "SIGTERM", marks=[pytest.mark.ray, pytest.mark.slow]),
        pytest.param("ray", "SIGHUP", marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)
def test_a_search(place: Path, images: Path, executor: str, name: str) -> None:
    process = begun(place, *arguments(images, executor))
    wait_until(lambda: (place / "run" / "journal.jsonl").exists() and rows(place / "run") >= 3, process)
    process.send_signal(getattr(signal, name))
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert said.endswith("interrupted; go on with: scaling-search resume run\n")
    assert not processes_of(process.pid)
    assert not leftovers_of(process.pid)
    kept = outcome(place / "run")
    assert begun(place, "resume", "run").wait(120) == 0
    pd.testing.assert_frame_equal(outcome(place / "run").merge(kept[["candidate", "seed", "epoch"]]), kept)
    assert len(outcome(place / "run")) > len(kept)


def test_a_training(place: Path, images: Path) -> None:
    asked = ["train", "tiny.yaml", "--data", images, "--recipe", "proxy", "--epochs", 60, "--batch-size", 8,
             "--resolution", 16, "--device", "cpu", "--out"]  # fmt: skip
    process = begun(place, *asked, "trained")
    history = place / "trained" / "history.csv"
    wait_until(lambda: history.exists() and history.read_text().count("\n") >= 3, process)
    process.send_signal(signal.SIGTERM)
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "")
    assert said.endswith("stopped; the same command continues\n")
    before = pd.read_csv(history)
    assert len(before) < 60
    assert begun(place, *asked, "trained").wait(60) == 0
    assert begun(place, *asked, "whole").wait(60) == 0
    after, whole = pd.read_csv(history), pd.read_csv(place / "whole" / "history.csv")
    pd.testing.assert_frame_equal(after.head(len(before)), before)  # times and all: nothing was trained again
    times = ["seconds", "images_per_second"]
    pd.testing.assert_frame_equal(after.drop(columns=times), whole.drop(columns=times))


def test_the_plan_is_interrupted_before_there_is_a_run(place: Path, images: Path) -> None:
    process = begun(place, *arguments(images, "inline"))
    wait_until(lambda: (place / "cache").exists(), process)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "scaling-search: interrupted\n"
    assert not (place / "run").exists()


def rows(run: Path) -> int:
    return (run / "journal.jsonl").read_text().count("\n")
