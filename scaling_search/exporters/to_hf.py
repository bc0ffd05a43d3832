"""A folder as the Hugging Face Hub keeps models: plain PyTorch code, weights, config.json and a model card."""

from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from scaling_search import __version__
from scaling_search.architecture import Architecture
from scaling_search.exporters import to_timm, to_torchvision
from scaling_search.exporters.files import imported, save_weights
from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.plain import plain_code
from scaling_search.files import write_atomically
from scaling_search.networks.foreign.network import ForeignNetwork
from scaling_search.networks.preprocessing import write_config

_CARD = """---
library_name: {library}
pipeline_tag: image-classification
tags:
- image-classification
- {library}
- scaling-search
{mixin}---

# {name}

A convolutional network with {params:,} parameters and {macs:,} multiply-adds at {pixels} px, for {classes} classes.
It was scaled by scaling-search {version} (depths {depths}, widths {widths}).

{known}
```python
{use}
```

An image's centre square is resized to {pixels} px and normalised with mean {mean} and deviation {std}
(`config.json` has these numbers, and the names of the classes where they are known).
"""


def write(member: Member, folder: Path) -> Logits:
    """Writes a model card beside code, weights and config.json; gives what the Hub's own loader makes of the folder.

    Raises:
        Inexpressible: the network's code is a person's own.
    """
    if isinstance(member.network, Architecture):
        return _described(member, member.network, folder)
    assert isinstance(member.network, ForeignNetwork)
    name, library = member.identifier, member.network.source.partition(":")[0]
    if library == "torchvision":
        logits = to_torchvision.write(member, folder)
        use = f"from {name} import {name}\n\nmodel = {name}(pretrained=True)"
    elif library == "timm":
        logits = to_timm.write(member, folder)
        use = f'import timm, {name}\n\nmodel = timm.create_model("local-dir:FOLDER", pretrained=True)'
    else:
        raise Inexpressible(f"its code is that of {member.network.source}: keep that beside the weights (safetensors)")
    write_atomically(folder / "README.md", _card(member, library=library, use=use))
    return logits


def _described(member: Member, network: Architecture, folder: Path) -> Logits:
    name, kind = member.identifier, class_name(member)
    write_atomically(folder / f"{name}.py", plain_code(member, kind))
    save_weights(folder, member.module.state_dict(), notes=member.notes)
    write_config(folder, member.preprocessing.to_config(architecture=name, classes=network.classes))
    use = f'from {name} import {kind}\n\nmodel = {kind}.from_pretrained("FOLDER").eval()'
    write_atomically(folder / "README.md", _card(member, library="pytorch", use=use))
    model = getattr(imported(folder / f"{name}.py"), kind)
    with redirect_stdout(StringIO()):  # the Hub's loader says that it loads
        loaded: Logits = model.from_pretrained(str(folder)).eval()
    return loaded


def class_name(member: Member) -> str:
    """b0_b1 as a class: B0B1."""
    return "".join(part.capitalize() for part in member.identifier.split("_") if part)


def _card(member: Member, *, library: str, use: str) -> str:
    network, preprocessing = member.network, member.preprocessing
    cost = network.cost()
    known = ""
    if "top1" in member.notes:
        known = f"Top-1 on its validation images: {float(member.notes['top1']):.2%}.\n\n"
    return _CARD.format(
        library=library,
        mixin="- pytorch_model_hub_mixin\n" if library == "pytorch" else "",
        name=network.name,
        params=cost.params,
        macs=cost.macs,
        pixels=network.resolution,
        classes=network.classes,
        version=__version__,
        depths="-".join(map(str, network.depths)),
        widths="-".join(map(str, network.widths)),
        known=known,
        use=use,
        mean=", ".join(f"{value:g}" for value in preprocessing.mean),
        std=", ".join(f"{value:g}" for value in preprocessing.std),
    )
