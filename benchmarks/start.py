"""How long it takes from the command to the first step of the first trial, and where the seconds go.

python benchmarks/start.py DATA [BASELINE ...] [--tree CHECKOUT ...] [--repeats 3]

Each command is begun, and ended when its first trial has trained one step. The first command of each baseline fills the
caches (the packed images, what networks cost, …) and is not counted. With several checkouts they take turns, so that
what else the machine does falls on all alike. CPU seconds are those of all processes, Ray's too.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = "from scaling_search.cli import main; main()"
# Runs at the start of every Python process: notes when each process trains its first step.
NOTES = """
import importlib.abc, importlib.machinery, os, sys, time
NAME = "scaling_search.training.learner"

class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        executed = spec.loader.exec_module

        def exec_module(module):
            executed(module)
            step = module.Learner.step

            def noted(self, *given, **named):
                found = step(self, *given, **named)
                module.Learner.step = step
                with open(os.environ["START_NOTES"], "a") as file:
                    file.write(f"{os.getpid()} {time.time()}\\n")
                return found

            module.Learner.step = noted

        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Finder())
"""


@dataclass
class Start:
    """One command.

    Attributes:
        said: each line, with the seconds and CPU seconds until it was printed.
        first: seconds until the first trial's first step.
        cpu: of all processes until then.
    """

    said: list[tuple[float, float, str]] = field(default_factory=list)
    first: float = 0.0
    cpu: float = 0.0


def cpu_seconds(session: int) -> float:
    """Of the processes of a session that live, and of their children that have ended."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            total += sum(int(value) for value in fields[11:15])
    return total / os.sysconf("SC_CLK_TCK")


def start(tree: Path, baseline: str, data: str, cache: Path, place: Path) -> Start:
    """Begins a command and ends it when a trial trains."""
    place.mkdir()
    (place / "sitecustomize.py").write_text(NOTES)
    notes = place / "notes"
    environment = os.environ | {
        "PYTHONPATH": f"{place}{os.pathsep}{tree}", "SCALING_SEARCH_CACHE": str(cache), "START_NOTES": str(notes),
    }  # fmt: skip
    arguments = ["run", "--baseline", baseline, "--data", data, "--budget", "15m", "--out", str(place / "run")]
    found, began = Start(), time.time()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, text=True,
        stderr=(place / "errors").open("w"), start_new_session=True,
    )  # fmt: skip

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            found.said.append((time.time() - began, cpu_seconds(process.pid), line.rstrip()))

    threading.Thread(target=listen, daemon=True).start()
    while not found.first:
        if process.poll() is not None:
            raise SystemExit((place / "errors").read_text() or "the command ended before a trial began")
        time.sleep(0.05)
        lines = notes.read_text().split("\n")[:-1] if notes.exists() else []
        times = [float(when) for pid, when in map(str.split, lines) if int(pid) != process.pid]
        if times:
            found.first, found.cpu = min(times) - began, cpu_seconds(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return found


def main() -> None:
    """Prints each start, and the medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("baselines", nargs="*", default=["b0"])
    parser.add_argument("--tree", type=Path, action="append")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    trees = asked.tree or [Path.cwd()]
    data = str(Path(asked.data).absolute()) if Path(asked.data).exists() else asked.data
    with tempfile.TemporaryDirectory() as folder:
        for baseline in asked.baselines:
            starts: dict[Path, list[Start]] = {tree: [] for tree in trees}
            for repeat in range(asked.repeats + 1):
                for number, tree in enumerate(trees):
                    place = Path(folder) / f"{baseline.replace(':', '-')}-{number}-{repeat}"
                    found = start(tree.absolute(), baseline, data, Path(folder) / f"cache-{number}", place)
                    title = "cold" if repeat == 0 else str(repeat)
                    print(f"{baseline} {tree} {title}: {found.first:.1f} s, {found.cpu:.1f} CPU s", flush=True)
                    for when, cpu, line in found.said:
                        print(f"    {when:5.1f} s {cpu:5.1f} CPU s  {line}")
                    starts[tree] += [found] if repeat else []
            for tree, each in starts.items():
                print(
                    f"{baseline} {tree}: median {statistics.median(one.first for one in each):.1f} s, "
                    f"{statistics.median(one.cpu for one in each):.1f} CPU s of {len(each)}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
