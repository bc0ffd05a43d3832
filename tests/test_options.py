import pytest

from scaling_search.errors import InvalidInput
from scaling_search.options import parse_amount, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("15", 900), ("2d", 172800), (" 3 m ", 180)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "amount"), [("400M", 400_000_000), ("5.3m", 5_300_000), ("2GB", 2_000_000_000), ("17", 17), ("1e9", 10**9)]
)
def test_amounts(text: str, amount: int) -> None:
    assert parse_amount(text, "--max-macs") == amount


@pytest.mark.parametrize("text", ["", "ten", "-3m", "0", "5 weeks", "nan", "inf"])
def test_nonsense_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="write 90s"):
        parse_duration(text)
    with pytest.raises(InvalidInput, match=r"--max-macs .* write 400M"):
        parse_amount(text, "--max-macs")
