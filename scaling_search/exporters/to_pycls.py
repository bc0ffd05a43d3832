"""A YAML that pycls's own configuration accepts, and the weights by pycls's names."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import Basic, Bottleneck, MBConv
from scaling_search.configuration import to_yaml
from scaling_search.exporters.member import Inexpressible, Logits, Member
from scaling_search.exporters.shapes import (
    check_ends,
    check_skips,
    expansions,
    first_strides,
    group_size,
    inner_channels,
    only,
    same,
    stem_kind,
)
from scaling_search.files import write_atomically
from scaling_search.networks.correspondence import Order, as_theirs
from scaling_search.networks.preprocessing import write_config

_HEADING = """# {name} for pycls; written by scaling-search.
#
#   python tools/test_net.py --cfg {file} TEST.WEIGHTS model.pyth
#
# pycls normalises with ImageNet's colours, blue first; these weights were trained with the mean and the deviation of
# config.json, red first. Its stochastic depth has one rate for all blocks; here it rises linearly to the last block.
"""
_ACTIVATIONS = {"relu": "relu", "silu": "silu", "gelu": "gelu"}
_STEMS = {
    "7×7, stride 2, pool": "res_stem_in",
    "3×3, stride 2": "simple_stem_in",
    "3×3, stride 1": "res_stem_cifar",
}


def write(member: Member, folder: Path) -> Logits:
    """Writes NAME.yaml, model.pyth and config.json; gives what pycls makes of them.

    Raises:
        Inexpressible: pycls has no words for this network.
    """
    network = member.network
    if not isinstance(network, Architecture):
        raise Inexpressible(f"pycls builds its own blocks only, and this network is made by {network.name}")
    path = folder / f"{member.identifier}.yaml"
    heading = _HEADING.format(name=network.name, file=path.name)
    write_atomically(path, heading + to_yaml(configuration(network)))
    theirs = _built(path)
    order = Order(shortcut_first=not _is_effnet(network))
    try:
        weights = as_theirs(member.module, theirs.state_dict(), order)
    except ValueError as error:
        raise Inexpressible(f"pycls rounds otherwise: {error}") from error
    torch.save({"epoch": 0, "model_state": weights}, folder / "model.pyth")
    write_config(folder, member.preprocessing.to_config(architecture=member.identifier, classes=network.classes))
    theirs.load_state_dict(torch.load(folder / "model.pyth", weights_only=True)["model_state"])
    return theirs.eval()


def configuration(network: Architecture) -> dict[str, Any]:
    """pycls's configuration of a network.

    Raises:
        Inexpressible: it has none.
    """
    if any(stage.activation not in (None, network.activation) for stage in network.stages):
        raise Inexpressible("pycls has one activation for all stages")
    if network.activation not in _ACTIVATIONS:
        raise Inexpressible(f"pycls has ReLU, SiLU and GELU, and this network {network.activation}")
    kind = _effnet(network) if _is_effnet(network) else _anynet(network)
    model = {**kind.pop("MODEL"), "NUM_CLASSES": network.classes}
    return {
        "MODEL": {**model, **_activation(network)},
        **kind,
        "BN": {"EPS": network.batch_norm.eps, "MOM": network.batch_norm.momentum},
        "TRAIN": {"IM_SIZE": network.resolution},
        "TEST": {"IM_SIZE": network.resolution},
    }


def _activation(network: Architecture) -> dict[str, str]:
    """The setting that pycls 0.1.1 does not have yet: there EfficientNet has SiLU and AnyNet ReLU."""
    from pycls.core.config import cfg

    if "ACTIVATION_FUN" in cfg.MODEL:
        return {"ACTIVATION_FUN": _ACTIVATIONS[network.activation]}
    fixed = "silu" if _is_effnet(network) else "relu"
    if network.activation != fixed:
        raise Inexpressible(f"this pycls has {fixed} in such networks, and this one has {network.activation}")
    return {}


def _is_effnet(network: Architecture) -> bool:
    return only(network.stages, MBConv)


def _effnet(network: Architecture) -> dict[str, Any]:
    check_ends(network, stem="3×3, stride 2", norm="none")
    check_skips(network)
    assert network.stem is not None
    stages = [stage for stage in network.stages if isinstance(stage, MBConv)]
    if not all(stage.se and stage.se_of == "input" and stage.se_gate == "sigmoid" for stage in stages):
        raise Inexpressible("pycls's EfficientNet squeezes to a fraction of each block's input, always")
    if not network.head.channels:
        raise Inexpressible("pycls's EfficientNet has a convolution before the pooling, and this network none")
    return {
        "MODEL": {"TYPE": "effnet"},
        "EN": {
            "STEM_W": network.stem.channels,
            "DEPTHS": list(network.depths),
            "WIDTHS": [stage.channels for stage in stages],
            "EXP_RATIOS": [same(expansions(stage)) for stage in stages],
            "SE_R": same(stage.se for stage in stages),
            "STRIDES": list(first_strides(network)),
            "KERNELS": [stage.kernel for stage in stages],
            "HEAD_W": network.head.channels,
            "DC_RATIO": network.drop_connect,
            "DROPOUT_RATIO": network.dropout,
        },
    }


def _anynet(network: Architecture) -> dict[str, Any]:
    if not (only(network.stages, Basic) or only(network.stages, Bottleneck)):
        raise Inexpressible("pycls's AnyNet has basic blocks or bottlenecks")
    check_ends(network, stem=stem_kind(network), norm="none")
    stem = _STEMS.get(stem_kind(network))
    if stem is None or network.stem is None:
        raise Inexpressible(f"pycls's AnyNet has no stem {stem_kind(network)}")
    if any(stage.shortcut == "pool" for stage in network.stages if isinstance(stage, Basic | Bottleneck)):
        raise Inexpressible("pycls has no pooled shortcuts")
    inner = [stage for stage in network.stages if isinstance(stage, Bottleneck)]
    squeeze = same(stage.se for stage in inner) if inner else 0
    bottlenecks = {
        "BOT_MULS": [stage.ratio for stage in inner],
        "GROUP_WS": [group_size(stage) for stage in inner],
        "SE_ON": bool(squeeze),
        "SE_R": squeeze or 0.25,
    }
    if any(inner_channels(stage) != round(stage.channels * stage.ratio) for stage in inner):
        raise Inexpressible("pycls rounds the inner width of a bottleneck to the nearest")
    return {
        "MODEL": {"TYPE": "anynet"},
        "ANYNET": {
            "STEM_TYPE": stem,
            "STEM_W": network.stem.channels,
            "BLOCK_TYPE": "res_bottleneck_block" if inner else "res_basic_block",
            "DEPTHS": list(network.depths),
            "WIDTHS": [stage.channels for stage in network.stages],
            "STRIDES": list(first_strides(network)),
            **({"HEAD_W": network.head.channels} if network.head.channels else {}),
            **(bottlenecks if inner else {}),
        },
    }


def _built(path: Path) -> nn.Module:
    """pycls's module of a configuration; its process-wide settings are put back."""
    from pycls.core.config import cfg
    from pycls.models.anynet import AnyNet
    from pycls.models.effnet import EffNet

    before = cfg.clone()
    try:
        cfg.merge_from_file(str(path))
        made: nn.Module = {"effnet": EffNet, "anynet": AnyNet}[cfg.MODEL.TYPE]()
    finally:
        cfg.merge_from_other_cfg(before)
    return made
