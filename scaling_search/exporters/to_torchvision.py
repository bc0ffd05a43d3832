"""A Python file of torchvision's own constructor arguments, and the weights by torchvision's names."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor, nn

from scaling_search.architecture import Architecture
from scaling_search.exporters.code import Construction, called, heading
from scaling_search.exporters.files import WEIGHTS, imported, save_weights
from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.torchvision_classes import torchvision_class
from scaling_search.exporters.torchvision_foreign import torchvision_own
from scaling_search.networks.correspondence import as_theirs
from scaling_search.networks.foreign.network import ForeignNetwork
from scaling_search.networks.preprocessing import write_config

_TEMPLATE = '''{heading}
from functools import partial
from pathlib import Path

from safetensors.torch import load_file
from torch import nn
from torchvision.transforms._presets import ImageClassification
{imports}
{helpers}

def {name}(*, pretrained: bool = False, num_classes: int = {classes}) -> nn.Module:
    """{title}; with the weights that lie beside this file, if asked for."""
    model = {make}
    if pretrained:
        model.load_state_dict(load_file(Path(__file__).with_name("{weights}")))
    return model


def transforms() -> ImageClassification:
    """What an image goes through before the network."""
    return ImageClassification(crop_size={pixels}, resize_size={resized}, mean={mean}, std={std}, antialias=True)
'''


def write(member: Member, folder: Path) -> Logits:
    """Writes NAME.py, config.json and model.safetensors; gives what the file's function makes of them.

    Raises:
        Inexpressible: torchvision has no class for this network, or fixes what differs in this one.
    """
    made = _construction(member)
    name = member.identifier
    path = folder / f"{name}.py"
    path.write_text(_code(member, made), encoding="utf-8")
    theirs: nn.Module = getattr(imported(path), name)()
    save_weights(folder, _weights(member, theirs, made))
    first, classifier = made.ends
    config = member.preprocessing.to_config(
        architecture=name, classes=member.network.classes, first_conv=first, classifier=classifier
    )
    write_config(folder, config)
    theirs.load_state_dict(load_file(folder / WEIGHTS))
    return theirs.eval()


def _construction(member: Member) -> Construction:
    if isinstance(member.network, Architecture):
        return torchvision_class(member.network)
    assert isinstance(member.network, ForeignNetwork)
    return torchvision_own(member.network, member.module)


def _weights(member: Member, theirs: nn.Module, made: Construction) -> dict[str, Tensor]:
    if not isinstance(member.network, Architecture):
        return dict(member.module.state_dict())
    try:
        return dict(as_theirs(member.module, theirs.state_dict(), made.order))
    except ValueError as error:
        raise Inexpressible(f"torchvision's {made.maker} rounds otherwise: {error}") from error


def _code(member: Member, made: Construction) -> str:
    name, preprocessing = member.identifier, member.preprocessing
    options = {**made.options, "num_classes": "num_classes"}
    return _TEMPLATE.format(
        heading=heading(member, f"from {name} import {name}, transforms\nmodel = {name}(pretrained=True)",
                        remark=made.remark),
        imports="\n".join(made.imports),
        helpers=f"\n{made.helpers.strip()}\n" if made.helpers else "",
        name=name,
        classes=member.network.classes,
        title=f"{member.network.name} at {member.network.resolution} px",
        make=called(made.maker, options, indent=4),
        weights=WEIGHTS,
        pixels=preprocessing.pixels,
        resized=round(preprocessing.pixels / preprocessing.crop),
        mean=preprocessing.mean,
        std=preprocessing.std,
    )  # fmt: skip
