"""Ray for the time of a search: started quietly, behind its token, and gone afterwards with all that it wrote.

What Ray prints goes to the run's log: its records, its workers' output, and the C++ text that its library writes to
the process' standard error. What a killed search leaves of it is swept when the next one starts.
"""

import contextlib
import logging
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scaling_search.environment import cpu_count
from scaling_search.errors import InvalidInput
from scaling_search.files import UNFINISHED, is_abandoned, process_of, remove, sweep, unfinished
from scaling_search.search.executors import processes
from scaling_search.search.executors.ray_address import joined_address, use_token
from scaling_search.search.executors.trouble import reason_of

# Must be set before ray is imported or started; each silences something or keeps it off.
_ENVIRONMENT = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a CPU trial on a GPU machine leaves the GPUs' variable alone
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # the journal is the record; three more copies of it cost time
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_MAX_PENDING_TRIALS_PG": "100000",  # how many there are is the searcher's affair
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",  # nothing is restored from Tune's own record of all trials
    "OMP_NUM_THREADS": "1",
    "RAY_preload_python_modules": "torch,ray.tune",  # while Tune itself is begun, and not with the first trial
}
_QUIET = {"log_to_driver": False, "logging_level": logging.ERROR}
_SESSION = re.compile(r"session_(\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d)_\d+_(\d+)")  # when, and the process that made it
_NOTE = "started"
"""The file of a search's own temporary folder that says when it asked Ray to start."""
_SOCKET = len("/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store")
_LONGEST_SOCKET = 107  # bytes, on Linux
_TRIES = 3
_START = timedelta(minutes=2)
"""Longer than Ray takes from being asked to start to making its session's folder."""


@dataclass(frozen=True)
class Session:
    """A Ray that is at work.

    Attributes:
        scratch: a folder for Tune's bookkeeping: never inside the run's, since a socket path over 107 bytes fails.
        address: of the Ray that was joined; None where it was started here, or ran in this process.
        several: whether trials may run on other machines than this.
    """

    scratch: Path
    address: str | None = None
    several: bool = False


@contextlib.contextmanager
def started(cpus: int, log: Path | None, *, address: str | None = None) -> Iterator[Session]:
    """Ray for the time of the block. What runs already (a cluster, a Ray of this process) is left running.

    Args:
        cpus: of a Ray that is started here.
        log: the file for what Ray and its workers print; None: it is not kept.
        address: see `joined_address`.

    Raises:
        InvalidInput: the Ray at the address does not answer.
    """
    os.environ.update({name: value for name, value in _ENVIRONMENT.items() if name not in os.environ})
    temporary = _temporary()
    swept = sweep_sessions(temporary)
    with _scratch() as scratch, _logged_to(log), _terminal_from(log), _own_handlers() as handle_again:
        if not _has_home():
            os.environ["HOME"] = str(scratch)  # Ray keeps its token there
        import ray

        if ray.is_initialized():
            yield Session(scratch, several=sum(node["Alive"] for node in ray.nodes()) > 1)
            return
        joined = joined_address(address)
        begun = _begun(cpus, temporary / "ray") if joined is None else _joined(joined)
        handle_again()
        try:
            yield Session(scratch, joined, several=joined is not None)
        finally:
            session = begun.address_info.get("session_dir") or ""
            own = processes.of_own_ray() if joined is None else []
            ray.shutdown()
            processes.end(own)
            if joined is None and session:
                _keep_worker_output(Path(session), log)
                remove(Path(session))
            for path in swept:  # agents of a killed search may have lived on for a while, and written
                remove(path)


def _begun(cpus: int, sessions: Path) -> Any:
    import ray

    guard_token()
    others = processes.children()
    for left in reversed(range(_TRIES)):
        try:
            return ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                object_store_memory=100 * 2**20,  # it carries only pickled configs; images go through memory maps
                # Else it starts as many idle workers as it has slots, beside those that the trials start.
                _system_config={"prestart_worker_first_driver": cpus <= cpu_count()},
                **_QUIET,
            )
        except Exception as error:  # on a busy machine it gives up after half a minute, and no setting changes that
            ray.shutdown()
            processes.end(processes.children() - others, patience=0)
            for path in sessions.glob(f"session_*_{os.getpid()}"):
                remove(path)
            if not left:
                raise InvalidInput(
                    f"Ray cannot be started here: {reason_of(error)} (--executor inline does without)"
                ) from error
    raise AssertionError("the last try returns or raises")


def _joined(address: str) -> Any:
    import ray

    use_token()
    try:
        return ray.init(address=address, **_QUIET)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise InvalidInput(f"the Ray at {address} cannot be joined: {reason_of(error)}") from error


def guard_token() -> None:
    """Nobody else on this machine may read the token that opens Ray's ports: Ray would write it for all to read."""
    if any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")):
        return
    path = Path.home() / ".ray" / "auth_token"
    with contextlib.suppress(PermissionError):  # of another person, who looks after it
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            path.chmod(0o600)
        else:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_hex(32))  # as Ray does, which takes what is there


def sweep_sessions(temporary: Path) -> list[Path]:
    """Removes what killed searches left among the temporary files: their own folders, and the sessions of their Rays.

    Ray names a session by its process and when it began; it is a search's if one of that process, which has ended,
    noted just before that it starts Ray. A cluster's has no such note.

    Returns:
        The sessions.
    """
    swept = []
    for note in temporary.glob(f"{UNFINISHED}*"):
        process = process_of(note)
        if process is not None and is_abandoned(note):
            with contextlib.suppress(OSError, ValueError):
                began = datetime.fromisoformat((note / _NOTE).read_text())
                for session in (temporary / "ray").glob(f"session_*_{process}"):
                    if _follows(session.name, began):
                        remove(session)
                        swept.append(session)
    sweep(temporary)
    return swept


def _has_home() -> bool:
    """Whether this user may write into a home folder; in some containers there is none."""
    try:
        return os.access(Path.home(), os.W_OK)
    except RuntimeError:
        return False


def _temporary() -> Path:
    """Where Ray makes its sessions, in a folder «ray»: the folder for temporary files, or one with a shorter name where
    a socket's would be longer than the system takes."""
    asked = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
    if len(os.fsencode(asked)) + _SOCKET > _LONGEST_SOCKET and os.access("/tmp", os.W_OK):
        asked = os.environ["RAY_TMPDIR"] = "/tmp"
    return Path(asked)


def _follows(session: str, began: datetime) -> bool:
    """Whether Ray made a session just after it was asked to."""
    found = _SESSION.fullmatch(session)
    if found is None:
        return False
    return timedelta() <= datetime.strptime(found[1], "%Y-%m-%d_%H-%M-%S") - began < _START


def _keep_worker_output(session: Path, log: Path | None) -> None:
    """Appends what the workers printed to the log; Ray's own daemons' logs go with its session."""
    if log is None:
        return
    with log.open("a", encoding="utf-8") as file:
        for path in sorted((session / "logs").glob("worker-*.[eo]*")):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [line for line in text.splitlines() if line and not line.startswith(":")]  # :actor_name: marks
            if lines:
                file.write("\n".join([f"# {path.name}", *lines, ""]))


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """A folder among the temporary files, with a note of when it was made."""
    folder = unfinished(_temporary())
    folder.mkdir(mode=0o700)
    try:
        (folder / _NOTE).write_text(datetime.now().isoformat(timespec="seconds"))  # Ray's names have no zone either
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _logged_to(path: Path | None) -> Iterator[None]:
    """Ray's log records go to the file instead of the terminal."""
    if path is None:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("ray")
    handlers, propagate = logger.handlers[:], logger.propagate
    logger.handlers, logger.propagate = [handler], False
    try:
        yield
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        handler.close()


@contextlib.contextmanager
def _terminal_from(path: Path | None) -> Iterator[None]:
    """What C++ writes to file 2 goes to the file; Python's sys.stderr still leads where file 2 led."""
    if path is None:
        yield
        return
    before = sys.stderr
    terminal = os.dup(2)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(handle, 2)
    os.close(handle)
    if _leads_to_file_2(before):
        before.flush()
        sys.stderr = os.fdopen(os.dup(terminal), "w", buffering=1, encoding=before.encoding, errors="backslashreplace")
    try:
        yield
    finally:
        if sys.stderr is not before:
            sys.stderr.close()
            sys.stderr = before
        os.dup2(terminal, 2)
        os.close(terminal)


def _leads_to_file_2(stream: Any) -> bool:
    try:
        return bool(stream.fileno() == 2)
    except (OSError, ValueError, AttributeError):  # a notebook's, a test's
        return False


@contextlib.contextmanager
def _own_handlers() -> Iterator[Any]:
    """Ray and Tune put handlers of theirs in place of the program's: yields what puts the program's back, as the end
    does. Tune's own for Ctrl-C, which ends a search in order, is set later and stays while Tune runs."""
    ours = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle_again() -> None:
        if threading.current_thread() is threading.main_thread():
            for number, handler in ours.items():
                if handler is not None:  # set by C, which alone could set it again
                    signal.signal(number, handler)

    try:
        yield handle_again
    finally:
        handle_again()
