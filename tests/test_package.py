"""The package as it would be released: built from the repository, installed into a new environment, and asked.

The dependencies are not installed again (torch alone is some 3 GB): the new environment sees those of the environment
that runs the tests, but not the checkout. So this shows that files, entry point, metadata and the names of the
requirements are right, and nothing about the lowest versions that they allow.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import scaling_search

ROOT = Path(__file__).parents[1]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split("\n")
pytestmark = pytest.mark.skipif(not any(TRACKED), reason="which files belong into the package is known from git")


def asked(*command: str | Path, place: Path) -> subprocess.CompletedProcess[str]:
    """Runs a command where nothing leads to the checkout."""
    outside = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run([str(part) for part in command], cwd=place, env=outside, capture_output=True, text=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the source distribution, and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    done = asked(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, place=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment that has the wheel, and of the tests' environment the libraries alone."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    done = asked(sys.executable, "-m", "pip", "--python", folder, "install", "--no-deps", "--no-index",
                 next(built.glob("*.whl")), place=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    # A path in such a file is searched, and the files of its kind that lie there (an editable install's) are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def test_the_wheel_has_every_file_of_the_package_and_the_searchspaces(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = {name for name in TRACKED if name.startswith("scaling_search/")}
    wanted |= {f"scaling_search/{name}" for name in TRACKED if name.startswith("searchspaces/")}
    assert {
        "scaling_search/py.typed",
        "scaling_search/report/page.css",
        "scaling_search/searchspaces/b0.yaml",
    } <= wanted
    information = {name for name in inside if ".dist-info/" in name}
    assert inside - information == wanted


def test_the_source_distribution_has_what_the_wheel_needs_and_no_results(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as inside:
        tops = {name.split("/")[1] for name in inside.getnames() if "/" in name}
    assert {"scaling_search", "searchspaces", "pyproject.toml", "README.md", "LICENSE"} <= tops
    assert not tops & {"results", "tests", ".venv", ".git"}


def test_the_command_answers_where_it_was_installed(installed: Path) -> None:
    command = installed / "bin" / "scaling-search"
    version = asked(command, "--version", place=installed)
    assert version.stdout == f"scaling-search {scaling_search.__version__}\n", version.stderr
    cost = asked(command, "cost", "b0", place=installed)
    assert "385,814,752" in cost.stdout, cost.stdout + cost.stderr
    assert "mobilenet" in asked(command, "baselines", place=installed).stdout


def test_what_answers_is_what_was_installed(installed: Path) -> None:
    done = asked(installed / "bin" / "python", "-c", "import scaling_search as s; print(s.__file__)", place=installed)
    assert done.stdout.startswith(str(installed)), done.stdout + done.stderr


def test_the_page_is_drawn_where_it_was_installed(installed: Path, tmp_path: Path) -> None:
    """It needs the template, the style sheet and the script that ship."""
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.yaml", "candidates.csv", "trials.csv", "journal.jsonl"):
        shutil.copy(ROOT / "results" / "clothing-b0" / name, run)
    done = asked(installed / "bin" / "scaling-search", "report", run, place=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<svg" in (run / "report.html").read_text(encoding="utf-8")


def test_the_names_in_the_metadata_are_those_of_the_installed_libraries(installed: Path) -> None:
    """Every requirement without an extra is there, in a version that it allows."""
    (information,) = installed.glob("lib/python*/site-packages/scaling_search-*.dist-info")
    wanted = [Requirement(line) for line in metadata.PathDistribution(information).requires or []]
    needed = [requirement for requirement in wanted if requirement.marker is None]
    assert {requirement.name for requirement in needed} >= {"torch", "ray", "typer"}
    for requirement in needed:
        assert requirement.specifier.contains(metadata.version(requirement.name), prereleases=True), requirement


def test_citation_and_metadata_say_the_same() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert (citation["title"], citation["license"]) == (project["name"], project["license"])
    assert set(citation["keywords"]) <= set(project["keywords"])
    assert [author["name"] for author in citation["authors"]] == [author["name"] for author in project["authors"]]


def test_the_workflow_is_one_that_github_takes() -> None:
    pytest.importorskip("check_jsonschema")
    done = asked(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows",
                 ROOT / ".github" / "workflows" / "ci.yml", place=ROOT)  # fmt: skip
    assert done.returncode == 0, done.stdout
