"""Several runs side by side: other data, baselines or lengths. Shown together, never averaged."""

from collections.abc import Sequence
from pathlib import Path

from scaling_search.errors import InvalidInput
from scaling_search.report.several import OneRun, SeveralRuns
from scaling_search.search.folder import RunFolder
from scaling_search.search.verification import read_verification
from scaling_search.study.answer import read_answer


def compare_runs(runs: Sequence[str | Path]) -> SeveralRuns:
    """The answers of several runs, in one table and one triangle.

    Args:
        runs: folders of searches, two or more.

    Raises:
        InvalidInput: there are fewer than two, one is no search or has no finished trial, or one is named twice.
    """
    paths = [Path(run) for run in runs]
    if len({path.resolve() for path in paths}) < max(2, len(paths)):
        raise InvalidInput("name two or more runs, each once")
    names = _names(paths)
    return SeveralRuns(tuple(_read(path, name) for path, name in zip(paths, names, strict=True)))


def _names(paths: Sequence[Path]) -> list[str]:
    """The folders' names; their paths, where two have the same."""
    names = [path.resolve().name for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _read(path: Path, name: str) -> OneRun:
    folder = RunFolder(path)
    record = folder.record()
    if record.compares:
        raise InvalidInput(f"{path} is a comparison, which has no pick; `scaling-search analyze {path}` reads it")
    found = read_verification(path)
    return OneRun(
        name=name,
        baseline=str(record.baseline["name"]),
        data=record.data.name,
        images=(record.data.name, record.data.classes, record.data.train, record.data.val),
        pixels=record.data.pixels,
        phi=record.question.phi,
        analysis=read_answer(folder).analysis,
        verified=None if found is None else found.verdict,
    )
