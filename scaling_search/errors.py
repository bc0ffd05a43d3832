"""The user's mistakes: one clear sentence each, shown by the command line without a traceback (exit code 2)."""

import difflib
from collections.abc import Iterable


class InvalidInput(ValueError):
    """What the user asked for cannot be done; the message says why and what would work."""


class Unbuildable(InvalidInput):
    """A network cannot be built from what describes it: in a search, a result and not a mistake."""


def nearest_hint(name: str, choices: Iterable[str]) -> str:
    """«; did you mean b0?» when a choice is spelled like name, else the choices themselves (all if few)."""
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}" if known else ""
