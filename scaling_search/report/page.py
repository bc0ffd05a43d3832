"""report.html: the answer first, then what it stands on. One file that opens without a network, and without its script.

The figures of the folder figures/ are drawn for print by matplotlib; the page draws the same tables as inline SVG.
"""

from collections import Counter
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field

from scaling_search.analysis import Analysis
from scaling_search.analysis.law import Law
from scaling_search.analysis.trials import SHARES
from scaling_search.configuration import Strict, parse, read_yaml
from scaling_search.files import write_atomically
from scaling_search.report.accuracy_cost import accuracy_cost
from scaling_search.report.cards import Card, cards
from scaling_search.report.curves import learning_curves
from scaling_search.report.figure import Plot
from scaling_search.report.frame import records, render
from scaling_search.report.opening import numbers, sentences
from scaling_search.report.ranking import ranking
from scaling_search.report.triangle import share_triangle
from scaling_search.report.web.drawn import drawn
from scaling_search.report.web.facts import facts
from scaling_search.search.record import RunRecord
from scaling_search.search.verification import read_verification


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
    """The page as HTML. It links to what lies in the run's folder."""
    found = cards(analysis, run)
    return render(
        "report.html.j2",
        run,
        record,
        heading="How to divide extra compute",
        title=_title(record),
        kind=analysis.verdict.kind,
        sentences=sentences(analysis),
        numbers=numbers(analysis, read_verification(run)),
        marked=facts(analysis),
        analysis=analysis,
        pick=analysis.pick,
        pick_shares=dict(zip(SHARES, analysis.pick.shares.as_tuple(), strict=True)),
        cards=found,
        tally=_tally(found),
        figures=drawn(run, analysis),
        fitted=isinstance(analysis.law, Law),
        references=records(analysis.references()),
        candidates=records(analysis.table.sort_values("expected_loss")),
        family=_family(run / "family"),
        failed=records(analysis.trials.failed),
    )


def _tally(found: list[Card]) -> str:
    counts = Counter(card.standing for card in found)
    return f"{counts['PASS']} of {len(found)} checks pass, {counts['WARNING']} warn, {counts['FAIL']} fail."


def _title(record: RunRecord) -> str:
    return f"{record.baseline.get('name', 'baseline')}, φ = {record.question.phi:g}, on {record.data.name}"


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
