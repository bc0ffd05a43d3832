"""What is freed stays with a process that trains, and goes back to the system at the end of a training."""

import platform
import subprocess
import sys

import pytest

LOOP = """
import resource
import numpy as np
from scaling_search.environment import keep_memory, return_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1])

def step():
    for block in [np.ones(5 << 20, np.float32) for _ in range(4)]:  # 20 MB each
        block += 1

if KEEP:
    keep_memory()
for _ in range(3):
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
faults, held = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before, resident()
return_memory()
print(faults, held - resident())
"""


def faults_and_pages_returned(*, keep: bool, environment: dict[str, str] | None = None) -> list[int]:
    code = LOOP.replace("KEEP", str(keep))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return [int(number) for number in done.stdout.split()]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's memory")
def test_freed_memory_is_kept_and_returned() -> None:
    usual, _ = faults_and_pages_returned(keep=False)
    kept, returned = faults_and_pages_returned(keep=True)
    assert kept < usual / 20
    assert returned * 4096 > 60e6, "of 80 MB"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's memory")
def test_whoever_has_set_it_is_left_alone() -> None:
    usual, _ = faults_and_pages_returned(keep=False)
    own, _ = faults_and_pages_returned(keep=True, environment={"MALLOC_ARENA_MAX": "2"})
    assert own > usual / 2
