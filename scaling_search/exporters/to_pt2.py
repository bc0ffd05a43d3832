"""torch.export's file: the network as a graph that needs no Python of ours, for 1 to 1024 images at once."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.export import Dim

from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.networks.preprocessing import write_config

NAME = "model.pt2"
_MOST = 1024  # images at once; torch asks for a bound


def batches() -> tuple[dict[int, Any]]:
    """The number of images may change; what `dynamic_shapes` wants."""
    return ({0: Dim("batch", min=1, max=_MOST)},)


def write(member: Member, folder: Path) -> Logits:
    """Writes model.pt2 and config.json; gives what torch loads from it.

    Raises:
        Inexpressible: the network's code cannot be traced.
    """
    pixels = member.network.resolution
    example = torch.zeros(2, 3, pixels, pixels)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(member.module, (example,), dynamic_shapes=batches())
    except Exception as error:  # torch raises many kinds for code that it cannot follow
        raise Inexpressible(f"torch cannot trace it: {(str(error).strip() or type(error).__name__).splitlines()[0]}") \
            from error  # fmt: skip
    torch.export.save(program, folder / NAME)
    config = member.preprocessing.to_config(architecture=member.identifier, classes=member.network.classes)
    write_config(folder, config)
    loaded: nn.Module = torch.export.load(folder / NAME).module()
    return loaded
