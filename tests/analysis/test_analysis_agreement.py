import pandas as pd
import pytest

from scaling_search.analysis.agreement import halfway_agreement


def readings(curves: dict[str, list[float]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"candidate": name, "seed": 0, "epoch": epoch, "top1": value}
            for name, curve in curves.items()
            for epoch, value in enumerate(curve, start=1)
        ]
    )


def test_the_same_order_agrees_fully_and_the_reverse_not_at_all() -> None:
    same = halfway_agreement(
        readings({"a": [0.1, 0.2, 0.3, 0.5], "b": [0.1, 0.3, 0.4, 0.6], "c": [0.1, 0.4, 0.5, 0.7]})
    )
    assert same is not None
    assert (same.epoch, same.epochs) == (2, 4)
    assert same.tau == pytest.approx(1)
    crossed = halfway_agreement(readings({"a": [0.4, 0.5], "b": [0.3, 0.6], "c": [0.2, 0.7]}))
    assert crossed is not None
    assert crossed.tau == pytest.approx(-1)


def test_one_epoch_or_two_candidates_cannot_be_checked() -> None:
    assert halfway_agreement(readings({"a": [0.1], "b": [0.2], "c": [0.3]})) is None
    assert halfway_agreement(readings({"a": [0.1, 0.2], "b": [0.2, 0.3]})) is None
    assert halfway_agreement(readings({"a": [0.1, 0.2], "b": [0.1, 0.3], "c": [0.1, 0.4]})) is None  # all equal at half
