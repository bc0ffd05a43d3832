"""Libraries that can scale themselves: timm's and torchvision's own multipliers and constructors.

Two kinds. *Multipliers* (EfficientNet, MobileNet): the library turns d and w into layers and channels by its own
published rule. *Constructors* (ResNet, RegNet, DenseNet, ConvNeXt): the library takes layers and channels, which are
rounded here. What an adapter cannot say in its library's words (the stem of a ResNet) is left to the structural scaler.
"""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn

from scaling_search.architecture.rounding import Rounding
from scaling_search.networks.foreign.counts import finer, rounded_channels, rounded_layers
from scaling_search.networks.foreign.sources import NetworkSource

_TIMM: dict[str, tuple[str, dict[str, Any]]] = {
    "efficientnet_b0": ("efficientnet._gen_efficientnet", {}),
    "tf_efficientnet_b0": ("efficientnet._gen_efficientnet", {"bn_eps": 1e-3, "pad_type": "same"}),
    "efficientnet_lite0": ("efficientnet._gen_efficientnet_lite", {}),
    "efficientnet_es": ("efficientnet._gen_efficientnet_edge", {}),
    "tf_efficientnetv2_b0": ("efficientnet._gen_efficientnetv2_base", {"bn_eps": 1e-3, "pad_type": "same"}),
    "mixnet_m": ("efficientnet._gen_mixnet_m", {}),
    "mobilenetv1_100": ("efficientnet._gen_mobilenet_v1", {}),
    "mobilenetv2_100": ("efficientnet._gen_mobilenet_v2", {}),
    "mobilenetv3_large_100": ("mobilenetv3._gen_mobilenet_v3", {}),
    "mobilenetv3_small_100": ("mobilenetv3._gen_mobilenet_v3", {}),
}
"""timm's generators whose own multipliers are 1 for this model, and the options that the model fixes."""


def native_source(
    source: NetworkSource, base: nn.Module, rounding: Rounding, depth: float, width: float
) -> NetworkSource | None:
    """What builds a scaled network by the source's own library; None where that cannot, or rounds otherwise than asked.

    Args:
        base: the unscaled network, whose layers and channels are read off.
    """
    library, _, name = source.name.partition(":")
    by_library_rule = rounding == Rounding()
    if library == "timm" and by_library_rule and name in _TIMM:
        return _timm(source, name, depth, width)
    if library != "torchvision":
        return None
    if by_library_rule and name in _MULTIPLIERS:
        return _MULTIPLIERS[name](source, depth, width)
    constructor = _CONSTRUCTORS.get(type(base).__name__)
    return None if constructor is None else constructor(source, base, rounding, depth, width)


def _timm(source: NetworkSource, name: str, depth: float, width: float) -> NetworkSource:
    place, fixed = _TIMM[name]
    module, _, generator = place.partition(".")
    build = getattr(importlib.import_module(f"timm.models.{module}"), generator)
    sizes = {"channel_multiplier": width, "depth_multiplier": depth}
    return source.with_build(build, {"variant": name, "pretrained": False, **fixed, **sizes})


# --- torchvision: multipliers


def _efficientnet_b0(source: NetworkSource, depth: float, width: float) -> NetworkSource:
    from torchvision.models import efficientnet

    setting, last = efficientnet._efficientnet_conf("efficientnet_b0", width_mult=width, depth_mult=depth)
    options = {"inverted_residual_setting": setting, "last_channel": last, "dropout": 0.2}
    return source.with_build(efficientnet.EfficientNet, options)


def _mobilenet_v2(source: NetworkSource, depth: float, width: float) -> NetworkSource:
    from torchvision.models import MobileNetV2

    table = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    layers = rounded_layers(Rounding(), [layers for _, _, layers, _ in table], depth)
    setting = [
        [expansion, out, scaled, stride] for (expansion, out, _, stride), scaled in zip(table, layers, strict=True)
    ]
    return source.with_build(MobileNetV2, {"width_mult": width, "inverted_residual_setting": setting})


_MULTIPLIERS: dict[str, Callable[[NetworkSource, float, float], NetworkSource]] = {
    "efficientnet_b0": _efficientnet_b0,
    "mobilenet_v2": _mobilenet_v2,
}


# --- torchvision: constructors, from what the unscaled network shows of itself


def _resnet(source: NetworkSource, base: Any, rounding: Rounding, depth: float, width: float) -> NetworkSource | None:
    if width != 1:
        return None  # there is no argument for the width of the stem
    stages = (base.layer1, base.layer2, base.layer3, base.layer4)
    layers = rounded_layers(rounding, [len(stage) for stage in stages], depth)
    options = {"layers": layers, "groups": base.groups, "width_per_group": base.base_width}
    return source.with_build(type(base), {"block": type(base.layer1[0]), **options})


def _densenet(source: NetworkSource, base: Any, rounding: Rounding, depth: float, width: float) -> NetworkSource:
    blocks = [part for name, part in base.features.named_children() if name.startswith("denseblock")]
    layer = next(blocks[0].children())
    growth = layer.conv2.out_channels
    options = {
        "growth_rate": rounded_channels(finer(rounding), growth, width),
        "block_config": tuple(rounded_layers(rounding, [len(block) for block in blocks], depth)),
        "num_init_features": rounded_channels(rounding, base.features.conv0.out_channels, width),
        "bn_size": layer.conv1.out_channels // growth,
    }
    return source.with_build(type(base), options)


def _convnext(source: NetworkSource, base: Any, rounding: Rounding, depth: float, width: float) -> NetworkSource:
    from torchvision.models.convnext import CNBlock, CNBlockConfig

    stages = [part for part in base.features if isinstance(part[0], CNBlock)]
    widths = [rounded_channels(rounding, stage[0].block[0].in_channels, width) for stage in stages]
    layers = rounded_layers(rounding, [len(stage) for stage in stages], depth)
    setting = [CNBlockConfig(*row) for row in zip(widths, [*widths[1:], None], layers, strict=True)]
    rate = stages[-1][-1].stochastic_depth.p  # the last block has the full rate
    return source.with_build(type(base), {"block_setting": setting, "stochastic_depth_prob": rate})


def _regnet(source: NetworkSource, base: Any, rounding: Rounding, depth: float, width: float) -> NetworkSource:
    from torchvision.models.regnet import BlockParams

    first = [next(stage.children()).f for stage in base.trunk_output]
    groups = [block.b[0].in_channels // block.b[0].groups for block in first]
    ratios = [block.b[0].out_channels / block.c[0].out_channels for block in first]
    squeezes = "se" in dict(first[0].named_children())
    entries = [base.stem[0].out_channels, *(block.c[0].out_channels for block in first)]
    parameters = BlockParams(
        depths=rounded_layers(rounding, [len(stage) for stage in base.trunk_output], depth),
        widths=[
            rounded_channels(rounding, count, width, group) for count, group in zip(entries[1:], groups, strict=True)
        ],
        group_widths=groups,
        bottleneck_multipliers=ratios,
        strides=[block.b[0].stride[0] for block in first],
        se_ratio=first[0].se.fc1.out_channels / entries[0] if squeezes else None,
    )
    stem = rounded_channels(rounding, entries[0], width)
    norm = partial(nn.BatchNorm2d, eps=base.stem[1].eps, momentum=base.stem[1].momentum)
    options = {"block_params": parameters, "stem_width": stem, "norm_layer": norm}
    return source.with_build(type(base), options)


_CONSTRUCTORS: dict[str, Callable[[NetworkSource, Any, Rounding, float, float], NetworkSource | None]] = {
    "ResNet": _resnet,
    "DenseNet": _densenet,
    "ConvNeXt": _convnext,
    "RegNet": _regnet,
}


def timm_generator(name: str) -> tuple[str, str, dict[str, Any]] | None:
    """Which function of timm makes a model at other sizes: its module in `timm.models`, its name, fixed options."""
    if name not in _TIMM:
        return None
    place, fixed = _TIMM[name]
    module, _, generator = place.partition(".")
    return module, generator, fixed
