"""Amounts and times: what is written can be read, and nonsense is refused with an example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_search.errors import InvalidInput
from scaling_search.units import (
    format_bytes,
    format_count,
    format_seconds,
    parse_amount,
    parse_duration,
    parse_latency,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("10m", 600), ("12 min", 720), ("1.5h", 5400), ("15", 900), ("2d", 172800), (" 3 m ", 180)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("5ms", 5e-3), ("0.2s", 0.2), ("800us", 8e-4), ("800 µs", 8e-4)])
def test_latencies(text: str, seconds: float) -> None:
    assert parse_latency(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("400M", 400_000_000), ("5.3m", 5_300_000), ("100MB", 100_000_000), ("2GB", 2_000_000_000), ("17", 17),
        ("17b", 17), ("1e9", 10**9), ("3T", 3 * 10**12),
    ],
)  # fmt: skip
def test_amounts(text: str, amount: int) -> None:
    assert parse_amount(text, "--max-macs") == amount


@pytest.mark.parametrize("text", ["", "ten", "-3m", "0", "5 weeks", "nan", "inf", "1e999", "1.5.2", "M"])
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="write 90s"):
        parse_duration(text)
    with pytest.raises(InvalidInput, match="write 5ms"):
        parse_latency(text)
    with pytest.raises(InvalidInput, match=r"--max-macs .* write 400M"):
        parse_amount(text, "--max-macs")


def test_a_time_for_one_image_needs_its_unit() -> None:
    with pytest.raises(InvalidInput, match="write 5ms"):
        parse_latency("5")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"), (12, "12"), (999, "999"), (1000, "1 k"), (5_288_548, "5.29 M"), (400_000_000, "400 M"),
        (999_499_999, "999 M"), (999_999_999, "1 G"), (4.14e9, "4.14 G"), (2e15, "2000 T"),
    ],
)  # fmt: skip
def test_counts_are_written(count: float, text: str) -> None:
    assert format_count(count) == text


def test_more_digits_where_they_are_wanted() -> None:
    assert format_count(5_288_548, digits=4) == "5.289 M"


@pytest.mark.parametrize(("count", "text"), [(512, "512 B"), (1_200_000_000, "1.2 GB"), (113_400_000, "113 MB")])
def test_bytes_are_written(count: int, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0052, "5.2 ms"), (0.9999, "1 s"), (90, "90 s"), (119, "2 min"), (120, "2 min"), (745, "12 min"),
        (5400, "90 min"), (9000, "2.5 h"), (200_000, "2.3 d"), (3.4e-7, "0.34 µs"), (0, "0 µs"),
    ],
)  # fmt: skip
def test_seconds_are_written(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


@given(st.integers(1, 10**15), st.integers(3, 6))
def test_a_written_amount_is_read_back(amount: int, digits: int) -> None:
    error = 0.51 * 10 ** (1 - digits)
    assert parse_amount(format_count(amount, digits=digits), "") == pytest.approx(amount, rel=error)
    assert parse_amount(format_bytes(amount, digits=digits), "") == pytest.approx(amount, rel=error)


@given(st.floats(1, 1e7))
def test_a_written_duration_is_read_back(seconds: float) -> None:
    assert parse_duration(format_seconds(seconds)) == pytest.approx(seconds, rel=0.051)


@given(st.floats(1e-7, 100))
def test_a_written_latency_is_read_back(seconds: float) -> None:
    assert parse_latency(format_seconds(seconds)) == pytest.approx(seconds, rel=0.051)
