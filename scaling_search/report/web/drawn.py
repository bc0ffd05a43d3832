"""The figures of the page: each a drawing with its title, its caption and the files of the same figure for print."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.report import accuracy_cost, curves, ranking, triangle
from scaling_search.report.web import accuracy_cost as cost_drawing
from scaling_search.report.web import curves as curves_drawing
from scaling_search.report.web import ranking as ranking_drawing
from scaling_search.report.web import triangle as triangle_drawing
from scaling_search.report.web.facts import titles

_KINDS = ("png", "svg", "csv")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A figure of the page.

    Attributes:
        name: of the same figure in figures/.
        drawing: inline SVG.
        costs: that it can be drawn over, by column; empty where it has none.
        files: of the figure for print that are there.
    """

    name: str
    title: str
    drawing: str
    caption: str
    files: tuple[str, ...]
    costs: Mapping[str, str] = field(default_factory=dict)


def drawn(run: Path, analysis: Analysis) -> list[Drawn]:
    """The four of a run, in the order of the page."""
    said = titles(analysis)
    plane, *others = (part.data(analysis) for part in (triangle, ranking, accuracy_cost, curves))
    plane = plane[(plane["kind"] == "surface") | plane["candidate"].isin(said)]
    order, costs, lines = (table[table["candidate"].isin(said)].reset_index(drop=True) for table in others)
    whole = len(analysis.table)
    return [
        Drawn(
            name="share-triangle",
            title="What each division is expected to lose",
            drawing=triangle_drawing.draw(plane, said),
            caption=_of(whole, said) + triangle_drawing.caption(plane, analysis.decision.epsilon),
            files=files_of(run, "share-triangle"),
        ),
        Drawn(
            name="ranking",
            title="The candidates in order",
            drawing=ranking_drawing.draw(order, said),
            caption=ranking.shown(whole) + ranking_drawing.CAPTION,
            files=files_of(run, "ranking"),
        ),
        Drawn(
            name="accuracy-cost",
            title="Accuracy against cost",
            drawing=cost_drawing.draw(costs, said),
            caption=_of(whole, said) + cost_drawing.CAPTION,
            files=files_of(run, "accuracy-cost"),
            costs={name: label for name, label in cost_drawing.COSTS.items() if name in costs},
        ),
        Drawn(
            name="learning-curves",
            title="How they learned",
            drawing=curves_drawing.draw(lines, said),
            caption=curves_drawing.CAPTION,
            files=files_of(run, "learning-curves"),
        ),
    ]


def _of(whole: int, said: Mapping[str, str]) -> str:
    """That not all candidates are drawn, where they are not."""
    return f"The best {len(said):,} of {whole:,}. " if len(said) < whole else ""


def files_of(run: Path, name: str) -> tuple[str, ...]:
    """Those of a figure for print that lie in the run's folder."""
    return tuple(f"{name}.{kind}" for kind in _KINDS if (run / "figures" / f"{name}.{kind}").is_file())
