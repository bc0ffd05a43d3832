"""What a run ran on."""

import os
import tomllib
from pathlib import Path

import pytest

import scaling_search
from scaling_search import environment

ROOT = Path(__file__).parent.parent


def test_the_version_stands_in_one_place() -> None:
    assert environment.versions()["scaling-search"] == scaling_search.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert ROOT / project["tool"]["hatch"]["version"]["path"] == Path(scaling_search.__file__)


def test_cores_are_counted_where_the_system_cannot_say_which_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert environment.cpu_count() == 3
