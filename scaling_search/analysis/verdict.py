"""The verdict: clear, indifferent, tied or not learned, in one plain sentence.

clear        the pick is expected to lose at most ε, and everything that may be as good divides at most NEAR otherwise
indifferent  the pick is expected to lose at most ε, and so would many other divisions: it does not matter which
tied         the pick may lose more than ε: these readings cannot say yet
not learned  no ranking of these readings means anything (`learning.py`)
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from scaling_search.analysis import basis
from scaling_search.analysis.decision import Decision, compute_apart
from scaling_search.analysis.learning import Unlearned
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import divide, listed, loss, part
from scaling_search.coefficients import Shares

NEAR = 0.25
_TRAINED_NEAR = 0.15  # a corner is called out only when something was trained this near to it
_SLACK = 1e-9
_CORNERS = {
    "all to depth": Shares(depth=1, width=0, resolution=0),
    "all to width": Shares(depth=0, width=1, resolution=0),
    "all to resolution": Shares(depth=0, width=0, resolution=1),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The kind, and the sentence that says it."""

    kind: Literal["clear", "indifferent", "tied", "not learned"]
    sentence: str


def judge(decision: Decision, unlearned: Unlearned | None, *, saved: bool = False) -> Verdict:
    """Weighs a decision.

    Args:
        saved: candidates cost less than what they are made of, so that shares are those of the compute that is saved.
    """
    compute = "saved compute" if saved else "added compute"
    if unlearned:
        return Verdict(kind="not learned", sentence=unlearned.sentence)
    if basis.alone(decision.candidates[SHARES].to_numpy(float)):
        return Verdict(kind="tied", sentence=_alone(decision))
    if decision.pick.expected_loss > decision.epsilon:
        return Verdict(kind="tied", sentence=_tied(decision, compute))
    pick = np.array(decision.pick.shares.as_tuple())
    if (compute_apart(decision.region[SHARES].to_numpy(float), pick) <= NEAR + _SLACK).all():
        return Verdict(kind="clear", sentence=_clear(decision, compute))
    return Verdict(kind="indifferent", sentence=_indifferent(decision, compute))


def _alone(decision: Decision) -> str:
    return (
        "Tied: only one division has a finished trial, so nothing is compared yet; "
        f"{divide(decision.pick.shares)} is where one would start."
    )


def _clear(decision: Decision, compute: str) -> str:
    return (
        f"Clear: {divide(decision.pick.shares)} of the {compute}; {_loss(decision)}, and whatever may be as good "
        f"divides it much alike{_out(decision, '; ')}."
    )


def _indifferent(decision: Decision, compute: str) -> str:
    return (
        f"Indifferent: {divide(decision.pick.shares)} of the {compute}; {_loss(decision)}, and "
        f"{_fraction(decision)} may be as good within {loss(decision.epsilon)}{_out(decision, ', but ')}."
    )


def _tied(decision: Decision, compute: str) -> str:
    epsilon = loss(decision.epsilon)
    more = "hardly more" if loss(decision.pick.expected_loss) == epsilon else "more"
    return (
        f"Tied: {divide(decision.pick.shares)} of the {compute} is the best guess; {_loss(decision)}, {more} than "
        f"the {epsilon} that would not matter, and {_fraction(decision)} may be as good"
        f"{_out(decision, ', but ')}."
    )


def _loss(decision: Decision) -> str:
    return f"it is expected to lose {loss(decision.pick.expected_loss)} points against the best division"


def _fraction(decision: Decision) -> str:
    return "every division" if decision.fraction == 1 else f"{part(decision.fraction)} of the divisions searched"


def _out(decision: Decision, before: str) -> str:
    """The corners that are out, with what they lose, where something was trained near them."""
    trained = decision.candidates[SHARES].to_numpy(float)
    out = []
    for name, corner in _CORNERS.items():
        place = decision.at(corner)
        near = compute_apart(trained, np.array(corner.as_tuple())).min() <= _TRAINED_NEAR
        if near and not place["inside"]:
            out.append((float(place["expected_loss"]), f"{name} (loses {loss(place['expected_loss'])})"))
    if not out:
        return ""
    names = [name for _, name in sorted(out, reverse=True)]
    return f"{before}{listed(names)} {'is' if len(names) == 1 else 'are'} out"
