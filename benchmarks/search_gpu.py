"""A whole search on one GPU, timed: how long it takes and how busy it keeps the device.

    python benchmarks/search_gpu.py --device cuda --budget 6m --csv search_gpu.csv
    python benchmarks/search_gpu.py --device cpu --budget 1m --csv search_cpu.csv      # the same path without a GPU

Runs `scaling-search run` on the embedded images (no network is needed) in a folder that is removed, and reports what
trials.csv says: trials, images trained, images per second of the whole run and of the trials' own training parts.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from scaling_search.environment import describe_device


def search(out: Path, options: argparse.Namespace) -> float:
    """Seconds of one run of the command."""
    command = [sys.executable, "-c", "from scaling_search.cli import main; main()", "run"]
    arguments = ["--baseline", "b0", "--phi", "1", "--out", str(out)]
    arguments += ["--device", options.device, "--budget", options.budget]
    started = time.monotonic()
    subprocess.run([*command, *arguments, *options.extra], check=True)
    return time.monotonic() - started


def results(out: Path, seconds: float) -> dict[str, Any]:
    """What the run's trials add up to."""
    trials = pd.read_csv(out / "trials.csv")
    last = trials[trials["status"] == "done"]
    images = int(last["images_seen"].sum())
    return {
        "seconds": round(seconds, 1),
        "trials": len(last),
        "failed": int((trials["status"] == "failed").sum()),
        "images": images,
        "images_per_second_of_run": round(images / seconds, 1),
        "images_per_second_of_trial_median": round(float(trials["images_per_second"].median()), 1),
        "best_top1": round(float(last.groupby("candidate")["top1"].mean().max()), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--budget", default="6m")
    parser.add_argument("--csv", type=Path)
    options, options_extra = parser.parse_known_args()
    options.extra = options_extra  # any further option of `scaling-search run`
    device = describe_device(options.device)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        row = {"device": device["name"], "torch": torch.__version__, **results(out, search(out, options))}
    for name, value in row.items():
        print(f"{name:<36}{value}")
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerow(row)


if __name__ == "__main__":
    main()
