"""What the trials say: table, response surface, pick, verdict, frontier. No torch, no ray."""

from scaling_search.analysis.answer import Analysis, analyze, write_best
from scaling_search.analysis.frontier import frontier
from scaling_search.analysis.summary import summary_lines

__all__ = ["Analysis", "analyze", "frontier", "summary_lines", "write_best"]
