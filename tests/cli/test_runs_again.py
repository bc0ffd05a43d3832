"""`run --config`, `status`, `list`, --json and --quiet, as a user types them; nothing is trained or drawn."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from fake_training import quick
from tiny_study import MakeStudy, grown, interrupted_after

from scaling_search import cli
from scaling_search.evidence import Reading, Status
from scaling_search.locks import alone_in
from scaling_search.search.executors import Inline, Job
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import read_entries
from scaling_search.study.overview import overview, runs_below

Call = Callable[..., tuple[str, str]]


@pytest.fixture
def call(place: Path, untrained: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command line as main does; gives what it prints, and what it complains of."""

    def call(*arguments: object, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr("sys.argv", ["scaling-search", *map(str, arguments)])
        ended: object = 0
        try:
            cli.main()
        except SystemExit as end:
            ended = end.code or 0
        shown = capsys.readouterr()
        assert ended == code, shown.out + shown.err
        return shown.out, shown.err

    return call


@pytest.fixture
def asked(shared: Path) -> list[object]:
    """The options of a tiny search."""
    return ["--baseline", shared / "tiny.yaml", "--data", shared / "images", "--executor", "inline", "--device", "cpu",
            "--parts", 1, "--seeds", 2, "--epochs", 2, "--no-pilot"]  # fmt: skip


def _readings(run: str) -> list[tuple[Any, ...]]:
    entries: list[Any] = list(read_entries(RunFolder(Path(run)).journal))
    return [(entry.trial, entry.epoch, entry.status, entry.top1, entry.val_loss) for entry in entries]


def test_a_run_is_repeated_exactly(call: Call, asked: list[object]) -> None:
    call("run", *asked, "--out", "first")
    shown, _ = call("run", "--config", "first/run.yaml", "--out", "second")
    assert "12/12 trials" in shown
    assert _readings("first") == _readings("second")
    before, after = (RunFolder(Path(name)).record() for name in ("first", "second"))
    own = {"command", "started", "git", "versions", "counts"}
    assert before.model_dump(exclude=own) == after.model_dump(exclude=own)
    assert Path("first/candidates.csv").read_text() == Path("second/candidates.csv").read_text()


def test_what_is_set_is_otherwise(call: Call, asked: list[object]) -> None:
    call("run", *asked, "--out", "first")
    shown, _ = call("run", "--config", "first", "--set", "seeds=4", "--set", "epsilon=0.02", "--out", "second")
    assert "24/24 trials" in shown
    record = RunFolder(Path("second")).record()
    assert (record.seeds, record.plan.trials, record.question.epsilon) == (4, 24, 0.02)
    assert set(_readings("first")) <= set(_readings("second"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--set", "seeds=4"], "--set changes what --config says"),
        (["--config", "first", "--seeds", "4"], "write --set seeds=… instead of --seeds"),
        (["--config", "first", "--set", "phi=2"], "--set phi: it would change the candidates"),
        (["--config", "first", "--set", "sedes=2"], "is nothing that a run has; did you mean seeds?"),
        (["--config", "first", "--set", "seeds"], "'seeds' is not key=value"),
        (["--config", "first", "--set", "seeds=many"], "seeds"),
        (["--config", "nowhere"], "there is no run at nowhere"),
    ],
)
def test_what_cannot_be_set(call: Call, asked: list[object], arguments: list[object], sentence: str) -> None:
    call("run", *asked, "--out", "first")
    _, complaint = call("run", *arguments, "--out", "second", code=2)
    assert sentence in complaint
    assert not Path("second").exists()


def test_json_is_all_that_is_printed(call: Call, asked: list[object]) -> None:
    shown, _ = call("run", *asked, "--out", "run", "--json")
    content = json.loads(shown)
    assert (content["folder"], content["version"]) == ("run", 2)


def test_quiet_is_the_answer_alone(call: Call, asked: list[object]) -> None:
    shown, _ = call("run", *asked, "--out", "run", "--quiet")
    assert "12/12 trials" not in shown and "plan      " not in shown and "planning" not in shown
    assert shown.startswith("\nNot learned"), "the answer is all there is"
    assert "report    run/report.html" in shown


def test_failures_are_named_with_the_command_that_tries_again(call: Call, asked: list[object]) -> None:
    """Two trials of the planted landscape fail."""
    shown, _ = call("run", *asked, "--out", "run")
    line = next(line for line in shown.splitlines() if line.startswith("failed"))
    assert line.startswith("failed    2 trials, most often: ")
    assert line.endswith("again: scaling-search resume run --retry-failed")


def test_planning_says_what_it_does(call: Call, asked: list[object]) -> None:
    shown, _ = call("run", *asked, "--out", "run", "--dry-run")
    steps = [line for line in shown.splitlines() if line.startswith("planning")]
    assert steps[0] == "planning  loading what trains"
    assert "planning  measuring how fast the three corners train" in steps


def test_a_budget_that_is_too_small_says_the_least(call: Call, shared: Path) -> None:
    small = ["--baseline", shared / "tiny.yaml", "--data", shared / "images", "--executor", "inline", "--device", "cpu",
             "--parts", 1, "--seeds", 1, "--budget", "1s", "--proxy-width", 1, "--proxy-resolution", 18]  # fmt: skip
    with pytest.warns(UserWarning, match=r"a budget of 1 s cannot be met: the least that this search takes is about "):
        call("run", *small, "--dry-run")


def test_status_of_an_interrupted_run(call: Call, make_study: MakeStudy) -> None:
    make_study().run(train=interrupted_after(5))
    shown, _ = call("status", "run")
    assert "go on     scaling-search resume run" in shown
    found = json.loads(call("status", "run", "--json")[0])
    assert (found["state"], found["done"], found["wanted"]) == ("interrupted", 2, 12)
    with alone_in(Path("run")):
        assert overview(Path("run")).state == "at work"
    assert overview(Path("run")).state == "interrupted", "looking has not taken the lock"


def test_an_answer_so_far_does_not_finish_a_run(call: Call, make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=interrupted_after(14))
    study.analyze()
    assert overview(Path("run")).state == "interrupted"
    study.run(train=quick)
    assert overview(Path("run")).state == "finished"


def test_a_search_that_settled_early_is_finished(call: Call, make_study: MakeStudy) -> None:
    def alike(job: Job) -> Iterator[Reading]:
        start = job.history[-1].epoch if job.history else 0
        for epoch in range(start + 1, job.epochs + 1):
            status: Status = "running" if epoch < job.epochs else "paused"
            top1 = 0.6 - 0.2 / epoch + 0.0002 * (sum(map(ord, str(job.trial))) % 7)
            yield Reading(trial=job.trial, epoch=epoch, status=status, top1=top1, val_loss=1 - top1, seconds=0.1)

    study = make_study(parts=..., seeds=..., epochs=2, pilot=True, budget=300)
    assert study.run(train=alike)
    found = overview(Path("run"))
    assert (found.state, found.done < found.wanted) == ("finished", True)


def test_the_list_of_runs(call: Call, make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=quick)
    study.analyze()
    Path("results").mkdir()
    Path("run").rename("results/mine")
    broken = Path("results/broken")
    broken.mkdir()
    (broken / "run.yaml").write_text("format: 99\n")
    shown, complaint = call("list")
    assert shown.splitlines()[0].split() == ["run", "baseline", "φ", "data", "trials", "best", "state", "verdict"]
    assert "results/mine" in shown and "finished" in shown
    assert "! results/broken:" in complaint
    (found,) = json.loads(call("list", "results", "--json")[0])
    assert found["verdict"] == yaml.safe_load(Path("results/mine/best.yaml").read_text())["verdict"]
    assert {path.name for path in runs_below(Path())} == {"mine", "broken"}
    assert "there is no folder nowhere" in call("list", "nowhere", code=2)[1]


def test_tables_in_a_pipe_are_never_cut(call: Call, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    shown, _ = call("candidates", "--baseline", shared / "tiny.yaml", "--parts", 1)
    assert "…" not in shown
    rows = json.loads(call("candidates", "--baseline", shared / "tiny.yaml", "--parts", 1, "--json")[0])
    assert [row["candidate"] for row in rows] == [line.split()[0] for line in shown.splitlines()[1:]]
    family = json.loads(call("family", "--preset", "paper", "--json")[0])
    assert [member["name"] for member in family] == [f"B{phi}" for phi in range(8)]


def test_a_search_that_can_afford_it_ends_at_the_growth_that_was_asked_for(
    call: Call, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly: Any = Inline.run

    def run(self: Inline, source: Any, *, train: Any, **how: Any) -> None:
        quickly(self, source, train=partial(grown, to="resolution"), **how)

    monkeypatch.setattr(Inline, "run", run)
    more = ["--parts", 2, "--seeds", 5, "--leverage", 4, "--recipe", "averaged"]
    shown, _ = call("run", *asked, *more, "--out", "run")
    assert "trainings at the growth that was asked for too: there is time" in shown
    line = next(
        line for line in shown.splitlines() if line.startswith("At 2×, the growth that was asked for, the run's")
    )
    content = json.loads(call("run", *asked, *more, "--out", "again", "--json")[0])
    assert (content["own_growth"]["growth"], content["own_growth"]["agree"]) == (pytest.approx(2.0), "yes")
    assert line in call("analyze", "run")[0].splitlines()
