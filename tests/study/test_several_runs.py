"""Several runs side by side: each is shown, none is averaged."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from planted_run import peak, plant

from scaling_search.errors import InvalidInput
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import DataRecord
from scaling_search.study.several import compare_runs


@pytest.fixture
def runs(place: Path) -> list[Path]:
    """Two of the same data and one of other data, whose picks are known."""
    best = {"deep": (0.8, 0.1, 0.1), "wide": (0.1, 0.8, 0.1), "fine": (0.1, 0.1, 0.8)}
    folders = [plant(place / name, truth=peak(shares, steepness=0.2), epochs=2) for name, shares in best.items()]
    record = RunFolder(folders[2]).record()
    other = record.data.model_dump() | {"name": "flowers", "fingerprint": "1"}
    RunFolder(folders[2]).write_record(record.model_copy(update={"data": DataRecord(**other)}))
    return folders


def test_each_run_keeps_its_own_answer(runs: list[Path]) -> None:
    several = compare_runs(runs)
    table = several.table
    assert list(table.index) == ["deep", "wide", "fine"]
    picks = table[["share_depth", "share_width", "share_resolution"]]
    assert picks.to_numpy().argmax(axis=1).tolist() == [0, 1, 2]
    assert table["data"].tolist() == ["shapes", "shapes", "flowers"]
    assert several.apart > 0.4
    assert any("2 different sets of images (flowers and shapes)" in note for note in several.notes)
    assert not any("sets of images" in note for note in compare_runs(runs[:2]).notes)


def test_the_picks_are_drawn_where_they_are(runs: list[Path], tmp_path: Path) -> None:
    plot = compare_runs(runs).plot()
    plot.write(tmp_path)
    written = pd.read_csv(tmp_path / "runs.csv")
    assert written["run"].tolist() == ["deep", "wide", "fine"]
    offsets = [np.asarray(dots.get_offsets()) for dots in plot.figure.axes[0].collections]
    drawn = np.vstack([one for one in offsets if one.shape == (1, 2)])
    for row in written[["x", "y"]].to_numpy(float):
        assert np.abs(drawn - row).sum(axis=1).min() < 1e-6


def test_one_run_or_the_same_twice_is_nothing_to_compare(runs: list[Path]) -> None:
    for wrong in ([runs[0]], [runs[0], runs[0]], []):
        with pytest.raises(InvalidInput, match="two or more runs, each once"):
            compare_runs(wrong)
    with pytest.raises(InvalidInput, match="is not a run"):
        compare_runs([runs[0], "nowhere"])
