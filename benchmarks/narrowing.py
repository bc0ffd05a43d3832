"""How a short search narrows: what `surface` says after each number of trainings, replayed in recorded tables.

    python benchmarks/narrowing.py results/tables/embedded-8-b0 [--repeats 10] [--after 8,10,12,14,16]

As many searches as there are repeats times seeds (one seed of each candidate is hidden in turn, as in `replay`, and the
others come in another order in each repeat), each with the readings of the unscaled network. Printed over all of them:
what the pick is expected to lose in points, what it does lose by the hidden seed, how much of the triangle may be as
good (mean, and median), how often two corners are out, and how often no more than half a point is expected to be lost.
They share readings, so that they differ less than searches of fresh seeds would.
"""

import argparse
from pathlib import Path

import numpy as np

from scaling_search.evidence import EPSILON
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import Surface
from scaling_search.study.recorded import read_recorded, search_recorded, splits

CORNERS = ["depth", "width", "resolution"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--epochs", type=int, help="of a training; by default the table's")
    parser.add_argument("--after", default="8,10,12,14,16")
    arguments = parser.parse_args()
    after = [int(count) for count in arguments.after.split(",")]
    for path in arguments.tables:
        recorded = read_recorded(RunFolder(path))
        epochs = arguments.epochs or recorded.epochs
        # it does not stop by itself, so that all are read after the same numbers
        strategy = Surface(trials=max(after), least=max(after), epochs=epochs)
        found: dict[int, list[tuple[float, ...]]] = {count: [] for count in after}
        for repeat in range(arguments.repeats):
            for split in splits(recorded, repeat=repeat):
                came = search_recorded(strategy, recorded, histories=split.seen)
                for count in after:
                    answer = recorded.analyze(came[: count * epochs], epochs=epochs)
                    out = float((~answer.decision.references.loc[CORNERS, "inside"]).sum())
                    nearest = recorded.nearest(answer.pick.shares.as_tuple())
                    lost = split.truth[recorded.best] - split.truth[nearest]
                    found[count].append((answer.pick.expected_loss, lost, answer.decision.fraction, out))
        print(f"{path.name}: {len(found[after[0]])} searches of {epochs} epochs a training")
        print("trainings  expected loss  regret  as good: mean (median)  two corners out  no more than half a point")
        for count, rows in found.items():
            loss, lost, part, out = np.array(rows, float).T
            print(
                f"{count:9} {100 * loss.mean():14.2f} {100 * lost.mean():7.2f} {part.mean():14.0%} "
                f"({np.median(part):.0%}) {np.mean(out >= 2):15.0%} {np.mean(loss <= EPSILON):26.0%}"
            )


if __name__ == "__main__":
    main()
