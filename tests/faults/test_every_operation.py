"""Every file operation of a run, a training and a packing fails in turn, or is the last before a kill or a power cut.

FAULTS_CASES chooses how many cases of each kind are tried, spread evenly; 0 is all (hours). `benchmarks/faults.py`
tries all, and goes on where it was interrupted.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest
from fault_cases import (
    HOWS,
    RUN,
    TRAIN,
    Work,
    check_honest,
    check_run,
    check_training,
    forking,
    make_work,
    undisturbed,
)
from fault_forks import Forks
from fault_run import outcome

pytestmark = pytest.mark.faults

CASES = int(os.environ.get("FAULTS_CASES") or 6)
SEED = int(os.environ.get("FAULTS_SEED") or 2)


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with forking() as forks:
        yield forks


@pytest.fixture
def work(forks: Forks, images: Path, tmp_path: Path) -> Callable[[Sequence[str], bool], Work]:
    """A fresh folder for each call."""
    count = iter(range(10**6))

    return lambda arguments, stub: make_work(forks, tmp_path / f"{next(count)}", images, arguments, stub=stub)


@pytest.mark.parametrize("how", HOWS)
def test_of_a_run(work: Callable[[Sequence[str], bool], Work], how: str) -> None:
    whole = undisturbed(work(RUN, True))
    for at in chosen(len(whole.operations)):
        check_run(work(RUN, True), whole, at=at, how=how)


@pytest.mark.parametrize("how", HOWS)
def test_of_a_training(work: Callable[[Sequence[str], bool], Work], how: str) -> None:
    """With its packing, which is the same for all."""
    whole = undisturbed(work(TRAIN, False))
    for at in chosen(len(whole.operations)):
        check_training(work(TRAIN, False), whole, at=at, how=how)


@pytest.mark.parametrize("most", [3000, 5000, 20_000])
def test_files_that_get_no_longer(work: Callable[[Sequence[str], bool], Work], most: int) -> None:
    """Writes fail in their middle, as on a disk that is full."""
    whole = work(RUN, True)
    assert whole.call(RUN).code == 0
    one = work(RUN, True)
    broken = one.call(RUN, bytes=most)
    check_honest(broken, one, outcome(whole.folder / "run"), f"files of {most} bytes")
    assert one.again().code == 0
    pd.testing.assert_frame_equal(outcome(one.folder / "run"), outcome(whole.folder / "run"))
    assert one.files() == whole.files()


def chosen(count: int) -> list[int]:
    """The operations that break: so many, spread evenly, at a random start."""
    if not CASES or count <= CASES:
        return list(range(count))
    start = random.Random(SEED).random()
    return sorted({int((start + index) * count / CASES) % count for index in range(CASES)})
