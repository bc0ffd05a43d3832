"""What strategies and the analysis see of a search."""

import pytest

from scaling_search.evidence import Evidence, Reading, Status, Trial

TRIAL = Trial(candidate="c00", seed=0)


def seen(*readings: tuple[int, Status, float | None]) -> Evidence:
    found = [Reading(trial=TRIAL, epoch=epoch, status=status, top1=top1) for epoch, status, top1 in readings]
    return Evidence.of({"c00": (1, 0, 0)}, reversed(found))


@pytest.mark.parametrize(
    ("readings", "epochs", "score"),
    [
        ([(1, "running", 0.1), (2, "done", 0.2)], 2, 0.2),
        ([(1, "running", 0.1), (2, "paused", 0.2)], 1, 0.1),
        ([(1, "running", 0.1), (2, "done", 0.2)], 3, None),
        ([(1, "running", 0.1)], 2, None),
        ([(1, "stopped", 0.1)], 4, 0.1),
        ([(1, "running", 0.1), (2, "failed", None)], 2, None),
        ([(1, "running", 0.1), (2, "failed", None)], 1, None),
        ([(1, "running", 0.1), (2, "failed", 0.2)], 2, None),
        ([], 1, None),
    ],
)
def test_accuracy_at_an_epoch(
    readings: list[tuple[int, Status, float | None]], epochs: int, score: float | None
) -> None:
    """A failed trial has none, not even of the epochs before: it would be compared with whole ones."""
    assert seen(*readings).top1(TRIAL, epochs) == score


@pytest.mark.parametrize(
    ("readings", "epochs", "has"),
    [
        ([(1, "running", 0.1), (2, "running", 0.2)], 2, False),
        ([(1, "running", 0.1), (2, "paused", 0.2)], 2, True),
        ([(1, "running", 0.1), (2, "paused", 0.2)], 3, False),
        ([(1, "done", 0.1)], 3, True),
        ([(1, "stopped", 0.1)], 3, True),
        ([(1, "failed", None)], 3, True),
        ([], 1, False),
    ],
)
def test_whether_something_is_left_to_train(
    readings: list[tuple[int, Status, float | None]], epochs: int, has: bool
) -> None:
    assert seen(*readings).has(TRIAL, epochs) is has


def test_readings_are_ordered_by_epoch_and_the_newest_of_each_counts() -> None:
    found = seen((1, "running", 0.1), (2, "running", 0.2), (3, "done", 0.3))
    assert [reading.epoch for reading in found.history(TRIAL)] == [1, 2, 3]
    last = found.last(TRIAL)
    assert last is not None
    assert last.status == "done"
    assert found.last(Trial(candidate="c01", seed=0)) is None
