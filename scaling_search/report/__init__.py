"""Figures and the HTML page of a run. Reads what analysis found; no torch, no ray."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scaling_search.analysis import Analysis
    from scaling_search.search.record import RunRecord

__all__ = ["write_report"]


def write_report(run: Path, analysis: "Analysis", record: "RunRecord") -> Path:
    """See `page.write_report`; matplotlib is imported when it is needed, at a search's end."""
    from scaling_search.report import page

    return page.write_report(run, analysis, record)
