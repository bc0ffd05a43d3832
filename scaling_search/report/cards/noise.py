"""Is the noise known, or assumed? What repeated trainings of one candidate differ by."""

from pathlib import Path

import numpy as np

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import count, points
from scaling_search.report.cards.card import Card
from scaling_search.report.cards.drawings import strip

KNOWN = 4  # repeats beyond the first, from which on their scatter says something of noise
QUESTION = "Is it known how much one training differs from another?"


def noise(analysis: Analysis, run: Path) -> Card:
    """PASS from KNOWN degrees of freedom on, else WARNING: then a typical noise is assumed."""
    means, typical = analysis.means, float(np.median(analysis.surface.trial_sd))
    repeated = int((analysis.table["seeds"] > 1).sum())
    used = f"the surface reckons with {points(typical)} points"
    if means.error_sd is None:
        base = means.base_sd
        apart = (
            f", and those of the unscaled network differ by {points(base)} points (standard deviation)" if base else ""
        )
        sentence = f"No candidate has a second seed{apart}; {used}, which is {'partly ' if base else ''}assumed."
    else:
        few = "" if means.dof >= KNOWN else ", partly assumed, since that is little to go by"
        sentence = (
            f"Repeats of {count(repeated, 'candidate')} with other seeds differ by {points(means.error_sd)} points "
            f"(standard deviation); {used}{few}."
        )
    return Card(
        name="noise",
        question=QUESTION,
        standing="PASS" if means.error_sd is not None and means.dof >= KNOWN else "WARNING",
        sentence=sentence,
        drawing=_drawing(analysis) if repeated else "",
    )


def _drawing(analysis: Analysis) -> str:
    final = analysis.trials.final
    both = final[final["candidate"].isin(analysis.table.index[analysis.table["seeds"] > 1])]
    apart = 100 * (both["top1"] - both.groupby("candidate")["top1"].transform("mean"))
    return strip(
        list(zip(both["candidate"].astype(str), apart.astype(float), strict=True)),
        "points from the mean of the candidate’s seeds",
        lines={"": 0.0},
        label="How far each training of a repeated candidate is from their mean.",
    )
