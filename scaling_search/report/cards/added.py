"""Does added compute help at all? The unscaled network beside the candidates."""

from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.analysis.decision import OUTSIDE
from scaling_search.analysis.wording import loss, percent
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import strip

QUESTION = "Does added compute help at all?"


def added(analysis: Analysis, run: Path) -> Card | None:
    """WARNING where the unscaled network may do as well, FAIL where it is expected to; None where compute is saved."""
    base, ratio = analysis.unscaled, analysis.trials.target_ratio
    if ratio < 1:
        return None
    if base is None:
        sentence = "Not known: the unscaled network was not trained in this run (the pilot does that)."
        return Card(name="added", question=QUESTION, standing="WARNING", sentence=sentence)
    standing: Standing = "PASS" if base.probability_within_epsilon < OUTSIDE else "WARNING"
    if base.expected_loss <= analysis.decision.epsilon:
        standing = "FAIL"
    return Card(
        name="added",
        question=QUESTION,
        standing=standing,
        sentence=f"The unscaled network reaches {percent(base.top1, base.top1_se)}, and {ratio:.2g} times its compute, "
        f"divided best, {_gain(base.expected_loss)} (90 %: {loss(base.low)} to {loss(base.high)}).",
        drawing=strip(
            [(str(name), 100 * value) for name, value in analysis.table["top1"].items()],
            "validation accuracy (top-1, %)",
            lines={"unscaled": 100 * base.top1},
            label="Accuracy of each candidate beside the unscaled network.",
        ),
    )


def _gain(lost: float) -> str:
    return f"is expected to gain {loss(lost)} points" if lost > 0 else f"is expected to lose {loss(-lost)} points"
