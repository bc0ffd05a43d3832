"""Every command of the README and the docs is one that the program takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from scaling_search.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "searchspaces").glob("*.yaml"))]


def commands() -> list[str]:
    """Lines that begin with the program's name, in code blocks and in the headers of search spaces."""
    lines = [line.strip().removeprefix("#").strip() for page in PAGES for line in page.read_text().splitlines()]
    lines = [line.removeprefix("$ ") for line in lines]
    return sorted({line.partition(" # ")[0].strip() for line in lines if line.startswith("scaling-search ")})


def test_there_are_commands_to_check() -> None:
    assert len(commands()) > 12


@pytest.mark.parametrize("line", commands())
def test_the_program_takes_the_command(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    group = typer.main.get_command(app)
    command = getattr(group, "commands")[name]  # noqa: B009 - typer's groups are click's, which are not typed here
    command.make_context(name, arguments)  # raises for an unknown option, a missing argument or a bad value


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target
