"""Does the answer hold with fresh seeds? What `verify` found, where it was asked."""

from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import orders
from scaling_search.report.cards.drift import drift
from scaling_search.search.verification import Verification, read_verification

_STANDINGS: dict[str, Standing] = {"held": "PASS", "not told apart": "WARNING", "changed": "FAIL"}


def verified(analysis: Analysis, run: Path) -> Card | None:
    """PASS where the pick held, FAIL where another one is better beyond chance; None where nothing was verified."""
    found = read_verification(run)
    if found is None:
        return None
    return Card(
        name="verified",
        question="Does the answer hold with fresh seeds and longer trainings?",
        standing=_STANDINGS[found.verdict],
        sentence=f"{found.sentence} {_drift(found)}".strip(),
        drawing=drift(found.transfer)
        + orders(
            {" = ".join(one.names): one.expected for one in found.networks},
            {" = ".join(one.names): one.top1 for one in found.networks},
            ("as expected", f"{found.epochs[1]} epochs"),
            label="The order of the networks as the run expected it, and with fresh seeds after longer trainings.",
        ),
    )


def _drift(found: Verification) -> str:
    """Where the pick went, and how far the target is."""
    first, last = found.transfer.picks[0], found.transfer.picks[-1]
    far = "" if found.transfer.distance is None else f" Full size has {found.transfer.distance:,.0f} times the MACs."
    if first is last:
        return far.strip()
    own = "" if found.transfer.own_growth is None else f" {found.transfer.own_growth.sentence.capitalize()}."
    moved = sum(abs(a - b) for a, b in zip(first.shares.as_tuple(), last.shares.as_tuple(), strict=True)) / 2
    return f"The pick moved by {100 * moved:.0f} % of the compute ({last.of}).{own}{far}"
