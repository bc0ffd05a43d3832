"""Where the noise of a training comes from: the order of the images, or which of the weights at the start.

    OMP_NUM_THREADS=1 python benchmarks/luck.py --vary weights --out luck.csv
    OMP_NUM_THREADS=1 python benchmarks/luck.py --vary weights --start "depthwise x 0.3" --out luck.csv
    OMP_NUM_THREADS=1 python benchmarks/luck.py --show --out luck.csv

Divisions of B0 at the size that a search of five minutes takes (embedded images, three epochs) are trained with several
seeds, each of which decides only what --vary says; seed 0 decides the rest. --start changes how convolutions that are
followed by batch norm begin, whose function is the same at any scale. What is in the file is not trained again.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from math import cos, exp, pi, sqrt
from pathlib import Path

import pandas as pd
import torch
from information import Setting, proxies_of
from torch import Tensor, nn

from scaling_search.architecture import Network
from scaling_search.data.shapes import NAME
from scaling_search.environment import use_one_thread
from scaling_search.networks.build import build
from scaling_search.search.proxy import ProxySize
from scaling_search.study.design import make_design
from scaling_search.study.network import network
from scaling_search.study.options import Options
from scaling_search.training import learner, streams
from scaling_search.training.loop import train_epochs

EPOCHS = 3
SIZE = ProxySize(width=0.1768, resolution=37, depth=0.5)
KEYS = ["vary", "start", "division", "seed"]


def depthwise(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups > 1


VARY = ("all", "order", "weights", "depthwise", "dense")
"""All is weights and order (of the images, and their shifts); dense are all weights but the depthwise ones."""


def orthogonal(filters: Tensor) -> Tensor:
    """In groups of as many as filters have weights."""
    size = filters.shape[1]
    groups = [torch.linalg.qr(torch.randn(size, size))[0] for _ in range(0, len(filters), size)]
    return torch.cat(groups)[: len(filters)]


def cosines(filters: Tensor) -> Tensor:
    """The nine smoothest of the discrete cosine transform in turn, of either sign."""
    side = round(sqrt(filters.shape[1]))
    waves = torch.tensor([[cos(pi * (x + 0.5) * u / side) for x in range(side)] for u in range(side)])
    order = sorted(((u, v) for u in range(side) for v in range(side)), key=sum)[:9]
    basis = torch.stack([torch.outer(waves[u], waves[v]).flatten() for u, v in order])
    signs = torch.where(torch.rand(len(filters)) < 0.5, -1.0, 1.0)
    return basis[torch.arange(len(filters)) % 9] * signs[:, None]


def bump(side: int) -> Tensor:
    """A round one, of norm 1."""
    line = torch.tensor([exp(-(((x - (side - 1) / 2) / (side / 4)) ** 2) / 2) for x in range(side)])
    return nn.functional.normalize(torch.outer(line, line).flatten(), dim=0)


def centre(side: int) -> Tensor:
    return nn.functional.one_hot(torch.tensor(side * side // 2), side * side).float()


def half_of(shape: Callable[[int], Tensor]) -> Callable[[Tensor], Tensor]:
    """Filters of which half the variance is that shape, and half is drawn."""

    def made(filters: Tensor) -> Tensor:
        drawn = nn.functional.normalize(filters, dim=1)
        return 0.7 * shape(round(sqrt(filters.shape[1]))) + sqrt(1 - 0.49) * drawn

    return made


SHAPES: dict[str, Callable[[Tensor], Tensor]] = {
    "orthogonal": orthogonal,
    "cosines": cosines,
    "smooth": half_of(bump),
    "central": half_of(centre),
}
"""Of depthwise filters [n, k²], from those that were drawn; their norms stay."""


NESTED = ("nested", "nested depthwise")
MOST = 1280  # channels of a layer


def nest(module: nn.Module, seed: int, *, only_depthwise: bool) -> None:
    """Weights that networks of one seed share: the first channels of what is drawn for a layer's name."""
    for name, layer in module.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear) or (only_depthwise and not depthwise(layer)):
            continue
        outputs, inputs, *kernel = layer.weight.shape
        drawn = torch.randn(MOST, 1 if depthwise(layer) else MOST, *kernel, generator=streams.generator(seed, name))
        scale = 0.02 if isinstance(layer, nn.Linear) else sqrt(2 * layer.groups / (layer.weight[:, 0].numel()))
        layer.weight.data.copy_(drawn[:outputs, :inputs] * scale)


def begin(module: nn.Module, start: str) -> None:
    """Changes the weights of convolutions that are followed by batch norm."""
    for layer in module.modules():
        if not isinstance(layer, nn.Conv2d) or layer.bias is not None:
            continue
        weight = layer.weight.detach()
        if start == "all 0.15":
            weight.mul_(0.15 / weight.std())
        for part in start.split(", ") if depthwise(layer) else ():
            if part in SHAPES:
                filters = weight.flatten(1)
                shaped = nn.functional.normalize(SHAPES[part](filters), dim=1) * filters.norm(dim=1, keepdim=True)
                weight.copy_(shaped.view_as(weight))
            elif part.startswith("depthwise x "):
                weight.mul_(float(part.split()[-1]))


def seeded_by(vary: str, start: str) -> None:
    """From now on a training's seed decides only what varies."""
    derive = streams.derive

    def partly(seed: int, purpose: str, epoch: int = 0) -> int:
        decides = {"all": True, "order": purpose != "weights"}.get(vary, purpose == "weights")
        return derive(seed if decides else 0, purpose, epoch)

    def built(network: Network, *, zero_init_residual: bool = False) -> nn.Module:
        module = build(network, zero_init_residual=zero_init_residual)
        if vary in ("depthwise", "dense"):
            with streams.seeded(0, "weights"):
                fixed = build(network, zero_init_residual=zero_init_residual)
            for mine, theirs in zip(module.modules(), fixed.modules(), strict=True):
                if isinstance(mine, nn.Conv2d | nn.Linear) and depthwise(mine) != (vary == "depthwise"):
                    mine.load_state_dict(theirs.state_dict())
        if start in NESTED:
            nest(module, torch.initial_seed() % 2**62, only_depthwise=start == NESTED[1])
        begin(module, start)
        return module

    vars(streams).update(derive=partly)
    vars(learner).update(build=built)


def show(rows: pd.DataFrame) -> None:
    """Deviation between seeds, within divisions, and the means after each epoch."""
    for (vary, start, epoch), one in rows.groupby(["vary", "start", "epoch"], sort=False):
        by_division = one.groupby("division")[["val_loss", "top1"]]
        loss, top1 = by_division.var().mean() ** 0.5
        means = ", ".join(f"{name} {value:.3f}" for name, value in by_division.mean()["val_loss"].items())
        free = len(one) - one["division"].nunique()
        print(f"{vary:10} {start:28} epoch {epoch}: {loss:.4f} nats, {100 * top1:.1f} points ({free} free); {means}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a CSV file; rows are added")
    parser.add_argument("--vary", choices=VARY, default="all")
    starts = ", ".join([*SHAPES, "depthwise x FACTOR", "all 0.15", *NESTED])
    parser.add_argument("--start", default="drawn", help=f"{starts}; the first ones also together, by commas")
    parser.add_argument("--divisions", default="uniform,resolution", help="of information.py, by commas; or all")
    parser.add_argument("--seeds", type=int, default=7)
    parser.add_argument("--show", action="store_true", help="print what the file holds, and train nothing")
    arguments = parser.parse_args()
    rows = pd.read_csv(arguments.out) if arguments.out.exists() else pd.DataFrame(columns=[*KEYS, "epoch"])
    if arguments.show:
        show(rows)
        return
    known = set(rows[KEYS].itertuples(index=False, name=None))
    use_one_thread()
    design = replace(make_design(network("b0"), NAME, Options(executor="inline")), size=SIZE)
    dataset, networks = proxies_of(design)
    seeded_by(arguments.vary, arguments.start)
    names = list(networks) if arguments.divisions == "all" else arguments.divisions.split(",")
    for seed in range(arguments.seeds):
        for name in names:
            keys = (arguments.vary, arguments.start, name, seed)
            if keys in known:
                continue
            begun = time.process_time()
            for one in train_epochs(networks[name], dataset, Setting().made(), epochs=EPOCHS, seed=seed):
                row = dict(zip(KEYS, keys, strict=True)) | {"epoch": one.epoch, "val_loss": one.val_loss}
                row |= {"top1": one.top1, "cpu_seconds": round(time.process_time() - begun, 1)}
                exists = arguments.out.exists()
                pd.DataFrame([row]).to_csv(arguments.out, mode="a", header=not exists, index=False)
            print(f"{arguments.vary} {arguments.start}: {name} s{seed} {one.val_loss:.3f} {one.top1:.3f}", flush=True)


if __name__ == "__main__":
    main()
