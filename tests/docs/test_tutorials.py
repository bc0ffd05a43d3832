"""The tutorials are executed, and ship with the output of an execution."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="tutorials are executed by the extra docs")
nbformat = pytest.importorskip("nbformat")
FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
TUTORIALS = sorted(FOLDER.glob("*.ipynb"))


def outputs(notebook: Any) -> list[Any]:
    return [output for cell in notebook["cells"] if cell["cell_type"] == "code" for output in cell["outputs"]]


def test_there_are_five() -> None:
    assert len(TUTORIALS) == 5


@pytest.mark.zoo
@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_it_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell, in a process of its own; the notebook stays as it is."""
    monkeypatch.setenv("SCALING_SEARCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}})
    client.execute()  # raises what a cell has raised
    assert [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"][-1]


@pytest.mark.parametrize("path", TUTORIALS, ids=lambda path: path.stem)
def test_it_ships_with_output_and_names_no_machine(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    shown = outputs(notebook)
    assert shown
    assert not [output for output in shown if output["output_type"] == "error" or output.get("name") == "stderr"]
    assert not re.search(r"/(?:home|root|tmp|work|Users)/", json.dumps(shown))
