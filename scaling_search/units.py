"""Amounts, bytes and times as people write them (400M, 1.2 GB, 10m, 5ms): read and written in one place.

What the writers write, the readers read: 5288548 → «5.29 M» → 5290000.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from scaling_search.errors import InvalidInput

AMOUNT_UNITS: Mapping[str, float] = {
    prefix + byte: 1e3**power for power, prefix in enumerate(("", "k", "m", "g", "t")) for byte in ("", "b")
}
"""Powers of a thousand, of bytes too: a 2 GB limit is 2·10⁹ bytes."""
LATENCY_UNITS: Mapping[str, float] = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6}
DURATION_UNITS: Mapping[str, float] = {"": 60, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
"""A bare number is minutes."""


_MOST_AMOUNT = 1e18
_MOST_SECONDS = 1000 * 86400.0


class _Step(NamedTuple):
    """A unit that a value is written in when it is, rounded, at least `least` of it."""

    size: float
    unit: str
    least: float = 1


_PREFIXES = (_Step(1e12, "T"), _Step(1e9, "G"), _Step(1e6, "M"), _Step(1e3, "k"), _Step(1, "", 0))
_TIMES = (
    _Step(86400, "d", 2), _Step(3600, "h", 2), _Step(60, "min", 2),
    _Step(1, "s"), _Step(1e-3, "ms"), _Step(1e-6, "µs", 0),
)  # fmt: skip


def read(text: str, units: Mapping[str, float]) -> float | None:
    """«1.5h» with the units' sizes as one number; None where it is no number, or in none of the units."""
    found = re.fullmatch(r"(\d+\.?\d*(?:e[+-]?\d+)?)\s*([a-zµ]*)", text.strip().lower(), re.ASCII)
    return float(found[1]) * units[found[2]] if found and found[2] in units else None


def parse_amount(text: str, option: str) -> int:
    """«400M», «5.3m», «2GB», «1500000» as a whole number; k, M, G and T are powers of a thousand.

    Raises:
        InvalidInput: it is no positive amount; the message names the option.
    """
    amount = round(_positive(text, AMOUNT_UNITS, most=_MOST_AMOUNT))
    if amount <= 0:
        raise InvalidInput(f"{option} {text!r} is not an amount; write 400M, 5.3M or 2G")
    return amount


def parse_duration(text: str) -> float:
    """«90s», «10m», «12 min», «1.5h», «2d» or a bare number of minutes, in seconds.

    Raises:
        InvalidInput: it is none of these, or not positive.
    """
    seconds = _positive(text, DURATION_UNITS, most=_MOST_SECONDS)
    if seconds <= 0:
        raise InvalidInput(f"{text!r} is not a duration; write 90s, 10m or 1.5h")
    return seconds


def parse_latency(text: str) -> float:
    """«5ms», «0.2s» or «800us» in seconds.

    Raises:
        InvalidInput: it is none of these, or not positive.
    """
    seconds = _positive(text, LATENCY_UNITS, most=_MOST_SECONDS)
    if seconds <= 0:
        raise InvalidInput(f"--max-latency {text!r} is not a time; write 5ms or 0.2s")
    return seconds


def format_count(count: float, *, digits: int = 3) -> str:
    """«5.29 M», «400 M», «12»: so many significant digits, no trailing zeros."""
    return _written(count, _PREFIXES, digits)


def format_bytes(count: float, *, digits: int = 3) -> str:
    """«1.2 GB», «113 MB», «512 B»; powers of a thousand."""
    number, _, prefix = _written(count, _PREFIXES, digits).partition(" ")
    return f"{number} {prefix}B"


def format_seconds(seconds: float, *, digits: int = 2) -> str:
    """«12 min», «90 s», «5.2 ms», «2.5 h»; minutes, hours and days from two of them on."""
    return _written(seconds, _TIMES, digits)


def _positive(text: str, units: Mapping[str, float], *, most: float) -> float:
    """The number read, or 0 where there is none or it is more than anybody means."""
    number = read(text, units)
    return number if number is not None and number <= most else 0.0


def _written(value: float, steps: Sequence[_Step], digits: int) -> str:
    for size, unit, least in steps:
        rounded = float(f"{value / size:.{digits}g}")
        if rounded >= least:
            return f"{rounded:.15g} {unit}".rstrip()
    raise AssertionError(f"{value} is negative or not a number")
