"""`family`: the networks of a published preset or of any coefficients, as configs."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.coefficients import Coefficients
from scaling_search.errors import InvalidInput, nearest_hint


def family(
    baseline: Annotated[str, typer.Option(help="A shipped baseline, a YAML file, or a torch network.")] = "b0",
    preset: Annotated[str | None, typer.Option(help="Published levels: paper.")] = None,
    coefficients: Annotated[str | None, typer.Option(help="α,β,γ as 1.2,1.1,1.15.")] = None,
    phi: Annotated[str, typer.Option(help="Compound coefficients: 1..7, 1,2,4 or 0.5.")] = "1..7",
    rounding: Annotated[str | None, typer.Option(help="Rounding policy. Default: the baseline's.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for b1.yaml …; without it the family is only listed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, a network each, instead.")] = False,
) -> None:
    """Scale a baseline into a family: by a published preset, or by coefficients and φ."""
    from rich.table import Table

    from scaling_search.architecture import policy
    from scaling_search.architecture.family import by_rule, from_preset
    from scaling_search.cli.terminal import make_console
    from scaling_search.search import searchspace
    from scaling_search.study.family import write_family

    if (preset is None) == (coefficients is None):
        raise InvalidInput("name either --preset or --coefficients")
    space = searchspace.load(baseline)
    network = space.network()
    if rounding is not None:
        network = network.replaced(rounding=policy(rounding))
    if preset is not None:
        if preset not in space.presets:
            raise InvalidInput(f"{space.name} has no preset {preset!r}{nearest_hint(preset, space.presets)}")
        members = from_preset(network, space.presets[preset])
    else:
        assert coefficients is not None
        members = by_rule(network, _coefficients(coefficients), _phis(phi))
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("", "depth", "width", "resolution", "dropout", "params", "MACs"):
        table.add_column(name, justify="left" if not name else "right", overflow="fold")
    for member in members:
        built = member.network
        table.add_row(
            member.name, f"{member.multipliers.depth:.3f}", f"{member.multipliers.width:.3f}", str(built.resolution),
            f"{built.dropout:g}", f"{member.cost.params:,}", f"{member.cost.macs:,}",
        )  # fmt: skip
    console = make_console(quiet=as_json)
    console.print(table)
    if as_json:
        print(json.dumps([member.to_dict() for member in members], ensure_ascii=False, indent=2))
    if out is not None:
        paths = write_family(out, members)
        console.print(f"written to {out}/{paths[0].name} … {paths[-1].name}")


def _coefficients(text: str) -> Coefficients:
    try:
        alpha, beta, gamma = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidInput(f"--coefficients {text!r} is not three numbers; write 1.2,1.1,1.15") from error
    return Coefficients(alpha=alpha, beta=beta, gamma=gamma)


def _phis(text: str) -> list[float]:
    """«1..7» or «1,2,4» or «0.5»."""
    span = re.fullmatch(r"\s*(-?\d+)\s*\.\.\s*(-?\d+)\s*", text)
    try:
        values = range(int(span[1]), int(span[2]) + 1) if span else text.split(",")
        phis = [float(value) for value in values]
    except ValueError as error:
        raise InvalidInput(f"--phi {text!r} is not a range or list of numbers; write 1..7 or 1,2,4") from error
    if not phis:
        raise InvalidInput(f"--phi {text!r} names no φ")
    return phis
