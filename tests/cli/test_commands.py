"""The commands as a user types them, in an empty folder; nothing is measured, trained or drawn."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from fake_training import quick
from tiny_study import MakeStudy, interrupted_after

from scaling_search import cli
from scaling_search.architecture import Network
from scaling_search.search.executors import Inline, Ray
from scaling_search.search.folder import RunFolder
from scaling_search.study.network import network
from scaling_search.training.recipe import Recipe

Call = Callable[..., str]


@pytest.fixture
def call(place: Path, untrained: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command line as main does; returns what it prints. Another exit code than 0 has to be expected."""
    monkeypatch.setenv("COLUMNS", "160")

    def call(*arguments: object, code: int = 0) -> str:
        monkeypatch.setattr("sys.argv", ["scaling-search", *map(str, arguments)])
        ended: object = 0
        try:
            cli.main()
        except SystemExit as end:
            ended = end.code or 0
        shown = capsys.readouterr()
        assert ended == code, shown.out + shown.err
        return shown.out + shown.err

    return call


@pytest.fixture
def asked(shared: Path) -> list[object]:
    """The options of a tiny search."""
    return ["--baseline", shared / "tiny.yaml", "--data", shared / "images", "--executor", "inline", "--device", "cpu",
            "--parts", 1, "--seeds", 2, "--epochs", 2, "--no-pilot"]  # fmt: skip


def test_a_run_from_plan_to_report(call: Call, asked: list[object]) -> None:
    text = call("run", *asked, "--out", "run")
    assert "plan      6 candidates × 2 seeds × 2 epochs = 12 trials, 1 at once" in text
    assert "12/12 trials, 2 failed  best so far c05" in text
    assert "pick  α" in text
    assert f"family    {Path('run/family')}/b1.yaml … b7.yaml" in text
    assert yaml.safe_load(Path("run/best.yaml").read_text())["sentence"] in " ".join(text.split())
    record = RunFolder(Path("run")).record()
    assert record.command.startswith("scaling-search run --baseline ")


def test_a_dry_run_writes_nothing(call: Call, asked: list[object]) -> None:
    text = call("run", *asked, "--out", "run", "--dry-run")
    assert "12 trials" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith("c0")] == [f"c{n:02d}" for n in range(6)]
    assert not Path("run").exists()


def test_the_commands_options_reach_the_search(
    call: Call, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the executor too, whose defaults are not «not asked»."""
    began: list[Ray] = []

    def run(self: Ray, source: Any, **how: Any) -> None:
        began.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Ray, "run", run)
    more = ["--executor", "ray", "--trials-per-gpu", 5, "--workers", 3, "--scheduler", "median", "--max-macs", "800M"]
    call("run", *asked, *more, "--budget", "77s", "--deterministic", "--out", "run", code=130)
    assert began == [Ray(trials_per_gpu=5, workers=3, scheduler="median")]
    record = RunFolder(Path("run")).record()
    assert (record.question.max_macs, record.plan.budget_seconds, record.deterministic) == (800_000_000, 77, True)


def test_an_interrupted_run_says_how_to_go_on_and_resumes(
    call: Call, asked: list[object], make_study: MakeStudy
) -> None:
    make_study().run(train=interrupted_after(5))
    text = call("resume", "run")
    shown = [line for line in text.splitlines() if "/12 trials" in line]
    assert shown[0].startswith("3/12 trials "), "two were done"
    assert shown[-1].startswith("12/12 trials, 2 failed ")
    assert Path("run/best.yaml").exists()


def test_an_interruption_names_the_command_that_goes_on(
    call: Call, asked: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Inline, "run", lambda self, source, **how: None)  # returns, as after Ctrl-C
    assert "interrupted; go on with: scaling-search resume run" in call("run", *asked, "--out", "run", code=130)


def test_analyze_and_report_of_what_is_there_so_far(call: Call, make_study: MakeStudy) -> None:
    study = make_study()
    study.run(train=interrupted_after(15))
    text = call("analyze", "run")
    assert "pick  α" in text
    assert Path("run/family/b7.yaml").exists()
    assert call("report", "run") == f"report    {Path('run/report.html')}\n"
    content = json.loads(call("analyze", "run", "--json", "--epsilon", "0.02", "--metric", "top1"))
    assert (content["version"], content["epsilon"], content["metric"]["name"]) == (2, 0.02, "top1")
    assert json.loads(call("analyze", "run", "--json"))["epsilon"] == 0.005, "the run's own"
    assert "between 0 and 1" in call("analyze", "run", "--epsilon", "2", code=2)
    study.run(train=interrupted_after(0))
    assert "finished trial" in call("analyze", _without_readings("run"), code=2)


def _without_readings(run: str) -> str:
    """A copy of a run before its first reading."""
    folder = Path("fresh")
    folder.mkdir()
    for name in ("run.yaml", "candidates.csv"):
        (folder / name).write_bytes(Path(run, name).read_bytes())
    (folder / "trials.csv").write_text(Path(run, "trials.csv").read_text().splitlines()[0] + "\n")
    return str(folder)


def test_candidates_are_listed_and_written(call: Call, shared: Path) -> None:
    text = call("candidates", "--baseline", shared / "tiny.yaml", "--parts", 1, "--csv", "found.csv")
    table = pd.read_csv("found.csv")
    listed = [line.split()[0] for line in text.splitlines() if line.startswith("c0")]
    assert listed == table.candidate.tolist() == [f"c{number:02d}" for number in range(5)]
    assert "uniform;paper" in set(table.named), "equal networks are one candidate"
    first = {axis: table[axis][0] for axis in ("depth", "width", "resolution")}
    assert network(shared / "tiny.yaml").scaled(**first).cost().macs == table.macs[0]
    assert "full_macs" not in table.columns


def test_candidates_as_proxies_are_small(call: Call, shared: Path) -> None:
    call("candidates", "--baseline", shared / "tiny.yaml", "--parts", 1, "--proxy", "--csv", "found.csv")
    table = pd.read_csv("found.csv")
    assert table.pixels.min() == 18, "the base is made four times as cheap for a leverage of 8"
    assert (table.macs < table.full_macs / 5).all()


def test_a_target_and_limits_hold_for_the_list_too(call: Call, shared: Path) -> None:
    tiny = ["--baseline", shared / "tiny.yaml", "--parts", 1]
    call("candidates", *tiny, "--target", "macs=3x", "--rounding", "nearest", "--csv", "found.csv")
    assert pd.read_csv("found.csv").macs_ratio.median() == pytest.approx(3, rel=0.1)
    call("candidates", *tiny, "--max-params", 40000, "--csv", "few.csv")
    few = pd.read_csv("few.csv")
    assert 0 < len(few) < 5
    assert few.params.max() <= 40_000
    assert "no parts; it takes step" in call("candidates", *tiny, "--search", "grid", code=2)


def test_a_family_is_listed_and_written(call: Call, shared: Path) -> None:
    text = call("family", "--preset", "paper", "--out", "family")
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.startswith("B")}
    assert list(rows) == [f"B{phi}" for phi in range(8)]
    assert (rows["B3"][3], rows["B3"][5]) == ("300", "12,233,232")
    assert network("family/b3.yaml").cost().params == 12_233_232
    assert "written to family/b0.yaml … b7.yaml" in text


@pytest.mark.parametrize(("phi", "names"), [("1..3", ["B1", "B2", "B3"]), ("1,2.5", ["B1", "B2.5"]), ("-1", ["B-1"])])
def test_phis_are_a_range_or_a_list(call: Call, shared: Path, phi: str, names: list[str]) -> None:
    text = call("family", "--baseline", shared / "tiny.yaml", "--coefficients", "1.2,1.1,1.15", f"--phi={phi}")
    assert [line.split()[0] for line in text.splitlines() if line.startswith("B")] == names
    assert not Path("family").exists()


def test_the_frontier_is_drawn_with_ones_own(call: Call) -> None:
    Path("own.csv").write_text("model,macs,top1\nmine,5e8,0.78\n")
    assert "written to figures/imagenet-frontier.png" in call("frontier", "--own", "own.csv")
    assert "mine" in Path("figures/imagenet-frontier.csv").read_text()


def test_the_frontier_of_the_paper_over_parameters_has_all_of_its_models(call: Call) -> None:
    call("frontier", "--imagenet", "--x", "params")
    table = pd.read_csv("figures/imagenet-frontier-params.csv")
    assert table["source"].value_counts().to_dict() == {"rival": 16, "efficientnet": 8}
    assert "the paper prints" in call("frontier", "--imagenet", "--x", "activations", code=2)


def test_the_frontier_of_runs(call: Call, make_study: MakeStudy) -> None:
    for name in ("run", "other"):
        make_study(folder=name).run()
    text = call("frontier", "run", "other", "--x", "params", "--out", "figures")
    assert "written to figures/frontier-params.png" in text
    table = pd.read_csv("figures/frontier-params.csv")
    assert set(table["family"]) == {"run", "other"}
    assert table["on_frontier"].sum() < len(table)
    assert "two figures" in call("frontier", "run", "--imagenet", code=2)
    assert "belongs to --x latency" in call("frontier", "run", "--latency-on", "cuda", code=2)
    assert "neither a run" in call("frontier", "run/family", "nowhere", code=2)


@pytest.mark.parametrize("before", [(), ("cost",), ("cost", "b0", "--latency-on"), ("run", "--phi", "1", "--search")])
def test_a_word_of_any_length_is_told_in_a_few_lines(call: Call, before: tuple[str, ...]) -> None:
    assert "aaaa" in call(*before, "a" * 5000, code=2)
    assert len(call(*before, "a" * 5000, code=2)) < 1500


def test_a_report_can_be_watched_until_ctrl_c(
    call: Call, make_study: MakeStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_study().run()

    def wait(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("scaling_search.study.watching.Server.serve_forever", wait)
    assert re.fullmatch(r"report    http://127\.0\.0\.1:\d+/  \(Ctrl-C ends\)\n", call("report", "run", "--watch"))
    assert "belongs to --watch" in call("report", "run", "--port", "8000", code=2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("model,macs\nmine,5e8\n", "has no column top1"),
        ("model,macs,top1\n", "has no rows"),
        ("model,macs,top1\nmine,much,0.7\n", "macs: not a number above 0"),
        ("model,macs,top1\nmine,5e8,78\n", "not per cent"),
        (None, "cannot read"),
    ],
)
def test_a_table_for_the_frontier_that_is_none(call: Call, content: str | None, sentence: str) -> None:
    if content is not None:
        Path("own.csv").write_text(content)
    assert sentence in call("frontier", "--own", "own.csv", code=2)
    assert not Path("figures").exists()


# --- train


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Network, Recipe, dict[str, Any]]]:
    """What would have been trained: folder, network, recipe and settings."""
    found: list[tuple[Path, Network, Recipe, dict[str, Any]]] = []

    def train(folder: Path, network: Network, dataset: object, recipe: Recipe, **settings: Any) -> list[Any]:
        found.append((folder, network, recipe, settings))
        return []

    monkeypatch.setattr("scaling_search.training.full.train_in_folder", train)
    return found


def train(call: Call, shared: Path, *more: object) -> str:
    return call("train", shared / "tiny.yaml", "--data", shared / "images", "--device", "cpu", *more)


def test_a_learning_rate_is_the_one_that_is_trained_with(call: Call, shared: Path, trainings: list[Any]) -> None:
    """Not that of the recipe's batch of 4096, scaled down."""
    train(call, shared, "--lr", 0.1, "--batch-size", 8, "--recipe", "paper")
    train(call, shared, "--lr", 0.1, "--recipe", "resnet")
    train(call, shared, "--batch-size", 512, "--recipe", "paper")
    rates = [recipe.peak_lr for _, _, recipe, _ in trainings]
    assert rates == pytest.approx([0.1, 0.1, 0.256 * 512 / 4096])


def test_the_options_of_a_training_arrive(call: Call, shared: Path, trainings: list[Any]) -> None:
    train(call, shared, "--epochs", 7, "--seed", 3, "--resolution", 32, "--deterministic", "--out", "there")
    train(call, shared, "--recipe", "proxy")
    (folder, full, recipe, settings), (default, own, proxy, plain) = trainings
    assert (folder, full.resolution, full.classes, recipe.name) == (Path("there"), 32, 3, "paper")
    asked = {"epochs": 7, "seed": 3, "device": "cpu", "deterministic": True, "transfer": None}
    assert {key: value for key, value in settings.items() if key != "watch"} == asked
    assert default == Path("results/train-tiny-images-seed0")
    assert (own.resolution, proxy.name, plain["epochs"]) == (64, "proxy", proxy.epochs)


def test_a_training_that_fails_is_exit_code_1(call: Call, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scaling_search.training.failure import TrainingFailed

    def fail(*_: Any, **__: Any) -> None:
        raise TrainingFailed("loss became NaN in epoch 1")

    monkeypatch.setattr("scaling_search.training.full.train_in_folder", fail)
    place = ["--data", shared / "images", "--device", "cpu"]
    assert "training failed: loss became NaN in epoch 1" in call("train", shared / "tiny.yaml", *place, code=1)


# --- replay


@pytest.fixture
def recorded(make_study: MakeStudy) -> str:
    """A finished run."""
    make_study().run(train=quick)
    return "run"


def test_replay_as_a_table_and_as_json(call: Call, recorded: str) -> None:
    text = call("replay", recorded)
    names = ["strategy", "trainings", "compute", "verdict", "pick", "nearest", "regret", "by", "means"]
    assert text.splitlines()[0].split() == names
    assert text.splitlines()[1].split()[:4] == ["lattice", "6.0", "50", "%"], "the other seed is hidden"
    results = json.loads(call("replay", recorded, "--strategy", "lattice, optuna", "--repeats", 2, "--json"))
    assert [result["strategy"] for result in results] == ["lattice", "optuna"]
    assert set(results[0]) == {
        "strategy", "repeats", "trainings", "compute", "pick", "nearest", "verdict", "regret", "regret_low",
        "regret_high", "by_means",
    }  # fmt: skip
    assert results[0]["repeats"] == 2
    early = json.loads(call("replay", recorded, "--strategy", "race", "--after", "4", "--figure", "out", "--json"))
    assert [result["trainings"] for result in early] == [4, 6]
    drawn = pd.read_csv("out/regret.csv")
    assert drawn["reader"].tolist() == 2 * ["posterior", "means"]
    assert drawn["regret"].tolist()[::2] == pytest.approx([result["regret"] for result in early])
    assert "--after takes whole numbers, as 10,15,30, not 'x'" in call("replay", recorded, "--after", "x", code=2)


def test_replay_of_what_there_is_not(call: Call, recorded: str) -> None:
    assert "no strategy 'latice'; did you mean lattice?" in call("replay", recorded, "--strategy", "latice", code=2)
    assert "has no readings to replay" in call("replay", _without_readings(recorded), code=2)
    assert "is not a run" in call("replay", ".", code=2)


def test_a_warning_is_a_sentence(tmp_path: Path, shared: Path) -> None:
    """As a person sees it: no line of the program beside it."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; from scaling_search.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "--baseline", shared / "tiny.yaml", "--data", shared / "images", "--phi",
         "-1", "--leverage", "1.5", "--parts", "1", "--seeds", "1", "--epochs", "1", "--executor", "inline", "--device",
         "cpu", "--dry-run"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stderr.startswith("! left out of the search: no network with the shares 100 % / 0 % / 0 % has macs of")
    assert "UserWarning" not in done.stderr and len(done.stderr.splitlines()) <= 2
