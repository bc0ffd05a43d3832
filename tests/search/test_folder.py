from pathlib import Path

import pytest

from scaling_search.errors import InvalidInput
from scaling_search.search import folder
from scaling_search.search.folder import RunFolder


def test_a_name_says_what_is_run_without_odd_letters() -> None:
    path = folder.default_path(baseline="timm:resnet50", phi=1.5, data="my photos/2024")
    assert path.parent == Path("results")
    assert path.name.startswith("timm-resnet50-phi1.5-my-photos-2024-20")


def test_a_new_folder_may_be_deep_or_there_but_empty(tmp_path: Path) -> None:
    assert folder.create(tmp_path / "a" / "b").path.is_dir()
    assert folder.create(tmp_path / "a" / "b") == RunFolder(tmp_path / "a" / "b")


def test_what_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("")
    with pytest.raises(InvalidInput, match="holds another run"):
        folder.create(tmp_path)
    (tmp_path / "run.yaml").rename(tmp_path / "notes.txt")
    for taken in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(InvalidInput, match="is not an empty folder"):
            folder.create(taken)


def test_a_place_where_nothing_can_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match=r"cannot make the folder .*/file/run: Not a directory"):
        folder.create(tmp_path / "file" / "run")


def test_removing_takes_all_of_it(tmp_path: Path) -> None:
    made = folder.create(tmp_path / "run")
    made.family.mkdir()
    (made.family / "b1.yaml").write_text("")
    made.remove()
    made.remove()
    assert not made.path.exists()
