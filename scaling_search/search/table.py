"""candidates.csv, written and read back whole: one row a candidate, from which its network is built again."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from scaling_search.architecture import Cost, Network
from scaling_search.coefficients import Coefficients, Multipliers
from scaling_search.errors import InvalidInput
from scaling_search.files import read_text, write_atomically
from scaling_search.search.searchspace import network_from_dict
from scaling_search.search.space import Built, Candidate, describe, description

_MOST_BYTES = 1 << 30
_AXES = ("depth", "width", "resolution")


def write_table(path: Path, candidates: Sequence[Candidate]) -> None:
    """Writes candidates.csv, whole or not at all: a sampling search writes it again while it runs."""
    rows = [row(candidate) for candidate in candidates]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, text.getvalue())


def row(candidate: Candidate) -> dict[str, Any]:
    """The candidate as a row; floats keep all digits, so that the network can be built again."""
    asked = candidate.coefficients
    found: dict[str, Any] = {
        "candidate": candidate.id,
        "alpha": asked.alpha,
        "beta": asked.beta,
        "gamma": asked.gamma,
        **_axes("share_", candidate.shares),
        **_axes("", candidate.multipliers),
        **_axes("effective_", candidate.effective),
        "pixels": candidate.network.resolution,
        "network": describe(candidate.network),
        "named": ";".join(candidate.names),
        **_costs("", candidate.cost, candidate.macs_ratio),
    }
    if candidate.full is not None:
        full = candidate.full
        found |= {"full_pixels": full.pixels, "full_network": full.network}
        found |= _costs("full_", full.cost, full.macs_ratio) | _axes("full_", full.multipliers)
    if candidate.described:
        choices = "-".join(map(str, candidate.choices))
        found |= {"choices": choices, "description": description(candidate.network)}
    return found


def read_table(path: Path, base: Network) -> list[Candidate]:
    """The candidates of candidates.csv, their networks built again from the multipliers or descriptions that it keeps.

    Raises:
        InvalidInput: the file is missing or damaged, holds none or one twice, or a network comes out with another cost
            than it was written with; the message names the line.
    """
    found: dict[str, Candidate] = {}
    lines = csv.DictReader(io.StringIO(read_text(path, most=_MOST_BYTES), newline=""))
    try:
        for line in lines:
            candidate = _candidate(line, base)
            if candidate.id in found:
                raise InvalidInput(f"candidate: {candidate.id!r} is another one's id")
            found[candidate.id] = candidate
    except KeyError as error:
        raise InvalidInput(f"{path} is not a table of candidates of this run: it lacks {error.args[0]}") from error
    except (ValueError, TypeError, csv.Error) as error:  # csv gives None for a cell that is not there
        raise InvalidInput(
            f"{path}, line {lines.line_num}: not a candidate of this run: {' '.join(str(error).split())}"
        ) from error
    if not found:
        raise InvalidInput(f"{path} holds no candidates")
    return list(found.values())


def _candidate(line: Mapping[str, str], base: Network) -> Candidate:
    multipliers, described = _multipliers(line, ""), line.get("description") or ""
    network = network_from_dict(json.loads(described)) if described else base.scaled(multipliers)
    cost = network.cost()
    if cost.macs != int(line["macs"]):
        raise InvalidInput(
            f"{line['candidate']} had {line['macs']} MACs when the run was begun and has {cost.macs} MACs now"
        )
    alpha, beta, gamma = (float(line[name]) for name in ("alpha", "beta", "gamma"))
    return Candidate(
        id=line["candidate"],
        coefficients=Coefficients(alpha=alpha, beta=beta, gamma=gamma),
        names=tuple(name for name in line["named"].split(";") if name),
        multipliers=multipliers,
        effective=_multipliers(line, "effective_"),
        network=network,
        cost=cost,
        macs_ratio=_positive(line, "macs_ratio"),
        full=_full(line),
        choices=tuple(map(int, filter(None, (line.get("choices") or "").split("-")))),
        described=bool(described),
    )


def _positive(line: Mapping[str, str], name: str) -> float:
    value = float(line[name])
    if not 0 < value < inf:
        raise ValueError(f"{name}: {line[name]!r} is not a number above 0")
    return value


def _full(line: Mapping[str, str]) -> Built | None:
    """What the row says of the full-size network; tables of the first version do not keep its multipliers."""
    if not line.get("full_pixels"):
        return None
    return Built(
        multipliers=_multipliers(line, "full_" if line.get("full_depth") else ""),
        pixels=int(line["full_pixels"]),
        network=line["full_network"],
        cost=Cost(**{name: int(line[f"full_{name}"]) for name in ("params", "macs", "activations")}),
        macs_ratio=float(line["full_macs_ratio"]),
    )


def _multipliers(line: Mapping[str, str], prefix: str) -> Multipliers:
    depth, width, resolution = (float(line[f"{prefix}{axis}"]) for axis in _AXES)
    return Multipliers(depth=depth, width=width, resolution=resolution)


def _axes(prefix: str, values: Any) -> dict[str, float]:
    """Three columns from something with a value for each dimension."""
    return {f"{prefix}{axis}": getattr(values, axis) for axis in _AXES}


def _costs(prefix: str, cost: Cost, ratio: float) -> dict[str, int | float]:
    counts = {"params": cost.params, "macs": cost.macs, "activations": cost.activations, "macs_ratio": ratio}
    return {f"{prefix}{name}": value for name, value in counts.items()}
