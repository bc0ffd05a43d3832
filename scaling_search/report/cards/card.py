"""A card: a question, PASS, WARNING or FAIL, one sentence, and the drawing that shows it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaling_search.analysis import Analysis

Standing = Literal["PASS", "WARNING", "FAIL"]


@dataclass(frozen=True, kw_only=True)
class Card:
    """What one check found.

    Attributes:
        name: of the check, one word.
        question: that a reader would ask.
        standing: PASS, WARNING (read the sentence before you believe the answer, or it is not known) or FAIL.
        sentence: what was found, with its numbers.
        drawing: inline SVG, or "".
    """

    name: str
    question: str
    standing: Standing
    sentence: str
    drawing: str = ""


Check = Callable[[Analysis, Path], Card | None]
