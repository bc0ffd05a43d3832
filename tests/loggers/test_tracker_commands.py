"""`--log` and `--optuna-storage`, as a user types them; nothing is trained or drawn."""

from pathlib import Path

import optuna
import pytest
from fake_training import quick
from tiny_study import MakeStudy, interrupted_after

from scaling_search import cli
from scaling_search.loggers import OptunaStorage


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    """Runs a command line as main does; gives how it ends."""
    monkeypatch.setattr("sys.argv", ["scaling-search", *map(str, arguments)])
    try:
        cli.main()
    except SystemExit as end:
        return end.code or 0
    return 0


@pytest.fixture
def asked(shared: Path) -> list[object]:
    return [
        "--baseline", shared / "tiny.yaml", "--data", shared / "images", "--out", "run", "--executor", "inline",
        "--device", "cpu", "--parts", 1, "--seeds", 1, "--epochs", 2, "--leverage", 2, "--no-pilot",
    ]  # fmt: skip


def trials(name: str = "run") -> list[str]:
    study = optuna.load_study(study_name=name, storage="sqlite:///study.db")
    return sorted(f"{trial.user_attrs['trial']} {sorted(trial.intermediate_values)}" for trial in study.trials)


def test_a_run_tells_and_a_resumed_one_goes_on(
    monkeypatch: pytest.MonkeyPatch, untrained: None, asked: list[object]
) -> None:
    assert call(monkeypatch, "run", *asked, "--optuna-storage", "sqlite:///study.db") == 0
    once = trials()
    assert len(once) == 6 and "c05-s0 [1, 2]" in once
    assert call(monkeypatch, "resume", "run") == 0
    assert trials() == once
    answer = optuna.load_study(study_name="run", storage="sqlite:///study.db").user_attrs
    assert answer["answer sentence"]


def test_resume_remembers(monkeypatch: pytest.MonkeyPatch, untrained: None, make_study: MakeStudy) -> None:
    first = OptunaStorage("sqlite:///study.db")
    make_study(seeds=1).run([first], train=interrupted_after(3, quick))
    first.finish()
    assert len(trials()) == 2
    assert call(monkeypatch, "resume", "run") == 0
    assert len(trials()) == 6


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--optuna-storage", "sqlite:////nowhere/at/all.db"], "cannot be opened"),
        (["--log", "tensorbord"], "did you mean tensorboard?"),
    ],
)
def test_what_cannot_be_had_is_said_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[object], arguments: list[object],
    sentence: str,
) -> None:  # fmt: skip
    assert call(monkeypatch, "run", *asked, *arguments) == 2
    assert sentence in capsys.readouterr().err
    assert not Path("run").exists()
