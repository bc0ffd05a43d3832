"""The trainer against a plain loop over the same model and images, in one run.

    python benchmarks/train.py --device cpu --csv train.csv        # a few minutes on one core
    python benchmarks/train.py --device cuda --csv train.csv       # under 8 minutes on one GPU

The plain loop is what a tutorial writes: an image folder, a DataLoader with two workers, AdamW as it comes; on CPU the
default memory layout, on CUDA what timm's script adds (channels_last, bfloat16 autocast, pinned memory). Both train on
the same JPEG files (ours packs them first; that is not counted, it happens once), in turns, so that other load on the
machine meets both. Five rows a network:

    plain          the tutorial loop
    ours           what `train_epochs` does between two evaluations
    bare           forward, backward and optimizer of ours on one fixed batch; what «ours» takes longer is overhead
    torch convs    bare without training/convolution.py (CPU only)
    packed N       N processes at once, bare, images/s in all

MACs/s count a training step as three forward passes. The peaks are measured too: a large matrix product and a 1×1
convolution, in the precision that is trained in. On a machine that does other work too, trust images_per_cpu_second
(of the main process: the plain loop's workers are not in it) and the share outside, which on CPU is in CPU time.
"""

import argparse
import csv
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in a search's workers; before torch is imported

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from scaling_search.architecture import Network
from scaling_search.data import Dataset, prepare
from scaling_search.environment import cpu_count, describe_device
from scaling_search.networks import build
from scaling_search.search.proxy import ProxySize, proxy_base
from scaling_search.search.searchspace import load
from scaling_search.training.learner import Learner
from scaling_search.training.loop import Session
from scaling_search.training.optimizer import make_optimizer
from scaling_search.training.parallel import World
from scaling_search.training.recipe import Recipe, recipe

_STORED = 128  # pixels of the JPEG files


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network size, and how it is trained."""

    width: float
    resolution: int
    device: str
    batch_size: int

    @property
    def recipe(self) -> Recipe:
        return recipe("proxy", batch_size=self.batch_size)

    def network(self, classes: int) -> Network:
        size = ProxySize(width=self.width, resolution=self.resolution)
        return proxy_base(load("b0").network(), size, classes=classes)


# --- the plain loop


class Folder(TorchDataset[tuple[Tensor, int]]):
    """What torchvision's ImageFolder with the usual transforms does, for machines without torchvision."""

    def __init__(self, root: Path, resolution: int) -> None:
        self.files = [(path, label) for label, folder in enumerate(sorted(root.iterdir())) for path in folder.iterdir()]
        self.resolution = resolution

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        path, label = self.files[index]
        side, margin = self.resolution, self.resolution // 8
        image = Image.open(path).convert("RGB").resize((side, side), Image.Resampling.BILINEAR)
        pixels = torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float().div(255).sub(0.5).div(0.25)
        padded = F.pad(pixels, (margin, margin, margin, margin))
        down, right = (int(torch.randint(2 * margin + 1, ())) for _ in range(2))
        return padded[:, down : down + side, right : right + side], label


def usual_dataset(root: Path, resolution: int) -> TorchDataset[Any]:
    """ImageFolder with resize, random crop and normalisation; our own stand-in where torchvision is missing."""
    try:
        from torchvision import datasets, transforms
    except ImportError:
        return Folder(root, resolution)
    steps = [
        transforms.Resize((resolution, resolution)),
        transforms.RandomCrop(resolution, padding=resolution // 8),
        transforms.ToTensor(),
        transforms.Normalize([0.5] * 3, [0.25] * 3),
    ]
    folder: TorchDataset[Any] = datasets.ImageFolder(str(root), transforms.Compose(steps))
    return folder


def plain_epochs(case: Case, classes: int, root: Path) -> Iterator[int]:
    """Train one epoch after another, without evaluation; yields the images of each."""
    cuda = case.device == "cuda"
    module = build(case.network(classes)).to(case.device)
    if cuda:
        module = module.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, weight_decay=0.05)
    loader = DataLoader(
        usual_dataset(root, case.resolution),
        batch_size=case.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=2,
        persistent_workers=True,
        pin_memory=cuda,
    )
    while True:
        images_seen = 0
        for images, labels in loader:
            images, labels = images.to(case.device), labels.to(case.device)
            if cuda:
                images = images.to(memory_format=torch.channels_last)
            with torch.autocast(case.device, dtype=torch.bfloat16, enabled=cuda):
                loss = F.cross_entropy(module(images), labels, label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()  # the running loss that such loops print
            images_seen += len(images)
        yield images_seen


# --- ours


def our_epochs(case: Case, dataset: Dataset) -> Iterator[int]:
    """Train one epoch after another, without evaluation; yields the images of each."""
    network = case.network(len(dataset.classes))
    learner = Learner(network, case.recipe, seed=0, device=torch.device(case.device), world=World())
    session = Session(learner, dataset, case.resolution, epochs=10_000, seed=0)
    for epoch in count(1):
        session.train(epoch)
        yield session.steps * session.batch_size


def bare_steps(case: Case, module: nn.Module | None = None, steps: int = 8) -> Iterator[int]:
    """Forward, backward and optimizer on one fixed batch, in groups of steps; yields the images of each."""
    device = torch.device(case.device)
    learner = Learner(case.network(12), case.recipe, seed=0, device=device, world=World())
    used = learner.module if module is None else module.to(memory_format=torch.channels_last)
    optimizer = make_optimizer(used, case.recipe)
    size = (case.batch_size, 3, case.resolution, case.resolution)
    images = torch.randn(size, device=device).to(memory_format=torch.channels_last)
    labels = torch.arange(case.batch_size, device=device) % 12
    used.train()
    while True:
        for _ in range(steps):
            with learner.autocast():
                logits = used(images)
            F.cross_entropy(logits.float(), labels, label_smoothing=0.1).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        yield steps * case.batch_size


def packed(case: Case, processes: int, seconds: float) -> float:
    """Images per second that several processes train together, each by itself on the same device."""
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, initializer=_join, initargs=(barrier,)) as pool:
        return sum(pool.starmap(_packed_worker, [(case, seconds)] * processes, chunksize=1))


def _join(barrier: Barrier) -> None:
    globals()["_together"] = barrier


def _packed_worker(case: Case, seconds: float) -> float:
    groups = bare_steps(case)
    next(groups)
    globals()["_together"].wait()
    synchronise(case.device)
    started, images = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        images += next(groups)
        synchronise(case.device)
    return images / (time.perf_counter() - started)


# --- measuring


@dataclass(frozen=True)
class Readings:
    """Images per second of the clock, and of this process's own CPU time, round by round."""

    wall: list[float]
    cpu: list[float]


def in_turns(loops: Mapping[str, Iterator[int]], rounds: int, device: str) -> dict[str, Readings]:
    """Readings of several loops that take turns; the first round warms up and is not kept."""
    found = {name: Readings([], []) for name in loops}
    for number in range(rounds + 1):
        for name, loop in loops.items():
            wall, cpu = time.perf_counter(), time.process_time()
            images = next(loop)
            synchronise(device)
            if number:
                found[name].wall.append(images / (time.perf_counter() - wall))
                found[name].cpu.append(images / (time.process_time() - cpu))
    return found


def peaks(device: str) -> dict[str, float]:
    """MACs per second of a large matrix product and of a 1×1 convolution, in the precision that is trained in."""
    dtype, side, channels = (torch.bfloat16, 8192, 1024) if device == "cuda" else (torch.float32, 1024, 256)
    matrix = torch.randn(side, side, device=device, dtype=dtype)
    images = torch.randn(64, channels, 14, 14, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 1, 1, device=device, dtype=dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = fastest(lambda: matrix @ matrix, device)
        convolution = fastest(lambda: F.conv2d(images, weight), device)
    return {"matmul": side**3 / product, "conv 1x1": 64 * 14 * 14 * channels**2 / convolution}


def fastest(call: Callable[[], object], device: str, *, repeats: int = 10) -> float:
    """Seconds of the fastest of some calls."""
    seconds = []
    for _ in range(repeats):
        synchronise(device)
        started = time.perf_counter()
        call()
        synchronise(device)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def synchronise(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def write_jpegs(dataset: Dataset, root: Path) -> None:
    """The training images as class folders of JPEG files."""
    for index, (pixels, label) in enumerate(zip(dataset.train.images(), dataset.train.labels(), strict=True)):
        folder = root / f"{label:03d}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{index}.jpg", quality=90)


def measure(case: Case, root: Path, options: argparse.Namespace, peak: Mapping[str, float]) -> list[dict[str, Any]]:
    """All rows of one case."""
    dataset = prepare(str(root), resolution=case.resolution, cache=root.parent / "cache")
    network = case.network(len(dataset.classes))
    loops = {
        "plain": plain_epochs(case, len(dataset.classes), root),
        "ours": our_epochs(case, dataset),
        "bare": bare_steps(case),
    }
    if case.device == "cpu":
        loops["torch convs"] = bare_steps(case, build(case.network(12), zero_init_residual=True))
    found = in_turns(loops, options.rounds, case.device)
    memory = torch.cuda.max_memory_allocated() / 2**20 if case.device == "cuda" else None
    loops.clear()
    for processes in options.packed:
        found[f"packed {processes}"] = Readings([packed(case, processes, options.seconds)], [])
    macs = network.cost().macs
    rows = []
    for name, readings in found.items():
        speed = median(readings.wall)
        rows.append(
            {
                "width": case.width,
                "resolution": case.resolution,
                "batch_size": case.batch_size,
                "macs": macs,
                "loop": name,
                "images_per_second": round(speed, 1),
                "lowest": round(min(readings.wall), 1),
                "highest": round(max(readings.wall), 1),
                "n": len(readings.wall),
                "images_per_cpu_second": round(median(readings.cpu), 1) if readings.cpu else "",
                "over_plain": round(speed / median(found["plain"].wall), 2),
                "outside": round(outside(found, case.device), 3) if name == "ours" else "",
                "gmacs_per_second": round(3 * macs * speed / 1e9, 2),
                "share_of_matmul_peak": round(3 * macs * speed / peak["matmul"], 3),
                "peak_memory_mib": "" if memory is None else round(memory),
            }
        )
    return rows


def outside(found: Mapping[str, Readings], device: str) -> float:
    """Share of our time that is not forward, backward or optimizer; in CPU time where that is what works."""
    ours, bare = ((one.cpu if device == "cpu" else one.wall) for one in (found["ours"], found["bare"]))
    return 1 - median(ours) / median(bare)


def show(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a loop."""
    for row in rows:
        columns = [
            f"  {row['loop']:<12}{row['images_per_second']:>9.0f} images/s",
            f"({row['lowest']:.0f} to {row['highest']:.0f})",
            f"{row['over_plain']:.2f}× plain",
            f"{row['gmacs_per_second']:.1f} GMAC/s = {row['share_of_matmul_peak']:.1%} of peak",
        ]
        if row["loop"] == "ours":
            columns.append(f"{row['outside']:.1%} outside forward, backward and optimizer")
        print("  ".join(columns), flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--cases", nargs="+", help="WIDTHxRESOLUTION, as 0.25x32")
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--images", type=int, default=None, help="of an epoch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--packed", type=int, nargs="*", default=None, help="numbers of processes at once")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each packed measurement")
    parser.add_argument("--csv", type=Path)
    options = parser.parse_args()
    cuda = options.device == "cuda"
    options.cases = options.cases or (["0.5x96", "1x128", "1x224"] if cuda else ["0.25x32", "0.5x48", "1x48"])
    options.batch_size = options.batch_size or (256 if cuda else 64)
    options.images = options.images or (8192 if cuda else 512)
    options.packed = options.packed if options.packed is not None else ([1, 2, 4, 8] if cuda else [1, cpu_count()])
    return options


def main() -> None:
    options = arguments()
    device = describe_device(options.device)
    print(f"{device['name']}, torch {torch.__version__}, Python {platform.python_version()}")
    peak = peaks(options.device)
    print("peak: " + ", ".join(f"{name} {value / 1e9:.1f} GMAC/s" for name, value in peak.items()))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        shapes = prepare("shapes", resolution=_STORED, limit_train=options.images, limit_val=64)
        write_jpegs(shapes, Path(folder) / "images")
        for text in options.cases:
            width, resolution = text.split("x")
            case = Case(
                width=float(width), resolution=int(resolution), device=options.device, batch_size=options.batch_size
            )
            print(f"B0 at width {width}, {resolution} px, batch {options.batch_size}:", flush=True)
            found = measure(case, Path(folder) / "images", options, peak)
            show(found)
            rows += [{"device": device["name"], "torch": torch.__version__, **row} for row in found]
    if options.csv:
        with options.csv.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
