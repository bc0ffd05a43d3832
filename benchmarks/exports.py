"""Which baseline can go where: every shipped one and some of timm's and torchvision's, scaled, into every target.

    python benchmarks/exports.py --out results/exports

Each baseline as it is and at depth × 1.2, width × 1.1, both at a quarter of its resolution: what a target can express
does not depend on the pixels. The difference is the largest one of logits over the largest logit, for three images and
for one, with randomised statistics, between this package and what the target's own library read back from the files.
Graphs (onnx, pt2), which take any layers, are made of one scaled baseline of each kind: tracing takes half a minute.
"""

import argparse
import csv
import time
import warnings
from pathlib import Path

import torch

from scaling_search.architecture import Network
from scaling_search.coefficients import Multipliers
from scaling_search.environment import versions
from scaling_search.errors import InvalidInput
from scaling_search.exporters import TARGETS
from scaling_search.exporters.export import expressible
from scaling_search.search import searchspace

FOREIGN = (
    "timm:mobilenetv2_100",
    "timm:resnet18",
    "torchvision:efficientnet_b0",
    "torchvision:resnet18",
    "torchvision:regnet_x_400mf",
)
SIZES = {
    "as it is": Multipliers(depth=1, width=1, resolution=0.25),
    "scaled": Multipliers(depth=1.2, width=1.1, resolution=0.25),
}
GRAPHS = ("onnx", "pt2")
OF_EACH_KIND = (
    "b0", "convnext_tiny", "densenet121", "efficientnetv2_s", "mobilenet_v1", "mobilenet_v3_small", "regnety_002",
    "resnet50", "timm:mobilenetv2_100",
)  # fmt: skip


def members(names: list[str]) -> list[tuple[str, str, Network]]:
    """(baseline, size, network), each once as it is and once scaled."""
    found = []
    for name in names:
        base = searchspace.open_config(name)
        found += [(name, size, base.scaled(multipliers)) for size, multipliers in SIZES.items()]
    return found


def main() -> None:
    """Tries every pair and writes exports.csv after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("results/exports"))
    parser.add_argument("--baselines", nargs="*", default=[*searchspace.names(), *FOREIGN])
    parser.add_argument("--to", nargs="*", default=list(TARGETS))
    parser.add_argument("--table", action="store_true", help="Only print what is recorded, as Markdown.")
    arguments = parser.parse_args()
    if arguments.table:
        print(table(arguments.out / "exports.csv"))
        return
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "exports.csv"
    done = _done(path)
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow(["baseline", "size", "target", "difference", "reason", "seconds"])
        for name, size, network in members(arguments.baselines):
            for to in arguments.to:
                if (name, size, to) in done or (to in GRAPHS and (size != "scaled" or name not in OF_EACH_KIND)):
                    continue
                started = time.perf_counter()
                difference, reason = _tried(network, to)
                seconds = time.perf_counter() - started
                writer.writerow([name, size, to, difference, reason, f"{seconds:.1f}"])
                file.flush()
                print(name, size, to, difference or reason, flush=True)
    print(versions())


def table(path: Path) -> str:
    """The recorded results as a table in Markdown: a baseline a row, a target a column; and the reasons."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(dict.fromkeys((row["baseline"], row["size"]) for row in rows))
    found = {(row["baseline"], row["size"], row["target"]): row for row in rows}
    reasons: dict[str, int] = {}

    def cell(row: dict[str, str] | None) -> str:
        if row is None:
            return ""
        if row["difference"]:
            return "0" if float(row["difference"]) == 0 else row["difference"].replace("e-0", "e-")
        return f"no ({reasons.setdefault(row['reason'], len(reasons) + 1)})"

    lines = [f"| baseline | size | {' | '.join(TARGETS)} |", f"|---|---|{'---|' * len(TARGETS)}"]
    for name, size in names:
        cells = " | ".join(cell(found.get((name, size, to))) for to in TARGETS)
        lines.append(f"| {name} | {size} | {cells} |")
    return "\n".join([*lines, "", *(f"{number}. {reason}" for reason, number in reasons.items())])


def _done(path: Path) -> set[tuple[str, str, str]]:
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["baseline"], row["size"], row["target"]) for row in csv.DictReader(file)}


def _tried(network: Network, to: str) -> tuple[str, str]:
    """The difference, or why not."""
    try:
        return f"{expressible(network, to):.1e}", ""
    except InvalidInput as error:
        return "", str(error).partition(f"exported to {to}: ")[2] or str(error)


if __name__ == "__main__":
    main()
