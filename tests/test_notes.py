"""What is kept outlives a process and a kill."""

from pathlib import Path

from scaling_search.notes import Notes


def test_another_process_finds_what_was_kept(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "notes.jsonl"
    first = Notes(file)
    assert first.get("a") is None
    first.keep("a", "1")
    first.keep("b", 'two\n"lines"')
    second = Notes(file)
    assert (second.get("a"), second.get("b"), "b" in second) == ("1", 'two\n"lines"', True)


def test_lines_that_were_cut_off_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "notes.jsonl"
    Notes(file).keep("a", "1")
    file.write_bytes(file.read_bytes() + b'["b", "tw\xff')
    Notes(file).keep("c", "3")
    found = Notes(file)
    assert [found.get(key) for key in "abc"] == ["1", None, "3"]
