"""A user's mistake is one clear sentence, exit code 2, and no half-made folder."""

import errno
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_run import BASELINE, write_baseline, write_images

from scaling_search import cli


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "cache"))
    write_baseline(tmp_path / "tiny.yaml")
    return tmp_path


def sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """What the command says on its way out with code 2."""
    monkeypatch.setattr("sys.argv", ["scaling-search", *map(str, arguments)])
    with pytest.raises(SystemExit) as raised:
        cli.main()
    errors = capsys.readouterr().err
    assert raised.value.code == 2, errors
    assert "Traceback" not in errors
    return errors.removeprefix("scaling-search: ").strip()


def changed(**baseline: Any) -> str:
    return yaml.safe_dump(BASELINE | {"baseline": BASELINE["baseline"] | baseline})  # type: ignore[operator]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--baseline", "bo"], "there is no baseline 'bo'; did you mean b0?"),
        (["--baseline", "none.yaml"], "cannot read none.yaml"),
        (["--data", "nowhere"], "nowhere"),
        (["--budget", "soon"], "'soon' is not a duration"),
        (["--device", "cuda"], "use --device cpu"),
        (["--phi", "0"], "neither adds nor saves"),
        (["--phi", "nan"], "phi"),
        (["--max-macs", "many"], "--max-macs 'many' is not an amount"),
        (["--max-params", "10"], "no candidate keeps within the limits"),
        (["--search", "grid", "--step", "0.4", "--tolerance", "0.001"], "widen --tolerance"),
        (["--search", "optuna", "--scheduler", "asha"], "needs --scheduler fifo"),
        (["--recipe", "papr"], "did you mean paper?"),
        (["--rounding", "neerest"], "did you mean nearest?"),
        (["--search", "lattise"], "lattise"),
        (["--executor", "inline", "--scheduler", "asha"], "use --executor ray"),
        (["--executor", "inline", "--workers", "3"], "one trial at a time"),
        (["--search", "grid", "--parts", "3"], "--search grid has no parts; it takes step and tolerance"),
        (["--target", "macs=many"], "'macs=many' is not a target"),
        (["--target", "macs=3x", "--match", "nominal"], "--match nominal does not"),
        (["--max-latency", "5ms"], "--latency-on cpu or cuda"),
        (["--max-latency", "soon", "--latency-on", "cpu"], "--max-latency 'soon' is not a time"),
    ],
)
def test_options(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], expected: str,
) -> None:  # fmt: skip
    import torch

    if "cuda" in arguments and torch.cuda.is_available():
        pytest.skip("CUDA is here")
    write_images(place / "images", train=4, val=2)
    defaults = ["--baseline", "tiny.yaml", "--data", "images", "--out", "run"]
    assert expected in sentence(monkeypatch, capsys, "run", *defaults, *arguments)
    assert not (place / "run").exists()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (yaml.safe_dump(BASELINE | {"proxi": {}}), "bad.yaml: unknown key proxi; did you mean proxy?"),
        (yaml.safe_dump(BASELINE | {"search": {"part": 3}}), "unknown key search.part; did you mean parts?"),
        (changed(stages=[]), "bad.yaml"),
        (changed(stages=[{"block": "mbconw", "channels": 8, "layers": 1}]), "mbconv"),
        (changed(stages=[{"block": "mbconv", "channels": 8, "layers": 0}]), "stage"),
        ("name: [", "not valid YAML"),
        ("just text", "bad.yaml"),
    ],
)
def test_search_spaces(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: str, expected: str
) -> None:
    (place / "bad.yaml").write_text(content)
    said = sentence(monkeypatch, capsys, "run", "--baseline", "bad.yaml", "--out", "run")
    assert expected in said
    assert "\n" not in said
    assert not (place / "run").exists()


def test_a_folder_that_holds_a_run_is_left_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "run").mkdir()
    (place / "run" / "run.yaml").write_text("phi: 1\n")
    assert "holds another run" in sentence(monkeypatch, capsys, "run", "--out", "run")
    (place / "other").mkdir()
    (place / "other" / "thesis.txt").write_text("precious")
    assert "not an empty folder" in sentence(monkeypatch, capsys, "run", "--out", "other")
    assert (place / "other" / "thesis.txt").read_text() == "precious"


def test_a_folder_that_is_no_run(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("resume", "analyze", "report"):
        assert "is not a run" in sentence(monkeypatch, capsys, command, place)


def test_a_full_disk(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from scaling_search.search.folder import RunFolder
    from scaling_search.search.record import RunRecord

    def full(self: RunFolder, record: RunRecord) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "run.yaml")

    write_images(place / "images", train=4, val=2)
    monkeypatch.setattr(RunFolder, "write_record", full)
    said = sentence(monkeypatch, capsys, "run", "--baseline", "tiny.yaml", "--data", "images", "--out", "run")
    assert "No space left on device" in said
    assert not (place / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "either --preset or --coefficients"),
        (["--preset", "papre"], "did you mean paper?"),
        (["--coefficients", "1.2,1.1"], "not three numbers"),
        (["--coefficients", "0.9,1.1,1.1"], "α must be"),
        (["--coefficients", "1.2,1.1,1.15", "--phi", "7..1"], "names no φ"),
        (["--coefficients", "1.2,1.1,1.15", "--phi", "many"], "not a range"),
    ],
)
def test_families(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], expected: str,
) -> None:  # fmt: skip
    assert expected in sentence(monkeypatch, capsys, "family", *arguments, "--out", "family")
    assert not (place / "family").exists()
