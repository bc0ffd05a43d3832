"""Batch norm of few channels on a CPU: ours against torch's, forward and backward together, in microseconds.

OMP_NUM_THREADS=1 python benchmarks/thin_norm.py [--images 32] [--csv FILE]

Each of --repeats rounds times both in turn; the median and the lowest and highest of their ratios are printed. The
threshold below which ours leaves it to torch is taken away, so that the table shows where it belongs.
"""

import argparse
import statistics
import time
from pathlib import Path

import pandas as pd
import torch
from torch import nn

from scaling_search.training import thin_norm
from scaling_search.training.thin_norm import ThinBatchNorm2d

SIDES = (8, 16, 32, 64)
CHANNELS = (3, 5, 6, 8, 12, 18, 20, 24, 30, 36)


def microseconds(norm: nn.Module, images: torch.Tensor, gradient: torch.Tensor, *, calls: int) -> float:
    """Of one forward and backward pass."""
    started = time.perf_counter()
    for _ in range(calls):
        norm(images).backward(gradient)
    return (time.perf_counter() - started) / calls * 1e6


def row(channels: int, side: int, *, images: int, repeats: int, calls: int) -> dict[str, float]:
    """One line of the table."""
    torch.manual_seed(0)
    batch = torch.randn(images, channels, side, side).to(memory_format=torch.channels_last).requires_grad_()
    gradient = torch.randn_like(batch)
    theirs, ours = nn.BatchNorm2d(channels), ThinBatchNorm2d(channels)
    for norm in (theirs, ours):
        microseconds(norm, batch, gradient, calls=2)
    rounds = [
        (microseconds(theirs, batch, gradient, calls=calls), microseconds(ours, batch, gradient, calls=calls))
        for _ in range(repeats)
    ]
    ratios = [one / other for one, other in rounds]
    return {
        "side": side, "channels": channels, "torch": statistics.median(one for one, _ in rounds),
        "ours": statistics.median(other for _, other in rounds), "ratio": statistics.median(ratios),
        "lowest": min(ratios), "highest": max(ratios),
    }  # fmt: skip


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    thin_norm._LEAST_ROWS = 0
    rows = [
        row(channels, side, images=arguments.images, repeats=arguments.repeats, calls=arguments.calls)
        for side in SIDES
        for channels in CHANNELS
    ]
    table = pd.DataFrame(rows)
    print(table.round(2).to_string(index=False))
    if arguments.csv:
        table.to_csv(arguments.csv, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
