"""How numbers and candidates are written in sentences, for the terminal, best.yaml and the page alike."""

from collections.abc import Sequence
from math import isnan

from scaling_search.coefficients import Shares


def label(candidate: str, named: Sequence[str]) -> str:
    """How a table calls a candidate: by the references it stands for, «paper (c07)»."""
    return f"{' = '.join(named)} ({candidate})" if named else candidate


def divide(shares: Shares) -> str:
    """Shares in words: «17 % depth, 33 % width, 50 % resolution»."""
    depth, width = round(100 * shares.depth), round(100 * shares.width)
    return f"{depth} % depth, {width} % width, {100 - depth - width} % resolution"


def points(value: float, error: float | None = None) -> str:
    """A difference of accuracies in points: «1.3 ± 0.4»; without an error when it is unknown."""
    known = error is not None and not isnan(error)
    return f"{100 * value:.1f}" + (f" ± {100 * error:.1f}" if known and error is not None else "")


def loss(value: float) -> str:
    """An expected loss in points, to two digits: «0.54», «1.2», «0.07»."""
    return f"{100 * value:.2g}"


def percent(value: float, error: float | None = None) -> str:
    """An accuracy: «71.3 ± 0.4 %»."""
    return f"{points(value, error)} %"


def part(fraction: float) -> str:
    """A part of something: «38 %»; 100 % is all of it."""
    return f"{100 if fraction == 1 else min(100 * fraction, 99):.0f} %"


def count(number: int, noun: str) -> str:
    """«1 trial», «3 trials»."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(parts: Sequence[str]) -> str:
    """«a», «a and b», «a, b and c»."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
