"""The whole way on a tiny setting: run, kill and resume, analyse again, through the command line as a user does."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tiny_run import write_baseline, write_images

from scaling_search.search.journal import COLUMNS, Journal

CALL = [sys.executable, "-c", "import sys; from scaling_search.cli import main; sys.argv[0] = 'scaling-search'; main()"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images and tiny.yaml, and a cache that the tests of this file share."""
    folder = tmp_path_factory.mktemp("inputs")
    write_images(folder / "images")
    write_baseline(folder / "tiny.yaml")
    return folder


def environment(inputs: Path) -> dict[str, str]:
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return os.environ | {
        "SCALING_SEARCH_CACHE": str(inputs / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "140",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
    }  # fmt: skip


def call(inputs: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CALL, *map(str, arguments)], cwd=inputs, env=environment(inputs), capture_output=True, text=True, timeout=300
    )


def run_arguments(out: Path, *more: object) -> list[object]:
    return ["run", "--baseline", "tiny.yaml", "--data", "images", "--parts", 1, "--seeds", 2, "--epochs", 2,
            "--leverage", 2, "--recipe", "proxy", "--no-pilot", "--out", out, *more]  # fmt: skip


def outcome(run: Path) -> pd.DataFrame:
    """What must not depend on how a run came about: all rows but the times."""
    table = pd.read_csv(run / "trials.csv").drop(columns=["seconds", "images_per_second"])
    return table.sort_values(["candidate", "seed", "epoch"], ignore_index=True)


@pytest.fixture(scope="module")
def inline_run(inputs: Path) -> Path:
    done = call(inputs, *run_arguments(inputs / "inline", "--executor", "inline"))
    assert done.returncode == 0, done.stderr
    assert "plan" in done.stdout
    assert "report    " in done.stdout
    return inputs / "inline"


def test_a_run_writes_everything(inline_run: Path) -> None:
    expected = {"run.yaml", "candidates.csv", "journal.jsonl", "trials.csv", "best.yaml", "report.html"}
    assert expected <= {path.name for path in inline_run.iterdir()}
    assert [path.name for path in sorted((inline_run / "family").iterdir())] == [f"b{n}.yaml" for n in range(1, 8)]
    assert {path.suffix for path in (inline_run / "figures").iterdir()} == {".png", ".svg", ".csv"}
    assert not (inline_run / "checkpoints").exists()


def test_the_tables_fit_together(inline_run: Path) -> None:
    candidates = pd.read_csv(inline_run / "candidates.csv", keep_default_na=False)
    trials = pd.read_csv(inline_run / "trials.csv")
    assert tuple(trials.columns) == COLUMNS
    assert len(trials) == len(candidates) * 2 * 2
    assert set(trials.candidate) == set(candidates.candidate)
    assert trials.images_seen.nunique() == 2, "every candidate sees equally many images"
    names = set(";".join(candidates.named).split(";"))
    assert {"depth", "width", "resolution", "uniform", "fast", "paper"} <= names


def test_the_family_grows_and_says_what_it_costs(inline_run: Path) -> None:
    family = [yaml.safe_load((inline_run / "family" / f"b{n}.yaml").read_text()) for n in range(1, 8)]
    macs = [member["cost"]["macs"] for member in family]
    assert macs == sorted(macs)
    assert macs[0] < macs[-1] / 20
    assert [member["phi"] for member in family] == [1, 2, 3, 4, 5, 6, 7]


def test_the_run_is_described(inline_run: Path) -> None:
    described = yaml.safe_load((inline_run / "run.yaml").read_text())
    assert described["data"]["classes"] == 3
    assert described["strategy"] == {"strategy": "lattice", "parts": 1, "seeds": 2, "epochs": 2}
    assert described["command"].startswith("scaling-search run --baseline tiny.yaml")
    assert "torch" in described["versions"]


def test_resuming_a_finished_run_trains_nothing(inputs: Path, inline_run: Path) -> None:
    before = (inline_run / "journal.jsonl").read_bytes()
    done = call(inputs, "resume", inline_run)
    assert done.returncode == 0, done.stderr
    assert (inline_run / "journal.jsonl").read_bytes() == before


def test_half_a_journal_is_finished_to_the_same_result(inputs: Path, inline_run: Path) -> None:
    """Cut after every possible kind of place: within a trial, between trials, in the middle of a line."""
    cut = inputs / "cut"
    shutil.copytree(inline_run, cut)
    whole = (inline_run / "journal.jsonl").read_bytes()
    (cut / "journal.jsonl").write_bytes(whole[: len(whole) * 5 // 12])
    done = call(inputs, "resume", cut)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(outcome(cut), outcome(inline_run))


def test_analysis_works_on_what_is_there_so_far(inputs: Path, inline_run: Path) -> None:
    early = inputs / "early"
    shutil.copytree(inline_run, early)
    lines = (early / "journal.jsonl").read_text().splitlines(keepends=True)
    (early / "journal.jsonl").write_text("".join(lines[: len(lines) // 2]))
    Journal(early)  # writes trials.csv again
    (early / "best.yaml").unlink()
    done = call(inputs, "analyze", early)
    assert done.returncode == 0, done.stderr
    assert (early / "best.yaml").exists()


def test_changed_data_is_noticed(inputs: Path, inline_run: Path) -> None:
    run = inputs / "other-data"
    shutil.copytree(inline_run, run)
    text = (run / "run.yaml").read_text()
    (run / "run.yaml").write_text(re.sub(r"fingerprint: [\w']+", "fingerprint: '0'", text))
    done = call(inputs, "resume", run)
    assert done.returncode == 2
    assert "has changed" in done.stderr


def test_a_dry_run_trains_and_writes_nothing(inputs: Path) -> None:
    done = call(inputs, *run_arguments(inputs / "dry", "--dry-run"))
    assert done.returncode == 0, done.stderr
    assert re.search(r"plan +6 candidates × 2 seeds × 2 epochs = 12 trials", done.stdout)
    assert "paper" in done.stdout
    assert not (inputs / "dry").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_kill_and_resume_with_ray_gives_the_inline_result(inputs: Path, inline_run: Path) -> None:
    """kill −9 of the driver and its Ray in the middle; the resumed run equals the one that was never disturbed."""
    out = inputs / "killed"
    process = subprocess.Popen(
        [*CALL, *map(str, run_arguments(out, "--workers", 2))], cwd=inputs, env=environment(inputs),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    journal = out / "journal.jsonl"
    wait_until(lambda: journal.exists() and journal.read_text().count("\n") >= 5, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    rows = journal.read_text().count("\n")
    assert 5 <= rows < 24
    done = call(inputs, "resume", out)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(outcome(out), outcome(inline_run))


@pytest.mark.ray
@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_says_how_to_go_on(inputs: Path, inline_run: Path) -> None:
    out = inputs / "interrupted"
    process = subprocess.Popen(
        [*CALL, *map(str, run_arguments(out, "--workers", 2))], cwd=inputs, env=environment(inputs),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    journal = out / "journal.jsonl"
    wait_until(lambda: journal.exists() and journal.read_text().count("\n") >= 3, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert f"scaling-search resume {out}" in stdout.replace("\n", "")
    assert "Traceback" not in stdout + stderr
    assert call(inputs, "resume", out).returncode == 0
    pd.testing.assert_frame_equal(outcome(out), outcome(inline_run))


@pytest.mark.ray
@pytest.mark.slow
def test_optuna_and_asha_through_the_command(inputs: Path) -> None:
    arguments = [argument for argument in run_arguments(inputs / "optuna") if argument not in ("--parts", 1)]
    done = call(inputs, *arguments, "--search", "optuna", "--samples", 3, "--workers", 2)
    assert done.returncode == 0, done.stderr
    candidates = pd.read_csv(inputs / "optuna" / "candidates.csv")
    trials = pd.read_csv(inputs / "optuna" / "trials.csv")
    assert 6 <= len(candidates) <= 9
    assert trials.groupby("candidate").seed.nunique().eq(2).all()
    done = call(inputs, *run_arguments(inputs / "asha", "--scheduler", "asha", "--workers", 2))
    assert done.returncode == 0, done.stderr
    ends = pd.read_csv(inputs / "asha" / "trials.csv").query("status != 'running'")
    assert len(ends) == 12
    assert set(ends.status) <= {"done", "stopped"}


def wait_until(
    condition: "object", process: subprocess.Popen[str] | subprocess.Popen[bytes], seconds: float = 120
) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be disturbed"
        assert time.monotonic() < end, "the run did not get going"
        time.sleep(0.02)


def test_a_users_own_network_is_searched_and_comes_back_from_its_family(inputs: Path) -> None:
    """The whole way with a torch module from a file, and the family's configs built again."""
    own = Path(__file__).parent / "networks" / "user_networks.py"
    shutil.copy(own, inputs / "own.py")
    out = inputs / "own-run"
    done = call(inputs, "run", "--baseline", "own.py:make_net", "--data", "images", "--parts", 1, "--seeds", 1,
                "--epochs", 1, "--proxy-width", 0.5, "--executor", "inline", "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    check = "import scaling_search as ss, sys; net = ss.network(sys.argv[1]); print(net.cost().params); "
    check += "print(sum(p.numel() for p in net.build().parameters()))"
    built = subprocess.run(
        [sys.executable, "-c", check, str(out / "family" / "b2.yaml")],
        cwd=inputs, env=environment(inputs), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    counted, real = built.stdout.split()
    assert counted == real
    assert yaml.safe_load((out / "family" / "b2.yaml").read_text())["cost"]["params"] == int(real)


@pytest.mark.zoo
@pytest.mark.slow
def test_a_network_of_timm_is_searched(inputs: Path) -> None:
    pytest.importorskip("timm")
    out = inputs / "timm-run"
    done = call(inputs, "run", "--baseline", "timm:mobilenetv2_100", "--data", "images", "--parts", 1, "--seeds", 1,
                "--epochs", 1, "--no-pilot", "--proxy-resolution", 32, "--executor", "inline",
                "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load((out / "family" / "b1.yaml").read_text())["network"]["source"] == "timm:mobilenetv2_100"
    assert pd.read_csv(out / "trials.csv").status.eq("paused").all()


@pytest.mark.ray
@pytest.mark.slow
def test_with_the_defaults_a_pilot_settles_the_plan_and_the_run_can_be_extended(inputs: Path) -> None:
    out = inputs / "defaults"
    asked = ["run", "--baseline", "tiny.yaml", "--data", "images", "--epochs", 2, "--budget", "25s", "--workers", 2]
    done = call(inputs, *asked, "--out", out)
    assert done.returncode == 0, done.stderr
    lines = [line.partition(" ")[0] for line in done.stdout.splitlines()]
    assert lines.index("pilot") < lines.index("plan", lines.index("plan") + 1), "the plan is settled after the pilot"
    trials = pd.read_csv(out / "trials.csv")
    assert trials[trials.candidate == "base"].seed.nunique() == 3
    assert "unscaled" in done.stdout
    before = len(trials[trials.candidate != "base"].drop_duplicates(["candidate", "seed"]))
    more = call(inputs, "extend", out, "--budget", "2s")
    assert more.returncode == 0, more.stderr
    trials = pd.read_csv(out / "trials.csv")
    assert len(trials[trials.candidate != "base"].drop_duplicates(["candidate", "seed"])) > before
