"""Figures and the HTML page of a run. Reads what analysis found; no torch, no ray."""

from scaling_search.report.imagenet import imagenet_frontier
from scaling_search.report.page import write_report

__all__ = ["imagenet_frontier", "write_report"]
