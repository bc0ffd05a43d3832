"""Every file operation of a search and of a training, broken in every way: all of tests/faults/test_every_operation.py.

OMP_NUM_THREADS=1 PYTHONPATH=.:tests python benchmarks/faults.py CASES.jsonl

Each case is a line of the file, with what went wrong or nothing. Begun again, it goes on with the cases that are not
there, so that hours of it can be interrupted; the last lines on the screen count them. With TMPDIR=/dev/shm no time
goes into waiting for the disk: what a power cut takes is simulated.
"""

import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from fault_cases import HOWS, RUN, TRAIN, check_run, check_training, forking, make_work, undisturbed
from tiny_run import write_images

COMMANDS = {"run": (RUN, True, check_run), "train": (TRAIN, False, check_training)}


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The cases that were tried; a line that was cut off is none."""
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def main(path: Path) -> None:
    """Tries what is missing, in random order: a part of it says something of all."""
    tried = {(line["command"], line["how"], line["at"]) for line in lines(path)}
    numbers = count()
    with forking() as forks, tempfile.TemporaryDirectory() as place, path.open("a") as file:
        images = write_images(Path(place) / "images", train=8, val=4)

        def work(command: str) -> Any:
            arguments, stub, _ = COMMANDS[command]
            return make_work(forks, Path(place) / f"{next(numbers)}", images, arguments, stub=stub)

        whole = {command: undisturbed(work(command)) for command in COMMANDS}
        cases = [
            (command, how, at) for command in COMMANDS for how in HOWS for at in range(len(whole[command].operations))
        ]
        print(f"{len(cases)} cases, {len(tried)} of them tried", flush=True)
        missing = [case for case in cases if case not in tried]
        random.Random(0).shuffle(missing)
        for command, how, at in missing:
            began, wrong = time.monotonic(), ""
            try:
                COMMANDS[command][2](work(command), whole[command], at=at, how=how)
            except AssertionError as error:
                wrong = str(error) or "an assertion"
            case = {"command": command, "how": how, "at": at, "operation": whole[command].operations[at]}
            case |= {"seconds": round(time.monotonic() - began, 2), "wrong": wrong}
            print(json.dumps(case), file=file, flush=True)
    found = list(lines(path))
    for command in COMMANDS:
        survived = Counter(line["how"] for line in found if line["command"] == command and not line["wrong"])
        print(command, {how: (sum(line["how"] == how and line["command"] == command for line in found), survived[how])
                        for how in HOWS})  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
