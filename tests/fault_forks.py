"""Commands in forks of a process that has imported what they need: hundreds of cases for the price of one import.

As a program it is the process that forks: a case a line in (JSON), a result a line out.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
MOST_BYTES = 3 << 30
"""Of memory: more is a flood."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A command in a folder.

    Attributes:
        environment: variables beside those of the forking process.
        fault: for `fault_breaking.install`; `stub` in it puts `fault_stub` to work. None lets everything be.
        seconds: after which it hangs.
    """

    arguments: Sequence[str]
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)
    fault: Mapping[str, Any] | None = None
    seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What became of a case.

    Attributes:
        code: the exit code; negative: the signal that ended it.
        seconds: of the processor: a busy machine lengthens the others.
        why: «hung» or «memory» where that ended it, «traceback» where an exception was not caught.
        torch: whether torch was imported at the end, None where nobody can say.
        said, complained: the ends of stdout and stderr.
        operations: that the fault's hook has counted.
    """

    code: int
    seconds: float
    why: str
    torch: bool | None
    said: str
    complained: str
    operations: tuple[str, ...] = ()


class Forks:
    """A process that forks.

    Args:
        imports: modules that it imports before the first case.
        path: to be searched for modules first.
    """

    def __init__(self, *imports: str, path: Sequence[str] = ()) -> None:
        settings = {"PYTHONPATH": os.pathsep.join([*path, *sys.path]), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / "fault_forks.py"), *imports], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | settings,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def run(self, case: Case) -> Ended:
        """Runs a case to its end."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(asdict(case)), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        return Ended(**{**answer, "operations": tuple(answer["operations"])})


def _serve(imports: Sequence[str]) -> None:
    for name in imports:
        __import__(name)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        print(json.dumps(_in_a_fork(Case(**json.loads(line)))), file=answers, flush=True)


def _in_a_fork(case: Case) -> dict[str, Any]:
    report, files = Path(case.folder, ".report"), [Path(case.folder, name) for name in (".said", ".complained")]
    report.unlink(missing_ok=True)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be(case, report, files)
    why, status, used = _wait(child, began + case.seconds)
    known = json.loads(report.read_text()) if report.exists() else {"torch": None, "traceback": False, "operations": []}
    ends = [path.read_text(errors="replace")[-3000:] if path.exists() else "" for path in files]
    for path in (report, *files):
        path.unlink(missing_ok=True)
    return {
        "code": os.waitstatus_to_exitcode(status), "seconds": used,
        "why": why or ("traceback" if known["traceback"] else ""), "torch": known["torch"], "said": ends[0],
        "complained": ends[1], "operations": known["operations"],
    }  # fmt: skip


def _wait(child: int, until: float) -> tuple[str, int, float]:
    pause, why = 0.002, ""
    while True:
        done, status, used = os.wait4(child, os.WNOHANG)
        if done:
            return why, status, used.ru_utime + used.ru_stime
        if not why:
            why = "hung" if time.monotonic() > until else "memory" if _resident(child) > MOST_BYTES else ""
            if why:
                os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(1.5 * pause, 0.05)


def _resident(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096
    except (OSError, IndexError):
        return 0


def _be(case: Case, report: Path, files: Sequence[Path]) -> None:
    """The child: becomes the command, and never returns."""
    code, crashed = 1, False
    operations: list[str] = []

    def tell() -> None:
        known = {"torch": "torch" in sys.modules, "traceback": crashed, "operations": operations}
        report.write_text(json.dumps(known))

    try:
        os.setsid()
        os.chdir(case.folder)
        os.environ.update(case.environment)
        for number, path in ((0, Path(os.devnull)), (1, files[0]), (2, files[1])):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC if number else os.O_RDONLY, 0o600)
            os.dup2(handle, number)
        sys.argv = ["scaling-search", *case.arguments]
        from scaling_search.cli import main

        if case.fault is not None:
            import fault_breaking

            if case.fault.get("stub"):
                import fault_stub

                fault_stub.install()
            fault_breaking.install(case.fault, operations, tell)
        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        crashed = True
        traceback.print_exc()
    if case.fault is not None:
        fault_breaking.stop()
    sys.stdout.flush()
    sys.stderr.flush()
    tell()
    os._exit(code)


if __name__ == "__main__":
    sys.path.insert(0, str(HERE))
    _serve(sys.argv[1:])
