"""Where a search's images are: a run is read in other folders than it was begun in."""

from pathlib import Path

import pytest

from scaling_search.study.dataset import located


@pytest.mark.parametrize("name", ["cifar10", "shapes", "shapes:0.5", "photos", "hf:none", "", None])
def test_names_stay(name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "0.5").touch()
    (tmp_path / "cifar10").touch()  # a file of that name is not the data set
    assert located(name) == name


@pytest.mark.parametrize("prefix", ["", "csv:"])
@pytest.mark.parametrize("name", ["list.csv", "folder"])
def test_what_lies_somewhere_is_found_from_anywhere(
    prefix: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.csv").touch()
    (tmp_path / "folder").mkdir()
    assert located(f"{prefix}{name}") == f"{prefix}{tmp_path / name}"
    assert located(Path(name)) == tmp_path / name
