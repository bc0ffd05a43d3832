"""The documentation as pages: built strictly, complete, and without anything from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

import scaling_search as ss
from scaling_search.cli import app

pytest.importorskip("mkdocs", reason="the pages are built by the extra docs")
ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import"""
)
LINKED = re.compile(r"""<link\b[^>]*\bhref=["']?(?:https?:)?//[^>]*>""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages; a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "not included in the" not in done.stderr, f"a page that the navigation does not have: {done.stderr}"
    return folder


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    """Links may lead away, what a page needs lies beside it."""
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 30
    for path in pages:
        text = path.read_text(encoding="utf-8")
        found = [*LOADED.findall(text), *(link for link in LINKED.findall(text) if 'rel="canonical"' not in link)]
        assert not found, f"{path.relative_to(site)}: {found[0]}"


def test_every_command_and_option_is_on_the_page_of_commands(site: Path) -> None:
    text = (site / "reference" / "commands.html").read_text(encoding="utf-8")
    commands = getattr(typer.main.get_command(app), "commands")  # noqa: B009 - typer's groups are not typed
    for name, command in commands.items():
        assert f"<code>scaling-search {name}</code>" in text
        for parameter in command.params:
            assert all(option in text for option in parameter.opts if option.startswith("--")), parameter.opts


def test_every_public_name_has_its_docstring(site: Path) -> None:
    text = (site / "reference" / "python.html").read_text(encoding="utf-8")
    for name in ss.__all__:
        assert name.startswith("__") or f"ss.{name}" in text, name
    assert "Packs the data, measures the speed and makes the plan" in text  # of a method


def test_links_of_the_repository_lead_to_pages(site: Path) -> None:
    """A page in docs/ names results by ../results/, and a result names pages by ../../docs/."""
    assert 'href="results/verdicts/README.html"' in (site / "analysis.html").read_text().replace(
        "index.html", "README.html"
    )
    assert "share-triangle.png" in (site / "index.html").read_text()
    assert (site / "results" / "clothing-b0" / "report.html").is_file()
