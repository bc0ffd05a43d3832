"""Was anything learned that an order could be built on?"""

from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.analysis.wording import count, percent
from scaling_search.report.cards.card import Card
from scaling_search.report.cards.drawings import strip


def learned(analysis: Analysis, run: Path) -> Card:
    """FAIL where the verdict is «not learned», WARNING where trials failed or none has a second reading."""
    table, classes = analysis.table, analysis.trials.classes
    median, chance = float(table["top1"].median()), 1 / classes if classes else None
    guess = "" if chance is None else f", where guessing gives {percent(chance)}"
    sentence, failed = f"The median candidate reaches {percent(median)}{guess}.", len(analysis.trials.failed)
    if analysis.verdict.kind == "not learned":
        sentence = analysis.verdict.sentence
    elif failed:
        sentence = f"{sentence[:-1]}; {count(failed, 'trial')} failed."
    lines = {"median": 100 * median} | ({} if chance is None else {"guessing": 100 * chance})
    return Card(
        name="learned",
        question="Was anything learned?",
        standing="FAIL" if analysis.verdict.kind == "not learned" else "WARNING" if failed else "PASS",
        sentence=sentence,
        drawing=strip(
            [(str(name), 100 * value) for name, value in table["top1"].items()],
            "validation accuracy (top-1, %)",
            lines=lines,
            label="Accuracy of each candidate beside guessing.",
        ),
    )
