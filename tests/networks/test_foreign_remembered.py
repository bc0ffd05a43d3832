"""Counts of the libraries' networks outlive the command, and nothing else decides what they are."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scaling_search.architecture import Cost
from scaling_search.coefficients import Multipliers
from scaling_search.networks.foreign import ForeignNetwork, costing, keep_in, open_foreign, remembered

USER = Path(__file__).parent / "user_networks.py"
WIDER = Multipliers(depth=1, width=1.5, resolution=1)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Counts are kept here, and the memory of this process is empty."""
    monkeypatch.setattr(costing, "_known", type(costing._known)())
    before = remembered._folder
    keep_in(tmp_path)
    yield tmp_path
    keep_in(before)


def resnet() -> ForeignNetwork:
    pytest.importorskip("timm")
    return open_foreign("timm:resnet18").replaced(resolution=32)


def test_what_was_counted_is_not_counted_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = resnet().scaled(WIDER)
    cost, widths, depths = counted.cost(), counted.widths, counted.depths
    costing._known.clear()
    remembered.table.cache_clear()
    monkeypatch.setattr(costing, "_count", None)  # nothing may be counted from here on
    again = resnet().scaled(WIDER)
    assert (again.cost(), again.widths, again.depths) == (cost, widths, depths)
    assert again.cost().as_dict() == cost.as_dict()  # what memory follows from, too


def test_other_code_counts_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cost = resnet().scaled(WIDER).cost()
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace(f"{cost.macs}", "1"))
    costing._known.clear()
    remembered.table.cache_clear()
    assert resnet().scaled(WIDER).cost().macs == 1
    costing._known.clear()
    remembered.table.cache_clear()
    monkeypatch.setattr(remembered, "code_digest", lambda *_: "other")
    assert resnet().scaled(WIDER).cost() == cost


def test_what_a_line_does_not_say_is_counted(folder: Path) -> None:
    cost = resnet().scaled(WIDER).cost()
    (file,) = folder.iterdir()
    file.write_text(file.read_text().replace("macs", "mass"))
    costing._known.clear()
    remembered.table.cache_clear()
    assert isinstance(resnet().scaled(WIDER).cost(), Cost)
    assert resnet().scaled(WIDER).cost() == cost


def test_a_file_in_place_of_the_folder_is_no_trouble(folder: Path) -> None:
    (folder / "counts").write_text("")
    keep_in(folder / "counts")
    assert resnet().scaled(WIDER).cost().macs > 0


def test_a_persons_own_file_is_counted_each_time(folder: Path) -> None:
    open_foreign(f"{USER}:make_net").scaled(WIDER).cost()
    assert list(folder.iterdir()) == []
