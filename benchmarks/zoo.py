"""Which CNNs of timm and torchvision can be scaled, and is what comes out right?

    OMP_NUM_THREADS=1 python benchmarks/zoo.py --out results/zoo            # about 15 minutes on one core
    python benchmarks/zoo.py --out results/zoo --only torchvision:resnet50   # again; the other rows stay

Every network is scaled to four sizes (w, d) on the meta device, without weights. A row of zoo.csv is one of

    exact     what the library itself builds at that size and what the structural scaler makes of the unscaled network
              are the same: names and shapes of all parameters and buffers, and multiply-adds
    scaled    it is scaled, by its library or structurally, and no fault is found
    refused   it is refused; the reason is the sentence that a user would see
    wrong     a fault is found: scores of the wrong shape, layers that were not widened, blocks that were not added,
              multiply-adds far from d·w²
"""

import argparse
import csv
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.environment import versions
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign.baseline import Baseline, Request, Scaled, open_baseline
from scaling_search.networks.foreign.trace import BATCH, channels, image, is_layer, shapes_only
from scaling_search.networks.measure import measured_cost

SIZES = ((1.1, 1.2), (1.4, 1.8), (1.0, 2.0), (0.5, 0.5))  # (w, d)
_FAR = 3.0  # realised multiply-adds over d·w², or its inverse: rounding a small network up comes to 2.5
_TORCHVISION = """alexnet vgg11_bn vgg16 squeezenet1_1 resnet18 resnet50 resnext50_32x4d wide_resnet50_2 densenet121
    googlenet inception_v3 mobilenet_v2 mobilenet_v3_large mobilenet_v3_small shufflenet_v2_x1_0 mnasnet1_0
    regnet_y_400mf regnet_x_800mf regnet_y_8gf efficientnet_b0 efficientnet_v2_s convnext_tiny"""
_TIMM = """resnet18 resnet26d resnet10t resnext50_32x4d seresnet50 ecaresnet26t skresnet18 resnetv2_50 resnest14d
    resnetblur50 gcresnet33ts regnetx_004 regnety_032 regnetz_b16 densenet121 mobilenetv1_100 mobilenetv2_100
    mobilenetv3_large_100 mobilenetv4_conv_small mnasnet_100 fbnetc_100 lcnet_100 tinynet_a efficientnet_b0
    efficientnet_lite0 tf_efficientnet_b0 tf_efficientnetv2_b0 efficientnet_es mixnet_m hardcorenas_a convnext_tiny
    convnextv2_atto darknet53 cspresnet50 dla34 vovnet39a ese_vovnet19b_dw repvgg_a0 mobileone_s0 repvit_m1 starnet_s1
    xception41 inception_v4 nf_resnet50 dm_nfnet_f0 hgnetv2_b0 selecsls42b hrnet_w18_small ghostnet_100 mixnet_s
    res2net50_26w_4s dpn68 nasnetalarge rexnet_100"""
NETWORKS = [f"torchvision:{name}" for name in _TORCHVISION.split()] + [f"timm:{name}" for name in _TIMM.split()]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One network at one size; ratio is realised multiply-adds over the unscaled network's and over d·w²."""

    network: str = ""
    width: float = 1.0
    depth: float = 1.0
    outcome: str = ""
    way: str = ""
    blocks: str = ""
    params: int = 0
    macs: int = 0
    ratio: float = 0.0
    reason: str = ""
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", default=NETWORKS, metavar="NAME")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    arguments.out.mkdir(parents=True, exist_ok=True)
    table = _read(arguments.out / "zoo.csv") if arguments.only is not NETWORKS else {}
    for name in arguments.only:
        table[name] = list(examine(name))
        print(name, *(row.outcome for row in table[name]), flush=True)
        _write(arguments.out / "zoo.csv", [row for rows in table.values() for row in rows])
    rows = [row for rows in table.values() for row in rows]
    (arguments.out / "README.md").write_text(summary(rows), encoding="utf-8")
    print(summary(rows))


def examine(name: str) -> Iterator[Row]:
    """The four rows of one network."""
    try:
        baseline = open_baseline(name)
        cost = _macs(baseline.view.module, baseline.resolution)
    except InvalidInput as error:
        yield from (Row(network=name, width=w, depth=d, outcome="refused", reason=str(error)) for w, d in SIZES)
        return
    for width, depth in SIZES:
        start = time.perf_counter()
        row = _examine_size(baseline, cost, width, depth)
        yield Row(**{**asdict(row), "seconds": round(time.perf_counter() - start, 2)})


def _examine_size(baseline: Baseline, base_macs: int, width: float, depth: float) -> Row:
    request = Request(
        depth=depth, width=width, resolution=baseline.resolution, classes=baseline.classes, rounding=Rounding()
    )
    name = baseline.source.name
    try:
        scaled = baseline.scaled(request)
    except InvalidInput as error:
        return Row(network=name, width=width, depth=depth, outcome="refused", reason=str(error))
    module = scaled.network.module
    macs = _macs(module, baseline.resolution)
    ratio = macs / base_macs / (depth * width**2)
    faults = list(_faults(baseline, scaled, request, ratio))
    same = scaled.way == "native" and _same_structurally(baseline, module, macs, request)
    return Row(
        network=name,
        width=width,
        depth=depth,
        outcome="wrong" if faults else "exact" if same else "scaled",
        way=scaled.way,
        blocks="-".join(map(str, scaled.network.depths)),
        params=sum(parameter.numel() for parameter in module.parameters()),
        macs=macs,
        ratio=round(ratio, 3),
        reason="; ".join(faults),
    )


def _faults(baseline: Baseline, scaled: Scaled, request: Request, ratio: float) -> Iterator[str]:
    """What is wrong with a scaled network, looked for without the scaler's own notes."""
    module, base = scaled.network.module, baseline.view.module
    with shapes_only(module), torch.no_grad():
        scores = module.train()(image(request.resolution))
    if tuple(scores.shape) != (BATCH, request.classes):
        yield f"scores of shape {tuple(scores.shape)}"
    if not 1 / _FAR <= ratio <= _FAR:
        yield f"multiply-adds are {ratio:.2f} times d·w²"
    before, after = _convolutions(base), _convolutions(module)
    if request.depth > 1 and not after > before:
        yield f"{before} convolutions stay {after}"
    if request.width != 1 and scaled.way == "structural":
        kept = _unwidened(base, scaled, request)
        names = [name for name, is_kept in kept if is_kept]
        # at w = 1.1 narrow layers round back to what they were, and with them wide ones that are a multiple of theirs
        if len(names) > (len(kept) / 2 if abs(request.width - 1) < 0.2 else 0):
            yield f"{len(names)} of {len(kept)} layers keep their channels, {names[0]} among them"


def _convolutions(module: nn.Module) -> int:
    return sum(isinstance(part, nn.Conv2d) for part in module.modules())


def _unwidened(base: nn.Module, scaled: Scaled, request: Request) -> list[tuple[str, bool]]:
    """For layers with enough channels for w to show (w = 1.1 shows from 80 on): whether they have as many as before."""
    least = 80 if abs(request.width - 1) < 0.2 else 16
    found = []
    for part in scaled.network.module.modules():
        if is_layer(part) and part in scaled.network.origins:
            name = scaled.network.origins[part].name
            old = channels(base.get_submodule(name))[1]
            if old >= least and old != request.classes:
                found.append((name, channels(part)[1] == old))
    return found


def _same_structurally(baseline: Baseline, module: nn.Module, macs: int, request: Request) -> bool:
    """Whether the structural scaler comes to the very network that the library builds."""
    try:
        other = baseline.structurally(request).network.module
    except InvalidInput:
        return False
    shapes = [[(name, tuple(tensor.shape)) for name, tensor in one.state_dict().items()] for one in (module, other)]
    return shapes[0] == shapes[1] and macs == _macs(other, request.resolution)


def _macs(module: nn.Module, resolution: int) -> int:
    with shapes_only(module):
        return measured_cost(module, resolution).macs


def _read(path: Path) -> dict[str, list[Row]]:
    """The rows of an earlier table by network; none without one."""
    table: dict[str, list[Row]] = {}
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                values = {field.name: type(getattr(Row(), field.name))(line[field.name]) for field in fields(Row)}
                table.setdefault(line["network"], []).append(Row(**values))
    return table


def _write(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)])
        writer.writeheader()
        writer.writerows(asdict(row) for row in rows)


def summary(rows: Sequence[Row]) -> str:
    """What the table says, for the README beside it."""
    outcomes = Counter(row.outcome for row in rows)
    by_network: dict[str, list[str]] = {}
    for row in rows:
        by_network.setdefault(row.network, []).append(row.outcome)
    whole = [name for name, found in by_network.items() if set(found) <= {"exact", "scaled"}]
    never = [name for name, found in by_network.items() if set(found) & {"refused", "wrong"}]
    reasons = {row.network: row.reason for row in rows if row.outcome in ("refused", "wrong")}
    lines = [
        "# Networks of timm and torchvision, scaled",
        "",
        "Made by `OMP_NUM_THREADS=1 python benchmarks/zoo.py --out results/zoo`; what the words mean is said there.",
        "",
        "Versions: " + ", ".join(f"{name} {text}" for name, text in versions().items() if name in _NAMED) + ".",
        "",
        f"{len(by_network)} networks × {len(SIZES)} sizes (w, d) in {SIZES}: "
        + ", ".join(f"{outcomes[kind]} {kind}" for kind in ("exact", "scaled", "refused", "wrong"))
        + f". {len(whole)} networks scale in all {len(SIZES)}.",
        "",
        "It does not show that the scaled networks train well, nor that «scaled» is what the authors would have built.",
        "",
        "| not in all sizes | outcomes | reason (of the last) |",
        "|---|---|---|",
        *(f"| `{name}` | {', '.join(by_network[name])} | {reasons[name].replace('|', '/')} |" for name in never),
    ]
    return "\n".join(lines) + "\n"


_NAMED = ("python", "torch", "torchvision", "timm")

if __name__ == "__main__":
    main()
