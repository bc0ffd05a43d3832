"""What the command line takes, frozen: a change shows here, and is made in options.yaml on purpose."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from scaling_search import __version__
from scaling_search.cli import app
from scaling_search.cli.run import run
from scaling_search.study.options import Options

GROUP: Any = typer.main.get_command(app)  # typer's groups are click's, which are not typed here
FROZEN: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "options.yaml").read_text(encoding="utf-8"))


def taken(command: Any) -> dict[str, dict[str, Any]]:
    """A command's options and their defaults, in the groups in which --help shows them; arguments are in capitals."""
    found: dict[str, dict[str, Any]] = {}
    for one in command.params:
        argument = not one.opts[0].startswith("-")
        group = "Arguments" if argument else one.rich_help_panel or "Options"
        name = one.opts[0].upper() if argument else "/".join([*one.opts, *one.secondary_opts])
        default = str(one.default) if isinstance(one.default, Path) else one.default
        found.setdefault(group, {})[name] = "required" if one.required else default
    return found


def test_the_commands_are_those_that_are_frozen() -> None:
    assert list(GROUP.commands) == list(FROZEN)


@pytest.mark.parametrize("name", FROZEN)
def test_the_options_are_those_that_are_frozen(name: str) -> None:
    assert taken(GROUP.commands[name]) == FROZEN[name]


def test_run_has_every_option_of_a_study_in_the_four_groups() -> None:
    own = {"context", "baseline", "data", "out", "dry_run", "config", "sets", "quiet", "as_json"}
    own |= {"log", "optuna_storage"}  # of a call, and not of what is searched
    assert inspect.signature(run).parameters.keys() - own == Options.model_fields.keys()
    assert list(FROZEN["run"]) == ["The question", "The search", "The proxies", "Running"]


def test_run_and_a_study_have_the_same_defaults() -> None:
    parameters = inspect.signature(run).parameters
    assert {name: parameters[name].default for name in Options.model_fields} == Options().model_dump()


def test_the_version_is_the_packages() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.output) == (0, f"scaling-search {__version__}\n")


@pytest.mark.parametrize("name", [None, *FROZEN])
def test_every_command_explains_itself(name: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    result = CliRunner().invoke(app, [*filter(None, [name]), "--help"])
    assert result.exit_code == 0
    for group, options in (FROZEN[name] if name else {}).items():
        assert group in result.output
        assert all(option.partition("/")[0].lower() in result.output.lower() for option in options)
    assert name is not None or all(command in result.output for command in FROZEN)


@pytest.mark.parametrize("option", ["--install-completion", "--show-completion"])
def test_shells_can_complete(option: str) -> None:
    assert option in CliRunner().invoke(app, ["--help"]).output


def test_without_a_command_there_is_help() -> None:
    assert "Usage" in CliRunner().invoke(app, []).output
