"""How long an epoch of a search's corners takes with one checkout and with another: training, and with its evaluations.

OMP_NUM_THREADS=1 python benchmarks/epoch.py --tree BEFORE --tree AFTER [--data PHOTOS] [--rounds 3] [--csv FILE]

The checkouts train at the same time, each in a process of its own, as two trials of a search do, so that what else the
machine does falls on both alike. The proxies are those of `scaling-search run --baseline b0`, 33 px for the embedded
data set unless said otherwise. Seconds are of two epochs; «whole» is with their evaluations.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd

TRAIN = """
import json, sys
import scaling_search
from scaling_search.coefficients import REFERENCES
from scaling_search.data import prepare
from scaling_search.data.cache import cache_folder
from scaling_search.data.sources import open_source
from scaling_search.environment import use_one_thread
from scaling_search.strategies import Point
from scaling_search.study.design import make_design, make_space
from scaling_search.study.network import network
from scaling_search.study.options import Options
from scaling_search.training.loop import train_epochs
from scaling_search.training.recipe import recipe

print(scaling_search.__file__, file=sys.stderr)  # the checkout that was meant, and not another
data, width, pixels = json.loads(sys.argv[1])
use_one_thread()
options = Options(proxy_width=width, proxy_resolution=pixels)
design = make_design(network("b0"), data, options)
source = open_source(data, cache=cache_folder(), seed=0)
images = prepare(source, resolution=design.packed_resolution(len(source.classes)))
base = design.base(len(images.classes))
space = make_space(design.question, base=base, full=design.full)
for name in ("depth", "width", "resolution", "uniform"):
    found = space.candidate(Point(coefficients=REFERENCES[name].coefficients()))
    metrics = list(train_epochs(found.network, images, recipe("averaged"), epochs=2, seed=0))
    for one in metrics:
        training = one.images_seen / one.epoch / one.images_per_second
        print(json.dumps({"candidate": name, "pixels": found.network.resolution, "epoch": one.epoch,
                          "training": training, "whole": one.seconds}), flush=True)
"""


def main() -> None:
    """Print the table, with the ratio of each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, action="append", required=True)
    parser.add_argument("--data", default="shapes")
    parser.add_argument("--proxy-width", type=float, default=0.2)
    parser.add_argument("--proxy-resolution", type=int, default=33)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--csv", type=Path)
    arguments = parser.parse_args()
    rows = []
    wanted = json.dumps([arguments.data, arguments.proxy_width, arguments.proxy_resolution])
    for number in range(arguments.rounds):
        begun = [
            subprocess.Popen(
                [sys.executable, "-P", "-c", TRAIN, wanted],
                env=os.environ | {"PYTHONPATH": str(tree.absolute())}, stdout=subprocess.PIPE, text=True,
            )
            for tree in arguments.tree
        ]  # fmt: skip
        for tree, process in zip(arguments.tree, begun, strict=True):
            lines = process.communicate()[0].splitlines()
            if process.returncode:
                raise SystemExit(f"{tree} ended with {process.returncode}")
            rows += [{"tree": tree.name, "round": number, **json.loads(line)} for line in lines]
    table = pd.DataFrame(rows)
    if arguments.csv:
        table.to_csv(arguments.csv, index=False, float_format="%.4g")
    both = (
        table.groupby(["candidate", "pixels", "round", "tree"], sort=False)[["training", "whole"]].sum().unstack("tree")
    )
    print(both.groupby(["candidate", "pixels"], sort=False).median().round(2).to_string())
    for column in ("training", "whole"):
        first, *others = (both[column][tree.name] for tree in arguments.tree)
        for other, tree in zip(others, arguments.tree[1:], strict=True):
            ratio = (first / other).groupby(["candidate", "pixels"], sort=False).agg(["median", "min", "max"])
            print(f"\n{column}: so many times as fast with {tree.name}\n{ratio.round(2).to_string()}")


if __name__ == "__main__":
    main()
