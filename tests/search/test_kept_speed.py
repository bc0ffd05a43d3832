"""Speeds outlive the command that measured them, and follow how fast the machine is now."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling_search.architecture import Network
from scaling_search.networks.foreign import open_foreign
from scaling_search.search import kept_speed
from scaling_search.search.kept_speed import TrainingSpeeds
from scaling_search.search.searchspace import load

USER = Path(__file__).parents[1] / "networks" / "user_networks.py"
Machine = Callable[..., list[str]]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Sets how fast the yardstick and other networks are from now on; gives the names of what is then measured."""

    def be(yardstick: float, others: float, *, later: float | None = None) -> list[str]:
        measured: list[str] = []

        def measure(network: Network, batch_size: int, **_: object) -> float:
            first = network.name not in measured
            measured.append(network.name)
            if network.name != "yardstick":
                return others
            return yardstick if first or later is None else later

        monkeypatch.setattr("scaling_search.training.speed.measure_speed", measure)
        return measured

    return be


def speed(folder: Path | None, network: Network | None = None, batch_size: int = 32) -> float:
    """As a command of its own asks."""
    return TrainingSpeeds("cpu", batch_size, folder=folder).of(network or load("b0").network())


def test_what_was_measured_is_scaled_by_the_yardstick(machine: Machine, tmp_path: Path) -> None:
    machine(yardstick=100, others=250)
    assert speed(tmp_path) == 250
    measured = machine(yardstick=50, others=1)
    assert speed(tmp_path) == pytest.approx(125)
    assert measured == ["yardstick"]


def test_the_yardstick_is_measured_once_for_several(machine: Machine, tmp_path: Path) -> None:
    machine(yardstick=100, others=250)
    speed(tmp_path)
    measured = machine(yardstick=50, others=1)
    speeds = TrainingSpeeds("cpu", 32, folder=tmp_path)
    assert speeds.of(load("b0").network()) == speeds.of(load("b0").network())
    assert measured == ["yardstick"]


def test_what_was_measured_while_something_else_went_on_is_not_kept(machine: Machine, tmp_path: Path) -> None:
    machine(yardstick=100, later=60, others=250)
    assert speed(tmp_path) == 250
    machine(yardstick=100, others=400)
    assert speed(tmp_path) == 400


@pytest.mark.parametrize(
    "other",
    [
        lambda folder: speed(folder, load("b0").network().replaced(resolution=64)),
        lambda folder: speed(folder, batch_size=16),
        lambda folder: speed(None),
    ],
    ids=["resolution", "batch size", "no folder"],
)
def test_another_question_is_measured(machine: Machine, tmp_path: Path, other: Callable[[Path], float]) -> None:
    machine(yardstick=100, others=250)
    speed(tmp_path)
    machine(yardstick=50, others=400)
    assert other(tmp_path) == 400


def test_other_code_is_measured(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine(yardstick=100, others=250)
    speed(tmp_path)
    machine(yardstick=50, others=400)
    monkeypatch.setattr(kept_speed, "code_digest", lambda *_: "other")
    assert speed(tmp_path) == 400


def test_a_name_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    machine(yardstick=100, others=250)
    speed(tmp_path)
    machine(yardstick=100, others=400)
    assert speed(tmp_path, load("b0").network().replaced(name="mine")) == pytest.approx(250)


def test_a_persons_own_file_is_measured_each_time(machine: Machine, tmp_path: Path) -> None:
    own = open_foreign(f"{USER}:make_net")
    machine(yardstick=100, others=250)
    speed(tmp_path, own)
    machine(yardstick=100, others=400)
    assert speed(tmp_path, own) == 400


def test_a_folder_that_cannot_be_written_is_no_trouble(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    machine(yardstick=100, others=250)
    assert speed(tmp_path / "file") == 250


def test_the_yardstick_trains() -> None:
    assert TrainingSpeeds("cpu", 32, folder=None)._yardstick() > 0
