"""What is said of a candidate wherever it is marked: a title, and its numbers in plain words."""

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from scaling_search.analysis import Analysis
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import count, label, loss, percent
from scaling_search.report.figure import rows
from scaling_search.units import format_count

LABELS = (
    "depth / width / resolution, % of the compute", "accuracy measured", "accuracy expected at equal cost",
    "points expected to be lost", "probability of being the best candidate", "multiply-adds", "standing",
)  # fmt: skip


_MOST = 400
"""Candidates that the page marks, the best and the named ones; thousands would make it megabytes large."""


def marked(analysis: Analysis) -> pd.DataFrame:
    """The rows of the analysis' table that the page marks."""
    table = analysis.table
    best = table["expected_loss"].rank(method="first") <= _MOST
    nearest = table.index == analysis.pick.candidate
    return table[best | nearest | (table["named"].map(len) > 0)]


def titles(analysis: Analysis) -> dict[str, str]:
    """One line of each marked candidate."""
    return {
        row.Index: f"{label(row.Index, row.named)}: {percent(row.top1, row.top1_se)} measured, "
        f"{percent(row.top1_equal_cost)} expected at equal cost, loses {loss(row.expected_loss)} points"
        for row in rows(marked(analysis))
    }


def facts(analysis: Analysis) -> str:
    """JSON for the script: the labels once, and of each candidate what it is called and its numbers as text."""
    values = {row.Index: [label(row.Index, row.named), *_values(row)] for row in rows(marked(analysis))}
    return to_json(LABELS, values)


def to_json(labels: Sequence[str], candidates: Mapping[str, Sequence[str]]) -> str:
    """What the script reads out of a candidate: what it is called, then a text for each label."""
    written = json.dumps({"labels": labels, "candidates": candidates}, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c")  # nothing in it ends the element that holds it


def percents(shares: Mapping[str, float]) -> str:
    """«17 / 33 / 50», which add up to 100."""
    depth, width, _ = (100 * shares[name] for name in SHARES)
    return f"{round(depth)} / {round(width)} / {100 - round(depth) - round(width)}"


def standing(inside: bool) -> str:
    """Of a division beside the pick."""
    return "may be as good" if inside else "out"


def _values(row: object) -> list[str]:
    found = row._asdict()  # type: ignore[attr-defined]
    return [
        percents(found),
        f"{percent(found['top1'], found['top1_se'])}, {count(int(found['seeds']), 'seed')}",
        percent(found["top1_equal_cost"], found["top1_equal_cost_se"]),
        loss(found["expected_loss"]),
        f"{100 * found['probability_best']:.0f} %",
        f"{format_count(found['macs'])}, {found['macs_ratio']:.2f} × the base",
        standing(found["inside"]),
    ]
