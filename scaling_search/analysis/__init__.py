"""What the trials say: table, surface, decision, doubt, advice, law. Tables in, answer out; no torch, no ray."""

from scaling_search.analysis.answer import Analysis, analyze
from scaling_search.analysis.best import to_dict, write_best
from scaling_search.analysis.frontier import frontier
from scaling_search.analysis.summary import summary_lines
from scaling_search.analysis.trials import Trials, trials_from_tables

__all__ = [
    "Analysis",
    "Trials",
    "analyze",
    "frontier",
    "summary_lines",
    "to_dict",
    "trials_from_tables",
    "write_best",
]
