"""report.html: the answer first, then what it stands on. One file that opens without a network, and without its script.

The figures of the folder figures/ are drawn for print by matplotlib; the page draws the same tables as inline SVG.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from pydantic import ConfigDict, Field

from scaling_search.analysis import Analysis
from scaling_search.analysis.law import Law
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import loss, percent, points
from scaling_search.configuration import Strict, parse, read_yaml, to_yaml
from scaling_search.files import write_atomically
from scaling_search.report.accuracy_cost import accuracy_cost
from scaling_search.report.cards import Card, cards
from scaling_search.report.curves import learning_curves
from scaling_search.report.figure import Plot
from scaling_search.report.opening import numbers, sentences
from scaling_search.report.ranking import ranking
from scaling_search.report.triangle import share_triangle
from scaling_search.report.web.drawn import drawn
from scaling_search.report.web.facts import facts, percents
from scaling_search.search.record import RunRecord
from scaling_search.search.verification import read_verification
from scaling_search.units import format_count

_FACTS = (
    ("Command", "command"), ("Started", "started"), ("Baseline", "baseline.name"), ("φ", "question.phi"),
    ("Cost match", "question.match"), ("Target", "question.target"), ("Search", "strategy"), ("Data", "data.name"),
    ("Classes", "data.classes"), ("Training images", "data.train"), ("Validation images", "data.val"),
    ("Recipe", "recipe.name"), ("Executor", "executor"), ("Device", "device"),
    ("Budget in seconds", "plan.budget_seconds"), ("Base resolution", "base.network.resolution"),
    ("Base parameters", "base.params"), ("Base MACs", "base.macs"), ("Skipped images", "data.skipped"),
    ("Versions", "versions"), ("Git commit", "git"),
)  # fmt: skip
_FILES = ("best.yaml", "verification.yaml", "run.yaml", "candidates.csv", "trials.csv", "journal.jsonl")


def write_report(run: Path, analysis: Analysis, record: RunRecord) -> Path:
    """Writes figures/ (each as png, svg and csv) and report.html into the run folder; returns the page's path.

    The family table is that of family/*.yaml, where these exist.
    """
    folder = run / "figures"
    folder.mkdir(exist_ok=True)
    for plot in figures(analysis):
        plot.write(folder)
    path = run / "report.html"
    write_atomically(path, page(run, analysis, record))
    return path


def figures(analysis: Analysis) -> list[Plot]:
    """The figures of a run for print, in the order of the page."""
    return [share_triangle(analysis), ranking(analysis), accuracy_cost(analysis), learning_curves(analysis)]


def page(run: Path, analysis: Analysis, record: RunRecord) -> str:
    """The page as HTML; every value is escaped by the template engine. It links to what lies in the run's folder."""
    environment = Environment(
        loader=PackageLoader("scaling_search.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(points=points, percent=percent, loss=loss, scaled=format_count, percents=percents)
    settings = record.model_dump(mode="json")
    found = cards(analysis, run)
    return environment.get_template("report.html.j2").render(
        style=_own("page.css"),
        script=_own("page.js"),
        marked=facts(analysis),
        analysis=analysis,
        pick=analysis.pick,
        pick_shares=dict(zip(SHARES, analysis.pick.shares.as_tuple(), strict=True)),
        sentences=sentences(analysis),
        numbers=numbers(analysis, read_verification(run)),
        cards=found,
        tally=_tally(found),
        figures=drawn(run, analysis),
        fitted=isinstance(analysis.law, Law),
        title=_title(record),
        references=_records(analysis.references()),
        candidates=_records(analysis.table.sort_values("expected_loss")),
        family=_family(run / "family"),
        failed=_records(analysis.trials.failed),
        facts=list(_how(settings)),
        settings=to_yaml(settings),
        files=[name for name in _FILES if (run / name).is_file()],
    )


def _own(name: str) -> Markup:
    """A file of this package, which is put into the page as it is."""
    return Markup(files("scaling_search.report").joinpath(name).read_text(encoding="utf-8"))


def _tally(found: list[Card]) -> str:
    counts = Counter(card.standing for card in found)
    return f"{counts['PASS']} of {len(found)} checks pass, {counts['WARNING']} warn, {counts['FAIL']} fail."


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.reset_index().to_dict("records")]


def _title(record: RunRecord) -> str:
    return f"{record.baseline.get('name', 'baseline')}, φ = {record.question.phi:g}, on {record.data.name}"


def _how(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How it was run, in words and values; what run.yaml does not hold is left out."""
    for name, path in _FACTS:
        value = _look_up(settings, path)
        if value not in (None, []):
            yield name, _text(value)


def _look_up(settings: Mapping[str, Any], path: str) -> Any:
    value: Any = settings
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if not isinstance(item, Mapping | None))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000 else str(value)


class _Read(Strict):
    model_config = ConfigDict(extra="ignore")


class _Axes(_Read):
    depth: float
    width: float
    resolution: float


class _Counts(_Read):
    params: int = Field(ge=0)
    macs: int = Field(ge=0)
    activations: int = Field(ge=0)


class _Member(_Read):
    """What the page shows of a family's member."""

    name: str
    phi: float | Literal[""] = ""
    multipliers: _Axes
    resolution: int
    cost: _Counts
    dropout: float
    drop_connect: float


def _family(folder: Path) -> list[dict[str, Any]]:
    """The members written to family/, smallest first."""
    members = [
        {"file": path.name, **parse(_Member, read_yaml(path), origin=path).model_dump()}
        for path in folder.glob("*.yaml")
    ]
    return sorted(members, key=lambda member: int(member["cost"]["macs"]))
