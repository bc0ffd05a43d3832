"""Who does not end by himself is ended."""

import subprocess
import sys
import time

import psutil

from scaling_search.search.executors import processes

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"


def test_the_stubborn_are_ended_and_the_willing_are_waited_for() -> None:
    stubborn = subprocess.Popen([sys.executable, "-S", "-c", STUBBORN], stdout=subprocess.PIPE)
    willing = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(0.3)"])
    with stubborn:
        assert stubborn.stdout is not None
        stubborn.stdout.readline()
        began = time.monotonic()
        processes.end([psutil.Process(stubborn.pid), psutil.Process(willing.pid)], patience=3)
        assert time.monotonic() - began < 6
        assert not psutil.pid_exists(stubborn.pid)
        assert not psutil.pid_exists(willing.pid)


def test_this_process_has_no_ray_of_its_own() -> None:
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    try:
        assert processes.of_own_ray() == []
    finally:
        child.kill()
        child.wait()
