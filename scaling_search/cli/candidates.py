"""`candidates`: the networks that a search compares."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.cli import options as shared


def candidates(
    context: typer.Context,
    baseline: shared.Baseline = "b0",
    phi: shared.Phi = 1.0,
    target: shared.Target = None,
    max_macs: shared.MaxMacs = None,
    max_params: shared.MaxParams = None,
    max_memory: shared.MaxMemory = None,
    max_latency: shared.MaxLatency = None,
    latency_on: shared.LatencyOn = None,
    search: shared.Search = None,
    parts: shared.Parts = None,
    step: shared.Step = None,
    tolerance: shared.Tolerance = None,
    match: shared.Match = None,
    leverage: shared.Leverage = None,
    rounding: shared.Rounding = None,
    proxy: Annotated[
        bool,
        typer.Option("--proxy", help="The small networks that a run on CPUs trains, instead of the full-size ones."),
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list, a candidate each, instead.")] = False,
) -> None:
    """List the networks that a search compares: what they are made of and what they really cost."""
    from scaling_search.cli.terminal import make_console, print_candidates
    from scaling_search.configuration import parse
    from scaling_search.search.table import row, write_table
    from scaling_search.study.listing import list_candidates
    from scaling_search.study.network import network
    from scaling_search.study.options import Options

    options = parse(Options, shared.asked(context), origin="options")
    found = list_candidates(network(baseline), options, proxy=proxy)
    if as_json:
        print(json.dumps([row(candidate) for candidate in found], ensure_ascii=False, indent=2))
    else:
        print_candidates(make_console(), found)
    if csv is not None:
        write_table(csv, found)
