"""When too many trials fail for one reason: the search has nothing to find out until a person has seen to it."""

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from math import ceil

SHARE = 1 / 3
LEAST = 3
"""Trials: fewer may fail by chance."""
_LATELY = 12
"""Trials that ended last: a disk that fills up late in a long search must not take the rest of it."""


@dataclass
class Tally:
    """Counts why trials failed in this session.

    Attributes:
        trials: that the search will have in all; None where nobody knows.
        stopped: why the search has to stop; "" while it has not.
    """

    trials: int | None = None
    stopped: str = ""
    _lately: deque[str] = field(default_factory=lambda: deque(maxlen=_LATELY))
    _results: Counter[str] = field(default_factory=Counter)

    def well(self) -> None:
        """A trial ended with what was asked of it."""
        self._lately.append("")

    def troubled(self, reason: str) -> None:
        """The environment failed a trial. A third of those that ended lately, for one reason, is too much."""
        self._lately.append(kind_of(reason))
        self._check(self._lately.count(kind_of(reason)), len(self._lately), reason)

    def failed(self, reason: str) -> None:
        """A network failed. A third of all trials, for one reason, is too much."""
        self.well()
        self._results[kind_of(reason)] += 1
        if self.trials is not None:
            self._check(self._results[kind_of(reason)], self.trials, reason)

    def _check(self, count: int, of: int, reason: str) -> None:
        if not self.stopped and count >= max(LEAST, ceil(SHARE * of)):
            self.stopped = f"{count} of {of} trials failed for one reason: {reason}"


def kind_of(reason: str) -> str:
    """What two reasons have in common that differ in paths and numbers only."""
    return re.sub(r"\S*[/\\]\S*|\d+", "…", reason)
