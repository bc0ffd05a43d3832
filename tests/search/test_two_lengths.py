"""Whether longer trainings fit into what is left: on several workers the last one may run alone."""

import pytest

from scaling_search.evidence import Evidence, Reading, Trial
from scaling_search.search.lengths import plan_lengths

SECONDS = {"c00": 4.0, "c01": 1.0, "c02": 2.0, "c03": 2.0, "c04": 3.0}
"""Of an epoch. Thirty more epochs of each take 360 s; two workers need 180 s, with the longest first."""
NAMES = {"c00": ("depth",), "c01": ("width",), "c02": ("resolution",), "c03": ("uniform",)}


@pytest.fixture
def evidence() -> Evidence:
    trials = {Trial(candidate=name, seed=0): seconds for name, seconds in SECONDS.items()}
    histories = {
        trial: tuple(
            Reading(trial=trial, epoch=epoch, status="running" if epoch < 10 else "paused", top1=0.5, val_loss=1.0,
                    seconds=seconds)
            for epoch in range(1, 11)
        )
        for trial, seconds in trials.items()
    }  # fmt: skip
    return Evidence(candidates=dict.fromkeys(SECONDS, (1 / 3, 1 / 3, 1 / 3)), histories=histories)


def test_the_longest_comes_first(evidence: Evidence) -> None:
    found = plan_lengths(evidence, NAMES, epochs=10, seconds=1000, workers=2)
    assert found is not None
    assert found.candidates == ("c00", "c04", "c02", "c03", "c01")
    assert found.epochs == 40


@pytest.mark.parametrize(("workers", "least"), [(1, 360), (2, 360), (5, 600)])
def test_what_they_need(evidence: Evidence, workers: int, least: float) -> None:
    """Five workers wait for the longest: 120 s of each."""
    fits = [
        plan_lengths(evidence, NAMES, epochs=10, seconds=seconds, workers=workers) for seconds in (least, least - 1)
    ]
    assert [one is not None for one in fits] == [True, False]
