"""`cost`: what a network costs, before it is built. `baselines`: what there is to scale."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scaling_search.errors import InvalidInput
from scaling_search.units import format_bytes, format_count

if TYPE_CHECKING:
    from scaling_search.architecture import Cost, Network

_COLUMNS = ("params", "macs", "activations")


def cost(
    baseline: Annotated[str, typer.Argument(help="A shipped baseline, a YAML file, or a torch network.")],
    depth: Annotated[float, typer.Option(help="Depth multiplier.")] = 1.0,
    width: Annotated[float, typer.Option(help="Width multiplier.")] = 1.0,
    resolution: Annotated[int | None, typer.Option(help="Input, in pixels. Default: the baseline's.")] = None,
    rounding: Annotated[str | None, typer.Option(help="Rounding policy. Default: the baseline's.")] = None,
    shares: Annotated[str | None, typer.Option(help="With --target: depth,width,resolution as 0.4,0.3,0.3.")] = None,
    target: Annotated[str | None, typer.Option(help="With --shares: macs=2x, params=8M, latency=5ms …")] = None,
    batch_size: Annotated[int, typer.Option(help="Images a batch, for memory and latency.")] = 32,
    precision: Annotated[str, typer.Option(help="Of activations: float32 or bfloat16.")] = "float32",
    optimizer: Annotated[str, typer.Option(help="For training memory: adamw, sgd, rmsprop.")] = "adamw",
    latency_on: Annotated[Literal["cpu", "cuda"] | None, typer.Option(help="Measure latency: cpu or cuda.")] = None,
    per_stage: Annotated[bool, typer.Option("--per-stage", help="One line a stage.")] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Build it and have fvcore count it too; exit code 1 if they differ."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of tables.")] = False,
) -> None:
    """Print the exact parameters, MACs and activations of a scaled network, its memory, and its latency if asked."""
    from scaling_search.architecture import policy
    from scaling_search.search import searchspace

    base = searchspace.open_config(baseline)
    if rounding is not None:
        base = base.replaced(rounding=policy(rounding))
    if (shares is None) != (target is None):
        raise InvalidInput("--shares and --target belong together")
    if shares is not None and target is not None:
        network, notes = _matched(base, shares, target, latency_on)
    else:
        network, notes = _scaled(base, depth, width, resolution)
    report = _report(network, batch_size=batch_size, precision=precision, optimizer=optimizer)
    report["notes"] = notes
    if latency_on is not None:
        report["latency"] = [_latency(network, latency_on, size) for size in sorted({1, batch_size})]
    if per_stage:
        report["sections"] = {name: _counts(part) for name, part in _sections(network).items()}
    if check:
        report["check"] = _check(network)
    print(json.dumps(report, indent=2)) if as_json else _show(report)
    if check and not report["check"]["agrees"]:
        raise typer.Exit(1)


def baselines(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list instead of a table.")] = False,
) -> None:
    """List the shipped baselines with their cost and source."""
    from scaling_search.search import searchspace

    spaces = [(space, space.network()) for space in map(searchspace.load, searchspace.names())]
    rows: list[dict[str, Any]] = [
        {"name": space.name, "resolution": network.resolution, **_counts(network.cost()), "source": space.source}
        for space, network in spaces
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
    else:
        _table([{**row, **{column: format_count(row[column], digits=4) for column in _COLUMNS}} for row in rows])


def _scaled(base: "Network", depth: float, width: float, resolution: int | None) -> tuple["Network", list[str]]:
    """The network of these multipliers, and what could not shrink as far."""
    from scaling_search.architecture import Architecture
    from scaling_search.coefficients import Multipliers

    pixels = base.resolution if resolution is None else resolution
    if pixels < 1:
        raise InvalidInput(f"the resolution must be at least 1 px, not {pixels}")
    multipliers = Multipliers(depth=depth, width=width, resolution=pixels / base.resolution)
    notes = base.shortfalls(multipliers) if isinstance(base, Architecture) else []
    return base.scaled(multipliers), notes


def _matched(base: "Network", shares: str, target: str, latency_on: str | None) -> tuple["Network", list[str]]:
    """The network nearest to the target, and how near."""
    from scaling_search.architecture import match, parse_target
    from scaling_search.coefficients import Shares

    try:
        depth, width, resolution = (float(part) for part in shares.split(","))
    except ValueError as error:
        raise InvalidInput(f"--shares {shares!r} is not three numbers; write 0.4,0.3,0.3") from error
    point = Shares(depth=depth, width=width, resolution=resolution)
    seconds = _seconds_on(latency_on) if latency_on else None
    found = match(base, point, target=parse_target(target), latency=seconds)
    return found.network, [f"{100 * found.miss:+.2f} % off the target {target}; {found.ratio:.3f}× the baseline's MACs"]


def _report(network: "Network", *, batch_size: int, precision: Any, optimizer: str) -> dict[str, Any]:
    """What is known without building the network: counts, and memory in bytes."""
    counted = network.cost()
    training = counted.memory(batch_size=batch_size, precision=precision, optimizer=optimizer)
    inference = counted.memory(batch_size=batch_size, precision=precision, training=False)
    return {
        "name": network.name,
        "resolution": network.resolution,
        "depths": list(network.depths),
        "widths": list(network.widths),
        **_counts(counted),
        "batch_size": batch_size,
        "training_bytes": training.total,
        "inference_bytes": inference.total,
    }


def _counts(counted: "Cost") -> dict[str, int]:
    return {column: getattr(counted, column) for column in _COLUMNS}


def _sections(network: "Network") -> "dict[str, Cost]":
    from scaling_search.architecture import Architecture

    if not isinstance(network, Architecture):
        raise InvalidInput(f"--per-stage needs a network described by stages, which {network.name} is not")
    return network.section_costs()


def _check(network: "Network") -> dict[str, Any]:
    """Our count of multiply-adds beside fvcore's of the built module."""
    from scaling_search.networks.recount import check_counts

    found = check_counts(network)
    return {"ours": found.ours, "fvcore": found.fvcore, "agrees": found.agrees, "sentence": found.sentence}


def _latency(network: "Network", device: str, batch_size: int) -> dict[str, Any]:
    from dataclasses import asdict

    from scaling_search.data.cache import cache_folder
    from scaling_search.networks.latency import latency

    return asdict(latency(network, device=device, batch_size=batch_size, cache=cache_folder() / "latency"))


def _seconds_on(device: str) -> Any:
    from scaling_search.data.cache import cache_folder
    from scaling_search.networks.latency import latency_on

    return latency_on(device, cache=cache_folder() / "latency")


def _show(report: dict[str, Any]) -> None:
    depths, widths = ("-".join(map(str, report[key])) for key in ("depths", "widths"))
    print(f"{report['name']} at {report['resolution']} px, depths {depths}, widths {widths}")
    for note in report["notes"]:
        print(note)
    sections = report.get("sections", {})
    rows = [{"": name, **counts} for name, counts in sections.items()]
    _table([*rows, {"": "total" if rows else "", **{column: report[column] for column in _COLUMNS}}])
    print(
        f"memory at batch {report['batch_size']}: training {format_bytes(report['training_bytes'])}, "
        f"inference {format_bytes(report['inference_bytes'])}"
    )
    if "check" in report:
        print(report["check"]["sentence"])
    for timing in report.get("latency", []):
        spread = f"half of {timing['repeats']} between {1000 * timing['low']:.2f} and {1000 * timing['high']:.2f}"
        print(
            f"latency at batch {timing['batch_size']}: {1000 * timing['seconds']:.2f} ms ({spread}), {timing['device']}"
        )


def _table(rows: list[dict[str, Any]]) -> None:
    """Rows of equal keys; numbers to the right, and never cut: a narrow terminal cuts the source."""
    from rich.table import Table

    from scaling_search.cli.terminal import make_console

    table = Table(box=None, header_style="bold", pad_edge=False, expand="source" in rows[0])
    for name in rows[0]:
        if name == "source":
            table.add_column(name, no_wrap=True, ratio=1)
        else:
            table.add_column(name, justify="left" if name in ("", "name") else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    make_console().print(table)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
