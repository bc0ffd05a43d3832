"""Bad commands and files from a grammar: each is one sentence and exit code 2, or is done; none hangs or floods memory.

FAULTS_SEED and FAULTS_CASES choose others: FAULTS_CASES=3000 FAULTS_SEED=7 pytest tests/faults/test_bad_commands.py
"""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fault_forks import Case, Ended, Forks
from fault_grammar import Bad, commands

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("FAULTS_SEED") or 6)  # the same in CI each time: another seed finds what nobody has broken
CASES = int(os.environ.get("FAULTS_CASES") or 80)
LONGEST = 5.0
"""Seconds, of what is no training and imports no torch."""


TESTS = str(Path(__file__).parents[1])
PATIENCE = {"SCALING_SEARCH_PATIENCE": "5"}


@dataclass(frozen=True)
class Both:
    """Forks of a process that has imported torch, for what needs it, and of one that has not, for what must not."""

    light: Forks
    heavy: Forks

    def run(self, bad: Bad, case: Case) -> Ended:
        return (self.light if bad.what in ("option", "search space") else self.heavy).run(case)


@contextmanager
def both_forks() -> Iterator[Both]:
    """Two processes to fork."""
    heavy = ("torch", "scaling_search.study.study", "scaling_search.report", "optuna", "torch._dynamo")
    with Forks("scaling_search.cli", path=[TESTS]) as light, Forks("scaling_search.cli", *heavy, path=[TESTS]) as more:
        yield Both(light, more)


@pytest.fixture(scope="module")
def forks() -> Iterator[Both]:
    with both_forks() as forks:
        yield forks


def test_what_is_bad_is_told_in_a_sentence(forks: Both, whole_run: Path, images: Path, tmp_path: Path) -> None:
    print(f"FAULTS_SEED={SEED} FAULTS_CASES={CASES}")
    found = []
    for number, bad in enumerate(commands(SEED, CASES)):
        ended = tried(forks, bad, whole_run.parent, images, tmp_path / f"{number}")
        if verdict := judged(bad, ended):
            found.append(f"{number} {verdict}: {shown(bad)}\n{ended.complained[-600:]}")
    assert not found, f"FAULTS_SEED={SEED}: {len(found)} of {CASES}\n" + "\n".join(found)


def tried(forks: Both, bad: Bad, place: Path, images: Path, folder: Path) -> Ended:
    """What became of a bad command in a folder with a run, images and tiny.yaml."""
    folder.mkdir()
    shutil.copytree(place / "run", folder / "run")
    shutil.copy(place / "tiny.yaml", folder)
    (folder / "images").symlink_to(images)
    bad.make(folder)
    try:
        where = {"SCALING_SEARCH_CACHE": str(place / "cache")}
        return forks.run(bad, Case(arguments=bad.arguments, folder=str(folder), environment=where | PATIENCE))
    finally:
        for path in (folder, *folder.rglob("*")):
            if path.is_dir() and not path.is_symlink():
                path.chmod(stat.S_IRWXU)
        shutil.rmtree(folder)


def judged(bad: Bad, ended: Ended) -> str:
    """What is wrong with how a command ended; "" where nothing is."""
    if ended.why:
        return ended.why
    if ended.code == 130 and bad.what == "program":  # its code raises KeyboardInterrupt
        return ""
    if ended.code not in (0, 1, 2):
        return f"exit code {ended.code}"
    lines = [line for line in ended.complained.splitlines() if line.startswith("scaling-search: ")]
    usage = "Usage:" in ended.complained
    if ended.code == 2 and len(lines) + usage != 1:
        return f"{len(lines)} sentences"
    if ended.code == 1 and not (ended.said or ended.complained).strip():
        return "nothing said"
    if ended.code == 2 and bad.what == "option" and ended.torch and usage:
        return "torch was imported"
    if ended.torch is False and ended.seconds > LONGEST:
        return f"{ended.seconds:.1f} s"
    return ""


def shown(bad: Bad) -> str:
    """A command, short enough to be read."""
    return f"[{bad.what}] " + " ".join(
        part if len(part) < 80 else f"{part[:40]}…({len(part)})" for part in map(ascii, bad.arguments)
    )
