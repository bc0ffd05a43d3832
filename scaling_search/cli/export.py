"""`export`: a network for timm, torchvision, pycls, ONNX, torch.export, safetensors or the Hub."""

from pathlib import Path
from typing import Annotated

import typer

from scaling_search.errors import InvalidInput


def export(
    config: Annotated[str, typer.Argument(help="A family's YAML (family/b1.yaml), a baseline, or a torch network.")],
    to: Annotated[str, typer.Option(help="timm, torchvision, pycls, onnx, pt2, safetensors or hf.")],
    weights: Annotated[
        Path | None, typer.Option(help="best.safetensors of a training. Default: fresh weights, with a warning.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="New folder. Default: NAME-TARGET.")] = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="Without --weights: outputs. Default: the network's.")
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(min=8, max=4096, help="Without --weights: pixels. Default: the network's.")
    ] = None,
) -> None:
    """Write a network for another program, once what that program reads computes the same logits."""
    from scaling_search import exporters
    from scaling_search.cli.terminal import make_console
    from scaling_search.search import searchspace

    if weights is not None and (classes is not None or resolution is not None):
        raise InvalidInput("--classes and --resolution are the weights' own; leave them out with --weights")
    network = searchspace.open_config(config).replaced(classes=classes, resolution=resolution)
    done = exporters.export(network, to, weights=weights, out=out)
    console = make_console()
    console.print(f"{done.target} in {done.folder}: {', '.join(done.files)}")
    console.print(f"checked: its logits differ from ours by {done.difference:.1e} of the largest")
