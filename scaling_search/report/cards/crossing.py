"""Do learning curves still cross? The order at half of the epochs beside that at the end."""

from pathlib import Path

import pandas as pd

from scaling_search.analysis import Analysis
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import orders

SETTLED = 0.6  # Kendall's τ: four of five pairs
QUESTION = "Do learning curves still cross?"


def crossing(analysis: Analysis, run: Path) -> Card:
    """By Kendall's τ between the two orders: PASS from SETTLED on, FAIL where they have nothing in common."""
    found = analysis.agreement
    if found is None:
        sentence = "Not known: that takes three candidates and two epochs at least."
        return Card(name="crossing", question=QUESTION, standing="WARNING", sentence=sentence)
    standing: Standing = "PASS" if found.tau >= SETTLED else "WARNING" if found.tau > 0 else "FAIL"
    pairs = 100 * (found.tau + 1) / 2
    change = "" if standing == "PASS" else "; a longer training may order them differently again"
    half, end = (_means(analysis, epoch) for epoch in (found.epoch, found.epochs))
    return Card(
        name="crossing",
        question=QUESTION,
        standing=standing,
        sentence=f"{pairs:.0f} % of the pairs of candidates had the order of the end after {found.epoch} of "
        f"{found.epochs} epochs (Kendall’s τ {found.tau:.2f}; 50 % would be chance){change}.",
        drawing=orders(
            half, end, (f"after {found.epoch} epochs", f"after {found.epochs}"),
            label="The order of the candidates at half of the epochs and at the end.",
        ),
    )  # fmt: skip


def _means(analysis: Analysis, epoch: int) -> dict[str, float]:
    """Of each compared candidate in what is judged, the more the better."""
    readings, name = analysis.trials.readings, analysis.metric.name
    here = readings[(readings["epoch"] == epoch) & readings["candidate"].isin(analysis.table.index)]
    means: pd.Series = here.groupby("candidate")[name].mean().dropna()
    return {str(key): float(value if name == "top1" else -value) for key, value in means.items()}
