"""What every page has: its frame, the answer it opens with, how it was run, and the script that lights its marks."""

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from scaling_search.analysis.wording import loss, percent, points
from scaling_search.configuration import to_yaml
from scaling_search.report.web.facts import percents
from scaling_search.search.record import RunRecord
from scaling_search.units import format_count

_FACTS = (
    ("Command", "command"), ("Started", "started"), ("Baseline", "baseline.name"), ("φ", "question.phi"),
    ("Cost match", "question.match"), ("Target", "question.target"), ("Space", "seeking.space.name"),
    ("Multiply-adds that were asked for", "seeking.target"), ("Reward", "seeking.goal"), ("Search", "strategy"),
    ("Data", "data.name"), ("Classes", "data.classes"), ("Training images", "data.train"),
    ("Validation images", "data.val"), ("Recipe", "recipe.name"), ("Executor", "executor"), ("Device", "device"),
    ("Budget in seconds", "plan.budget_seconds"), ("Base resolution", "base.network.resolution"),
    ("Base parameters", "base.params"), ("Base MACs", "base.macs"), ("Skipped images", "data.skipped"),
    ("Versions", "versions"), ("Git commit", "git"),
)  # fmt: skip
_OF_DIVISIONS = ("Baseline", "φ", "Cost match")
_FILES = ("best.yaml", "verification.yaml", "mine.yaml", "baseline.yaml", "baseline.csv", "run.yaml", "candidates.csv",
          "trials.csv", "journal.jsonl")  # fmt: skip


def render(
    template: str,
    run: Path,
    record: RunRecord,
    *,
    heading: str,
    title: str,
    kind: str,
    sentences: tuple[str, str],
    numbers: Sequence[tuple[str, str]],
    marked: str,
    **content: Any,
) -> str:
    """A page as HTML; every value is escaped by the template engine. It links to what lies in the run's folder.

    Args:
        template: a file of this package that fills the frame.
        kind: of the answer; its first word is its colour.
        sentences, numbers: what the page opens with.
        marked: JSON of what the script reads out of a candidate, see `web.facts`.
        content: what the template asks for.
    """
    environment = Environment(
        loader=PackageLoader("scaling_search.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        points=points, percent=percent, loss=loss, scaled=format_count, percents=percents, said=_text
    )
    settings = record.model_dump(mode="json")
    return environment.get_template(template).render(
        style=_own("page.css"),
        script=_own("page.js"),
        heading=heading,
        title=title,
        kind=kind,
        sentences=sentences,
        numbers=numbers,
        marked=marked,
        facts=list(_how(settings)),
        settings=to_yaml(settings),
        files=[name for name in _FILES if (run / name).is_file()],
        **content,
    )


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, its index among their values, for a template."""
    return [{str(key): value for key, value in row.items()} for row in table.reset_index().to_dict("records")]


def _own(name: str) -> Markup:
    """A file of this package, which is put into the page as it is."""
    return Markup(files("scaling_search.report").joinpath(name).read_text(encoding="utf-8"))


def _how(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How it was run, in words and values; what run.yaml does not hold is left out, and what a search for a baseline
    does not have."""
    for name, path in _FACTS:
        value = _look_up(settings, path)
        if value not in (None, []) and not (settings.get("seeking") and name in _OF_DIVISIONS):
            yield name, _text(value)


def _look_up(settings: Mapping[str, Any], path: str) -> Any:
    value: Any = settings
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items() if not isinstance(item, Mapping | None))
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
