"""What large searches cost: a fine lattice listed, a journal of 100,000 readings stopped at, a large run analysed.

OMP_NUM_THREADS=1 PYTHONPATH=.:tests python benchmarks/load.py [candidates] [journal] [analyze]

Each figure is CPU seconds of one process, but the journal's, which waits for the disk: seconds on the clock.
"""

import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from planted_run import peak, plant

from scaling_search.coefficients import Shares
from scaling_search.evidence import Reading, Trial
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import Journal
from scaling_search.study.answer import write_answer
from scaling_search.study.listing import list_candidates
from scaling_search.study.network import network
from scaling_search.study.options import Options

ROWS = 100_000
EPOCHS = 25


def candidates() -> None:
    """The lattice of sixtieths, 1,891 points, of B0."""
    options = Options(parts=60)
    begun = process_time()
    found = list_candidates(network("b0"), options)
    print(f"candidates --parts 60: {process_time() - begun:.1f} s for {len(found):,} networks")


def journal() -> None:
    """What a scheduler's stops cost at the end of a long search."""
    with tempfile.TemporaryDirectory() as folder:
        trials = [Trial(candidate=f"c{number:04d}", seed=0) for number in range(ROWS // EPOCHS)]
        lines = (
            f'{{"trial":{{"candidate":"{trial.candidate}","seed":0}},"epoch":{epoch},"status":"running","top1":0.5}}\n'
            for epoch in range(1, EPOCHS + 1)
            for trial in trials
        )
        Path(folder, "journal.jsonl").write_text("".join(lines))
        begun = perf_counter()
        book = Journal(Path(folder))
        print(f"a journal of {ROWS:,} readings: opened in {perf_counter() - begun:.2f} s")
        begun = perf_counter()
        for trial in trials[:200]:
            book.add(Reading(trial=trial, epoch=EPOCHS, status="stopped", reason="early"))
        print(f"a stop: {(perf_counter() - begun) / 200:.4f} s (mean of 200)")


def analysis() -> None:
    """A run of 2,000 candidates × 3 seeds, with its figures and page."""
    with tempfile.TemporaryDirectory() as folder:
        points = [
            Shares(depth=d, width=w, resolution=r) for d, w, r in np.random.default_rng(0).dirichlet([1] * 3, 2000)
        ]
        run = RunFolder(plant(Path(folder, "run"), truth=peak((0.4, 0.3, 0.3)), points=points))
        begun = process_time()
        write_answer(run)
        size = (run.path / "report.html").stat().st_size
        print(f"analyze of 2,000 × 3: {process_time() - begun:.1f} s, page of {size / 1e6:.2f} MB")


if __name__ == "__main__":
    parts = {"candidates": candidates, "journal": journal, "analyze": analysis}
    for name in sys.argv[1:] or parts:
        parts[name]()
