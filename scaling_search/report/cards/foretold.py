"""Does the surface foretell candidates that it has not seen? Each is left out once (leave-one-out)."""

from pathlib import Path

import numpy as np

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import loss
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import scatter

GOOD = 0.25  # of the candidates' variance that is foretold
_LEAST = 5  # candidates, from which on the share of a variance says something
QUESTION = "Does the surface foretell candidates that it has not seen?"


def foretold(analysis: Analysis, run: Path) -> Card:
    """By what the surface foretells of the variance between candidates, over what their mean would foretell.

    PASS from GOOD on; below it WARNING, or FAIL where candidates differ by more than noise and it foretells nothing.
    """
    shown, said = analysis.surface.observed.mean, analysis.surface.left_out()
    if len(shown) < _LEAST:
        sentence = f"Not known: that takes {_LEAST} candidates at least, and there are {len(shown)}."
        return Card(name="foretold", question=QUESTION, standing="WARNING", sentence=sentence)
    others = (shown.sum() - shown) / (len(shown) - 1)  # the mean without the one left out
    error, plain = (float(np.sqrt(np.mean((shown - guess) ** 2))) for guess in (said, others))
    part = 1 - error**2 / max(plain**2, 1e-12)
    noise = float(np.median(analysis.surface.trial_sd / np.sqrt(_seeds(analysis))))
    nothing = plain <= 1.5 * noise
    standing: Standing = "PASS" if part >= GOOD else "WARNING" if part > 0 or nothing else "FAIL"
    return Card(
        name="foretold",
        question=QUESTION,
        standing=standing,
        sentence=f"Left out, a candidate is foretold to {loss(error)} points, where the mean of the others would err "
        f"by {loss(plain)} and noise alone by about {loss(noise)}{_remark(standing, nothing)}.",
        drawing=scatter(
            zip(_names(analysis), 100 * shown, 100 * said, strict=True),
            ("measured (%)", "foretold without it (%)"),
            label="What the surface foretells of each candidate without it against what was measured.",
        ),
    )


def _seeds(analysis: Analysis) -> float:
    return float(np.median(analysis.table["seeds"]))


def _remark(standing: Standing, nothing: bool) -> str:
    if standing == "PASS":
        return ""
    return (
        "; candidates hardly differ by more than noise, so there is little to foretell"
        if nothing
        else ("; believe measured candidates more than places between them")
    )


def _names(analysis: Analysis) -> list[str]:
    """Of the surface's means; pooled ones stand for many candidates and have none."""
    count = len(analysis.surface.observed.mean)
    return list(analysis.means.candidates) if len(analysis.means.candidates) == count else [""] * count
