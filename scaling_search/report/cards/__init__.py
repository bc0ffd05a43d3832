"""Checks of a run, a card each: may the answer be believed? One file a check, one entry in CHECKS."""

from collections.abc import Sequence
from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.report.cards.added import added
from scaling_search.report.cards.border import border
from scaling_search.report.cards.card import Card, Check
from scaling_search.report.cards.cost import cost
from scaling_search.report.cards.crossing import crossing
from scaling_search.report.cards.foretold import foretold
from scaling_search.report.cards.learned import learned
from scaling_search.report.cards.noise import noise
from scaling_search.report.cards.transfer import transfer
from scaling_search.report.cards.verified import verified

CHECKS: Sequence[Check] = (learned, added, foretold, noise, cost, border, crossing, transfer, verified)
"""In the order of the page. A check looks at the analysis and, if it needs more, at the run's folder."""


def cards(analysis: Analysis, run: Path) -> list[Card]:
    """What the checks say; one that has nothing to say of this run has no card."""
    found = (check(analysis, run) for check in CHECKS)
    return [card for card in found if card is not None]


__all__ = ["CHECKS", "Card", "cards"]
