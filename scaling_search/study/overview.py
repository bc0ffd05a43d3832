"""Where runs stand, read from their folders; nothing is written, and whoever works in one is not disturbed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from scaling_search.configuration import read_yaml
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED, Proposal, Reading
from scaling_search.locks import is_held
from scaling_search.search.folder import RECORD, RunFolder
from scaling_search.search.journal import Readings, read_entries
from scaling_search.search.record import RunRecord
from scaling_search.search.staged import FOUND
from scaling_search.strategies import DONE
from scaling_search.study.recorded import candidate_rows

Entry = Reading | Proposal

_DEEPEST = 3  # folders below the one that is listed


@dataclass(frozen=True, kw_only=True)
class Overview:
    """One run.

    Attributes:
        baseline, phi, data, started: what it asks, and since when.
        done, wanted: trials that ended, and those of the plan with the unscaled network's.
        failed: trials whose networks failed.
        reason: why most of these did.
        best, top1: the candidate with the highest mean top-1 so far, and that.
        state: «at work», «finished», «interrupted» or «not begun».
        verdict: the kind of the answer and its sentence, where there is one.
    """

    folder: str
    baseline: str
    phi: float
    data: str
    started: str
    done: int
    wanted: int
    failed: int
    reason: str
    best: str
    top1: float | None
    state: str
    verdict: str
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def overview(path: Path) -> Overview:
    """Where one run stands.

    Raises:
        InvalidInput: the folder is not a run.
    """
    folder = RunFolder(path)
    record = folder.record()
    entries = read_entries(folder.journal) if folder.journal.exists() else []
    last = {entry.trial: entry for entry in entries if isinstance(entry, Reading)}
    resting = [reading for reading in last.values() if reading.final or reading.resting]
    reasons = Counter(reading.reason for reading in resting if reading.status == "failed")
    best, top1 = _best(resting)
    answer = _answer(path / ("comparison.yaml" if record.compares else FOUND if record.seeks else "best.yaml"))
    return Overview(
        folder=str(path),
        baseline=str(record.baseline["name"]),
        phi=record.question.phi,
        data=record.data.name,
        started=record.started,
        done=len(resting),
        wanted=wanted(record),
        failed=sum(reasons.values()),
        reason=reasons.most_common(1)[0][0] if reasons else "",
        best=best,
        top1=top1,
        state=_state(folder, record, entries, begun=bool(last)),
        verdict=str(answer.get("verdict", "")),
        sentence=str(answer.get("sentence", "")),
    )


def runs_below(root: Path) -> list[Path]:
    """The folders of runs in a folder and a few levels below it, the newest last.

    Raises:
        InvalidInput: there is no such folder.
    """
    if not root.is_dir():
        raise InvalidInput(f"there is no folder {root}")
    found = [path.parent for depth in range(_DEEPEST + 1) for path in root.glob("*/" * depth + RECORD)]
    return sorted(found, key=lambda path: (path / RECORD).stat().st_mtime)


def _best(readings: list[Reading]) -> tuple[str, float | None]:
    scores: dict[str, list[float]] = {}
    for reading in readings:
        if reading.top1 is not None and reading.status != "failed" and reading.trial.candidate != UNSCALED:
            scores.setdefault(reading.trial.candidate, []).append(reading.top1)
    if not scores:
        return "", None
    name, values = max(scores.items(), key=lambda item: fmean(item[1]))
    return name, fmean(values)


def _answer(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content = read_yaml(path)
    return content if isinstance(content, dict) else {}


def _state(folder: RunFolder, record: RunRecord, entries: Sequence[Entry], *, begun: bool) -> str:
    if is_held(folder.path):
        return "at work"
    if not begun:
        return "not begun"
    return "finished" if _complete(folder, record, entries) else "interrupted"


def _complete(folder: RunFolder, record: RunRecord, entries: Sequence[Entry]) -> bool:
    """Whether the strategy wants nothing more; where it is a person's own, whether the plan's trials have ended."""
    try:
        strategy = record.make_strategy()
    except InvalidInput:
        return len({entry.trial for entry in entries if isinstance(entry, Reading) and entry.resting}) >= wanted(record)
    if record.pilot is not None and record.pilot.pending:
        return False
    rows = candidate_rows(folder)
    divisions = {row.id: row.shares.as_tuple() for row in rows}
    realised, choices = {row.id: row.realised for row in rows}, {row.id: row.choices for row in rows}
    evidence = Readings(entries).evidence(divisions, realised, choices)
    return record.asking(strategy).decide(evidence, frozenset()) is DONE


def wanted(record: RunRecord) -> int:
    """Trials of the plan, with those of the unscaled network."""
    return record.plan.trials + (record.pilot.seeds if record.pilot else 0)
