"""Imports go down only, and nothing below the torch floor imports torch or ray (docs/design.md, «Rooms and floors»)."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import scaling_search

PACKAGE = Path(scaling_search.__file__).parent
FLOORS = {
    "errors": -1,  # every room raises it
    "files": 0, "notes": 0, "units": 0, "evidence": 0, "yaml_limits": 0,
    "configuration": 1, "coefficients": 1, "environment": 1, "locks": 1,
    "architecture": 2,
    "networks": 3, "data": 3, "analysis": 3,
    "training": 4, "strategies": 4, "exporters": 4,
    "search": 5,
    "report": 6, "loggers": 6,
    "study": 7,
    "cli": 8,
}  # fmt: skip
PURE = {
    "errors", "configuration", "yaml_limits", "files", "notes", "units", "evidence", "coefficients", "architecture",
    "analysis", "strategies", "search", "report",
}  # fmt: skip


def is_pure(path: Path) -> bool:
    """Executors are where Ray runs, so they may import it."""
    return room(dotted(path)) in PURE and "executors" not in path.parts


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(dotted: str) -> str:
    """«search.executors.base» belongs to the room «search»."""
    return dotted.partition(".")[0]


def imports(path: Path) -> Iterator[str]:
    """Every imported module's name, also of imports inside functions; type-checking ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", modules(), ids=dotted)
def test_imports_go_down_only(path: Path) -> None:
    here = room(dotted(path))
    for name in imports(path):
        if name.startswith("scaling_search."):
            there = room(name.removeprefix("scaling_search."))
            assert there == here or FLOORS[there] < FLOORS[here], f"{here} imports {there}, which is not below it"


def neighbours(path: Path, names: dict[str, Path]) -> set[str]:
    """The package's modules that this one imports; «from package import module» is an import of the module."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            submodules = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in names else str(node.module) for name in submodules}
    return found & names.keys()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside rooms too; imports inside functions and for type checking count."""
    names = {f"scaling_search.{dotted(path)}": path for path in modules()}
    try:
        graphlib.TopologicalSorter({name: neighbours(path, names) for name, path in names.items()}).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


@pytest.mark.parametrize("path", [path for path in modules() if is_pure(path)], ids=dotted)
def test_pure_rooms_know_neither_torch_nor_ray(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(path)} & {"torch", "torchvision", "timm", "ray"}


def imported_by(code: str) -> set[str]:
    """Which of the heavy libraries some code leaves imported, in a process of its own."""
    heavy = "sorted({'torch', 'ray', 'pandas', 'matplotlib', 'optuna', 'scipy'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; {code}; print({heavy})"], capture_output=True, text=True, check=True
    )
    return set(ast.literal_eval(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("code", ["import scaling_search", "from scaling_search.cli import app"])
def test_the_package_and_the_command_import_nothing_heavy(code: str) -> None:
    assert not imported_by(code)


@pytest.mark.parametrize(
    "command",
    [
        "--help",
        "run --help",
        "cost b0 --shares .4,.3,.3 --target macs=2x",
        "baselines",
        "candidates --parts 2",
        "candidates --parts 2 --proxy --max-params 20M",
        "family --preset paper",
        "family --coefficients 1.2,1.1,1.15",
    ],
)
def test_what_needs_no_torch_does_not_import_it(command: str) -> None:
    code = f"from scaling_search.cli import app; app({command.split()!r}, standalone_mode=False)"
    assert not imported_by(code)
