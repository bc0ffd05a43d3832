"""Does the order hold when training goes on? Divisions that were trained to both of two lengths."""

from pathlib import Path

from scaling_search.analysis import Analysis
from scaling_search.analysis.metric import scored
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import orders

HELD = 0.7  # of the pairs of divisions
QUESTION = "Does the order hold in longer trainings?"


def transfer(analysis: Analysis, run: Path) -> Card:
    """FAIL where the best share moves with the length, WARNING where fewer than HELD of the pairs keep their order."""
    lengths = analysis.lengths
    if lengths is None:
        sentence = "Not known: no time was left in this run to train divisions longer."
        return Card(name="transfer", question=QUESTION, standing="WARNING", sentence=sentence)
    standing: Standing = "PASS" if lengths.held >= HELD * lengths.pairs else "WARNING"
    if lengths.moved is not None:
        standing = "FAIL"
    short, long = (_means(analysis, rows) for rows in ("final", "longer"))
    return Card(
        name="transfer",
        question=QUESTION,
        standing=standing,
        sentence=lengths.sentence,
        drawing=orders(
            {name: value for name, value in short.items() if name in long}, long,
            (f"{lengths.epochs[0]} epochs", f"{lengths.epochs[1]} epochs"),
            label="The order of the divisions after the shorter and the longer training.",
        ),
    )  # fmt: skip


def _means(analysis: Analysis, rows: str) -> dict[str, float]:
    """Score of each candidate over the seeds that have both lengths."""
    trials = analysis.trials
    both = trials.longer[["candidate", "seed"]].merge(trials.final[["candidate", "seed"]])
    means = scored(getattr(trials, rows), analysis.metric).merge(both).groupby("candidate")["score"].mean()
    return {str(name): float(value) for name, value in means.items()}
