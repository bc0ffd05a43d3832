"""`evaluate` and `predict`: weights at work."""

import csv
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from scaling_search.environment import Device
from scaling_search.errors import InvalidInput

_Config = Annotated[str, typer.Argument(help="The network that was trained: family/b1.yaml, or a baseline.")]
_Weights = Annotated[Path, typer.Option(help="best.safetensors of a training, with config.json beside it.")]


def evaluate(
    config: _Config,
    weights: _Weights,
    data: Annotated[
        str | None, typer.Option(help="Image folder or torchvision data set. Default: embedded shapes.")
    ] = None,
    device: Annotated[Device, typer.Option()] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Score weights on validation images: what their training recorded, to the last image."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.data import prepare
    from scaling_search.environment import resolve_device, use_one_thread
    from scaling_search.networks.stored import open_weights
    from scaling_search.search import searchspace
    from scaling_search.training.inference import evaluated

    place = resolve_device(device)
    if place == "cpu":
        use_one_thread()
    stored = open_weights(searchspace.open_config(config), weights)
    known = stored.preprocessing
    pixels = stored.network.resolution
    dataset = prepare(data, resolution=(known.packed if known and known.packed else pixels))
    found = evaluated(stored, dataset, device=place)
    recorded = stored.notes.get("top1")
    if as_json:
        content = {
            "network": stored.network.name, "data": dataset.name, "images": len(dataset.val), "top1": found.top1,
            "top5": found.top5, "val_loss": found.loss, "recorded_top1": None if recorded is None else float(recorded),
        }  # fmt: skip
        print(json.dumps(content, indent=2))
        return
    told = "" if recorded is None else f"  (recorded: {float(recorded):.2%})"
    make_console().print(
        f"{stored.network.name} on {len(dataset.val)} images of {dataset.name}: top-1 {found.top1:.2%}{told}  "
        f"top-5 {found.top5:.2%}  loss {found.loss:.4f}"
    )


def predict(
    config: _Config,
    weights: _Weights,
    images: Annotated[list[Path], typer.Argument(help="Image files, or folders of them.")],
    topk: Annotated[int, typer.Option(min=1, max=100_000, help="Classes that are named.")] = 5,
    device: Annotated[Device, typer.Option()] = "auto",
    as_csv: Annotated[bool, typer.Option("--csv", help="One row a class: image, rank, class, probability.")] = False,
) -> None:
    """Name the likeliest classes of images, prepared as in the training."""
    from scaling_search.cli.terminal import make_console
    from scaling_search.environment import resolve_device, use_one_thread
    from scaling_search.networks.stored import open_weights
    from scaling_search.search import searchspace
    from scaling_search.training.inference import predicted

    place = resolve_device(device)
    if place == "cpu":
        use_one_thread()
    stored = open_weights(searchspace.open_config(config), weights)
    labels = stored.preprocessing.labels if stored.preprocessing else None
    names = labels or tuple(map(str, range(stored.network.classes)))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    console = make_console()
    if as_csv:
        writer.writerow(["image", "rank", "class", "probability"])
    for path, probabilities in predicted(stored, _files(images), device=place):
        values, places = probabilities.topk(min(topk, len(names)))
        ranked = [(names[index], value) for index, value in zip(places.tolist(), values.tolist(), strict=True)]
        if as_csv:
            writer.writerows([path, rank, name, f"{value:.6f}"] for rank, (name, value) in enumerate(ranked, start=1))
        else:
            console.print(f"{path}  " + "  ".join(f"{name} {value:.1%}" for name, value in ranked), markup=False)


def _files(given: list[Path]) -> list[Path]:
    """The files, and the images of the folders, sorted."""
    from scaling_search.data.folder import image_files

    found = [path for one in given for path in (image_files(one) if one.is_dir() else [one])]
    if not found:
        raise InvalidInput(f"there are no images in {given[0]}")
    return found
