"""What a run ran on: versions, device, git commit; enough to say where a number comes from."""

import ctypes
import hashlib
import os
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from scaling_search import __version__
from scaling_search.errors import InvalidInput

Device = Literal["auto", "cpu", "cuda"]
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
PACKAGES = ("torch", "ray", "optuna", "numpy", "pandas", "pillow", "timm", "torchvision")


def versions() -> dict[str, str]:
    """Python's, this package's and the installed packages' versions."""
    # an editable install's metadata keeps the version of the day it was installed
    found = {"python": platform.python_version(), "scaling-search": __version__}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git_commit() -> str | None:
    """The commit of the checkout that this code lies in, with «-dirty» when it was changed; None outside one."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


@cache
def code_digest(*rooms: str) -> str:
    """A digest of this package's code in these folders of it: a version's number may stay the same while it changes."""
    files = sorted(path for room in rooms for path in (Path(__file__).parent / room).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def resolve_device(wanted: Device) -> Literal["cpu", "cuda"]:
    """«auto» is CUDA where there is one.

    Raises:
        InvalidInput: CUDA is wanted and torch sees none.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        built = "this torch was built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        raise InvalidInput(f"--device cuda: {built}; use --device cpu")
    return "cpu"


def describe_device(kind: str) -> dict[str, Any]:
    """The device's kind and name, and how many there are."""
    if kind == "cuda":
        import torch

        return {"kind": "cuda", "name": torch.cuda.get_device_name(), "count": torch.cuda.device_count()}
    return {"kind": "cpu", "name": _processor(), "count": cpu_count()}


def use_one_thread() -> None:
    """One thread for this process's tensors, as a CPU trial has: two one-thread trials beat one with two threads.

    More threads than free cores wait for each other in turn: 8 images/s instead of 242 when this was measured on a busy
    machine. It also makes results independent of the number of cores.
    """
    use_threads(1)


def use_threads(count: int) -> None:
    """So many threads for this process's tensors."""
    os.environ.setdefault("OMP_NUM_THREADS", str(count))  # read when torch is imported
    import torch

    torch.set_num_threads(count)


def keep_memory() -> None:
    """What is freed stays with this process for the next training step, where the C library can be told so (glibc).

    By itself it hands large blocks back to the system, which clears them anew for every step; that is a quarter of the
    time of a thin network of 127 px (results/training). Blocks of over 32 MB still go back: its own limit. Whoever has
    set its MALLOC_… variables has decided otherwise.
    """
    library = _glibc()
    if library is None or any(name.startswith("MALLOC_") for name in os.environ):
        return
    library.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
    library.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def return_memory() -> None:
    """Hands what was freed back to the system, at the end of a training."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def cpu_count() -> int:
    """The cores that this process may use, not those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    """The processor's model as Linux names it, else what Python knows."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()
