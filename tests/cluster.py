"""Several Ray nodes on one machine, each as a machine of its own: its cache is another folder."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TOKEN = "of-the-tests-cluster-alone"
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()"]


@dataclass
class Cluster:
    """Nodes begun by `ray start`; the first is the head.

    Args:
        place: each node's cache is cache-<number> in it.
    """

    place: Path
    address: str = ""
    nodes: list["subprocess.Popen[str]"] = field(default_factory=list)

    def add(self, cpus: int, *more: str) -> "subprocess.Popen[str]":
        """Begins a node of so many CPUs, and waits until it has joined."""
        number = len(self.nodes)
        where = ["--address", self.address] if self.nodes else ["--head", "--port", "0", "--include-dashboard", "false"]
        settings = {
            "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", "RAY_TMPDIR": str(self.place / "t"),
            "SCALING_SEARCH_CACHE": str(self.place / f"cache-{number}"), "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN,
        }  # fmt: skip
        log = self.place / f"node-{number}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [*RAY, "start", *where, "--num-cpus", str(cpus), "--block", "--object-store-memory", str(100 * 2**20),
                 "--disable-usage-stats", *more],
                env=os.environ | settings, stdout=output, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip
        self.nodes.append(process)
        wait_for(lambda: "Ray runtime started" in log.read_text(), process, log)
        if not self.address:
            found = re.search(r"--address='([^']+)'", log.read_text())
            assert found, log.read_text()
            self.address = found[1]
        return process

    def kill(self, number: int) -> None:
        """Switches a node off, with all its processes."""
        os.killpg(self.nodes[number].pid, signal.SIGKILL)
        self.nodes[number].wait()

    def stop(self) -> None:
        """Ends what is left, the head last."""
        for process in reversed(self.nodes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def cache(self, number: int) -> Path:
        """The packed images of a node."""
        return self.place / f"cache-{number}" / "data"


def wait_for(happened: Callable[[], bool], process: "subprocess.Popen[str]", log: Path) -> None:
    """Returns when it has happened, within a minute."""
    for _ in range(600):
        if happened():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"not within a minute: {log.read_text()}")


@contextmanager
def cluster(place: Path, *cpus: int) -> Iterator[Cluster]:
    """A cluster of nodes of so many CPUs each."""
    found = Cluster(place)
    try:
        for count in cpus:
            found.add(count)
        yield found
    finally:
        found.stop()
