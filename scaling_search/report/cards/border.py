"""Does the pick lie at a border, beyond which nothing was tried?"""

from pathlib import Path

import numpy as np

from scaling_search.analysis import Analysis, basis
from scaling_search.analysis.decision import compute_apart
from scaling_search.analysis.trials import SHARES
from scaling_search.analysis.wording import listed
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import ranges

FAR = 0.25  # of the compute between the pick and everything that was trained
_STEP = 1 / basis.PLACES_PARTS
_NEAR = 1.5 * _STEP  # of a share; the surface is no finer
_AXES = ("depth", "width", "resolution")


def border(analysis: Analysis, run: Path) -> Card:
    """FAIL at the edge of what was tried if the triangle goes on there, WARNING at the triangle's own, else PASS."""
    pick = np.array(analysis.pick.shares.as_tuple())
    none = [axis for axis, share in zip(_AXES, pick, strict=True) if share < _NEAR]
    standing: Standing = "PASS"
    sentence = "The pick lies inside of what was tried: all three dimensions grow."
    if _at_the_edge_of_the_search(analysis, pick):
        standing = "FAIL"
        sentence = "The pick lies at the edge of what was trained, and the triangle goes on there: try beyond it."
    elif none:
        standing = "WARNING"
        hardly = f"{listed(none)} {'get' if len(none) > 1 else 'gets'} hardly anything"
        sentence = (
            f"The pick lies at the triangle’s border: {hardly}. Whether less than nothing would be better, a smaller "
            "dimension for more of the others, was not tried."
        )
    elif analysis.pick.distance > FAR:
        standing = "WARNING"
        sentence = (
            f"Nothing was trained near the pick: {analysis.pick.candidate} divides {100 * analysis.pick.distance:.0f} "
            "% of the compute otherwise."
        )
    region = 100 * analysis.decision.region[SHARES]
    rows = [
        (axis, float(region[name].min()), 100 * float(share), float(region[name].max()))
        for axis, name, share in zip(_AXES, SHARES, pick, strict=True)
    ]
    return Card(
        name="border",
        question="Does the pick lie at a border?",
        standing=standing,
        sentence=sentence,
        drawing=ranges(
            rows,
            "pick (dot) and what may be as good (bar), %",
            label="The pick’s shares, with the range of each among the divisions that may be as good.",
        ),
    )


def _at_the_edge_of_the_search(analysis: Analysis, pick: np.ndarray) -> bool:
    """Whether a neighbour of the pick in the triangle was left out of the search; not where a dimension is fixed."""
    trained, places = analysis.table[SHARES].to_numpy(float), basis.places()
    searched = basis.searched(trained, places)
    if np.linalg.matrix_rank(trained - trained.mean(axis=0), tol=1e-6) < 2:
        return False
    near = compute_apart(places, pick) <= 1.01 * _STEP
    return bool((near & ~searched).any())
