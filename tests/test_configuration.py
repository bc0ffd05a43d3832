import os
from pathlib import Path

import pytest
from pydantic import Field

from scaling_search.configuration import Strict, parse, read_yaml, to_yaml
from scaling_search.errors import InvalidInput


class Inner(Strict):
    epochs: int = Field(default=1, ge=1)
    rates: tuple[float, ...] = ()


class Outer(Strict):
    name: str
    proxy: Inner = Inner()


def test_a_valid_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text("name: a\nproxy:\n  epochs: 3\n  rates: [0.1, 1]\n")
    assert parse(Outer, read_yaml(file), origin=file) == Outer(name="a", proxy=Inner(epochs=3, rates=(0.1, 1.0)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"name": "a", "proxi": {}}, "space.yaml: unknown key proxi; did you mean proxy?"),
        ({"name": "a", "proxy": {"epoch": 3}}, "space.yaml: unknown key proxy.epoch; did you mean epochs?"),
        ({}, "space.yaml: missing key name"),
        ({"name": "a", "proxy": {"epochs": "3"}}, "space.yaml: proxy.epochs: Input should be a valid integer"),
        ({"name": "a", "proxy": {"epochs": 0}}, "greater than or equal to 1"),
        ({"name": 1, "proxi": 2}, "and 1 more problem"),
    ],
)
def test_errors_name_the_file_the_key_and_the_nearest(content: object, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse(Outer, content, origin="space.yaml")
    assert message in str(raised.value)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot read .*none\.yaml"):
        read_yaml(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1\nb: {")
    with pytest.raises(InvalidInput, match="not valid YAML"):
        read_yaml(broken)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BOMB, "holds more than 200,000 values"),
        ("a: &a [*a]\n", r"refers to itself \(\*a\)"),
        ("[" * 60 + "]" * 60, "nested more than 50 levels deep"),
        ("- " * 20_000, "nested"),
        ("a: *b\n", "not valid YAML: found undefined alias"),
        ("a: 2026-99-99\n", "not valid YAML: month must be in"),
        ("a: !!timestamp x\n", "not valid YAML"),
        ("a: " + "9" * 5000 + "\n", "not valid YAML: Exceeds the limit"),
        ("? [1, 2]\n: 3\n", "not valid YAML"),
        ("a: \udcff\n", "not text in UTF-8"),
        ("x" * ((8 << 20) + 1), "larger than 8 MB"),
    ],
)
def test_what_no_file_of_a_person_holds(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(InvalidInput, match=message):
        read_yaml(tmp_path / "x.yaml")


def test_aliases_may_be_used(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: &a [1, &b 2]\nb: *a\nc: {d: *b}\n")
    assert read_yaml(tmp_path / "x.yaml") == {"a": [1, 2], "b": [1, 2], "c": {"d": 2}}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(InvalidInput, match=r"x\.yaml: it is not a file"):
        read_yaml(tmp_path / "x.yaml")
    (tmp_path / "y.yaml").mkdir()
    with pytest.raises(InvalidInput, match="it is a folder"):
        read_yaml(tmp_path / "y.yaml")


def test_what_is_no_json_is_a_sentence() -> None:
    with pytest.raises(InvalidInput, match="space: "):
        parse(Outer, {"name": b"\xff"}, origin="space")
    with pytest.raises(InvalidInput, match=r"got 'y{59} …\)"):
        parse(Outer, {"name": "a", "proxy": {"epochs": "y" * 1000}}, origin="space")


def test_what_is_written_is_readable_and_reads_back(tmp_path: Path) -> None:
    row = {"block": "mbconv", "layers": 2}
    content = {"name": "B1", "depths": (1, 2), "stages": [row, row], "skipped": [], "φ": None}
    (tmp_path / "b1.yaml").write_text(to_yaml(content), encoding="utf-8")
    text = (tmp_path / "b1.yaml").read_text(encoding="utf-8").splitlines()
    assert text == [
        "name: B1", "depths: [1, 2]", "stages:", *2 * ["- {block: mbconv, layers: 2}"], "skipped: []", "φ: null",
    ]  # fmt: skip
    assert read_yaml(tmp_path / "b1.yaml") == {**content, "depths": [1, 2]}
