"""A described network in the words of timm: the class that makes it, and its arguments."""

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import (
    Basic,
    Bottleneck,
    ConvNeXt,
    Dense,
    FusedMBConv,
    MBConv,
    Plain,
    Separable,
)
from scaling_search.exporters.code import Construction, batch_norm, listed, rates
from scaling_search.exporters.member import Inexpressible
from scaling_search.exporters.shapes import (
    check_ends,
    first_strides,
    group_size,
    inner_channels,
    is_regnet,
    is_resnet,
    only,
    same,
    stem_kind,
)
from scaling_search.exporters.timm_activations import activation_class
from scaling_search.exporters.timm_mobile import efficientnet, mobilenet_v3
from scaling_search.networks.correspondence import Order


def timm_class(network: Architecture) -> Construction:
    """The class of timm that can be this network.

    Raises:
        Inexpressible: there is none.
    """
    stages = network.stages
    if all(isinstance(stage, MBConv | FusedMBConv | Separable) for stage in stages):
        return mobilenet_v3(network) if network.head.hidden else efficientnet(network)
    if is_resnet(network):
        return _resnet(network)
    if is_regnet(network):
        return _regnet(network)
    if only(stages, Dense):
        return _densenet(network)
    if only(stages, ConvNeXt):
        return _convnext(network)
    if only(stages, Plain):
        return _vgg(network)
    raise Inexpressible("none of timm's classes has these blocks in this order")


# --- residual networks


_RESNET = '''
class _ResNet(ResNet):
    """timm's ResNet with another stem than its 64 channels."""

    def __init__(self, block, layers, *, channels, norm_layer, **options):
        super().__init__(block, layers, channels=channels, norm_layer=norm_layer, **options)
        stem, first, out = {stem}, self.layer1[0], channels[0] * block.expansion
        self.conv1 = nn.Conv2d(self.conv1.in_channels, stem, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm_layer(stem)
        old = first.conv1
        first.conv1 = nn.Conv2d(stem, old.out_channels, old.kernel_size, padding=old.padding, bias=False)
        first.downsample = None
        if stem != out:
            first.downsample = nn.Sequential(nn.Conv2d(stem, out, 1, bias=False), norm_layer(out))
        self.feature_info[0]["num_chs"] = stem
'''


def _resnet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem=stem_kind(network), norm="none", channels=0)
    stages, deep = network.stages, network.stem.kind == "deep"
    if first_strides(network) != (1, 2, 2, 2):
        raise Inexpressible("timm's ResNet has four stages, with strides 1, 2, 2, 2")
    basic = isinstance(stages[0], Basic)
    planes = [stage.channels if basic else stage.channels // 4 for stage in stages]
    groups, base = (1, 64) if basic else _cardinality(network, planes)
    shortcut = same(stage.shortcut for stage in stages if isinstance(stage, Basic | Bottleneck))
    usual = deep or network.stem.channels == 64
    options = {
        "block": "BasicBlock" if basic else "Bottleneck",
        "layers": str(list(network.depths)),
        "channels": str(planes),
        "num_classes": f"{network.classes}",
        **({"cardinality": f"{groups}", "base_width": f"{base:g}"} if not basic else {}),
        **({"stem_type": '"deep"', "stem_width": f"{network.stem.channels // 2}"} if deep else {}),
        **({"avg_down": "True"} if shortcut == "pool" else {}),
        "act_layer": activation_class(network),
        "norm_layer": batch_norm(network.batch_norm),
        **rates(network, dropout="drop_rate", drop_connect="drop_path_rate"),
    }
    return Construction(
        imports=(f"from timm.models.resnet import {options['block']}, ResNet",),
        helpers="" if usual else _RESNET.format(stem=network.stem.channels),
        maker="ResNet" if usual else "_ResNet",
        options=options,
        ends=("conv1.0" if deep else "conv1", "fc"),
        features="{}",
    )


def _cardinality(network: Architecture, planes: list[int]) -> tuple[int, float]:
    """timm's cardinality and base_width: a block's inner width is ⌊planes · base_width / 64⌋ · cardinality."""
    stages = [stage for stage in network.stages if isinstance(stage, Bottleneck)]
    groups = same(stage.groups for stage in stages)
    base = same(stage.ratio for stage in stages) * 256 / groups
    for plane, stage in zip(planes, stages, strict=True):
        if int(plane * (base / 64)) * groups != inner_channels(stage):
            raise Inexpressible(
                f"timm gives a stage of {stage.channels} channels the inner width {int(plane * (base / 64)) * groups}, "
                f"and this one has {inner_channels(stage)}"
            )
    return groups, base


_REGNET = '''
DEPTHS = {depths}
WIDTHS = {widths}
GROUP_SIZES = {groups}
BOTTLE_RATIOS = {ratios}


class _RegNet(RegNet):
    """timm's RegNet with these stages, which its rule of widths does not give."""

    def _get_stage_args(self, cfg, *args, drop_path_rate=0.0, **options):
        _, common = super()._get_stage_args(cfg, *args, **options)
        rates = calculate_drop_path_rates(drop_path_rate, DEPTHS, stagewise=True)
        names = ("out_chs", "stride", "dilation", "depth", "bottle_ratio", "group_size", "drop_path_rates")
        rows = zip(WIDTHS, [2] * 4, [1] * 4, DEPTHS, BOTTLE_RATIOS, GROUP_SIZES, rates)
        return [dict(zip(names, row)) for row in rows], common
'''


def _regnet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem="3×3, stride 2", norm="none", channels=0)
    if first_strides(network) != (2, 2, 2, 2):
        raise Inexpressible("timm's RegNet has four stages of stride 2")
    stages = [stage for stage in network.stages if isinstance(stage, Bottleneck)]
    squeeze = same(stage.se for stage in stages)
    configuration = {
        "depth": "13", "w0": "24", "wa": "36.44", "wm": "2.49", "group_size": "8",
        "stem_width": f"{network.stem.channels}", "se_ratio": f"{squeeze:g}",
        "act_layer": activation_class(network), "norm_layer": batch_norm(network.batch_norm),
    }  # fmt: skip
    helpers = _REGNET.format(
        depths=list(network.depths),
        widths=[stage.channels for stage in stages],
        groups=[group_size(stage) for stage in stages],
        ratios=[stage.ratio for stage in stages],
    )  # fmt: skip
    return Construction(
        imports=(
            "from timm.layers import calculate_drop_path_rates",
            "from timm.models.regnet import RegNet, RegNetCfg",
        ),
        helpers=helpers,
        maker="_RegNet",
        options={
            "cfg": f"RegNetCfg({', '.join(f'{key}={value}' for key, value in configuration.items())})",
            "num_classes": f"{network.classes}",
            **rates(network, dropout="drop_rate", drop_connect="drop_path_rate"),
        },
        ends=("stem.conv", "head.fc"),
        features="{}",
    )


# --- the others


def _densenet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem="7×7, stride 2, pool", norm="before", channels=0)
    stages = [stage for stage in network.stages if isinstance(stage, Dense)]
    growth = same(stage.channels for stage in stages)
    if network.stem.channels != 2 * growth:
        raise Inexpressible(
            f"timm's DenseNet has a stem of twice the growth ({2 * growth}), and this one {network.stem.channels}"
        )
    if first_strides(network) != (1, *[2] * (len(stages) - 1)):
        raise Inexpressible("timm's DenseNet halves the map between all stages")
    options = {
        "growth_rate": f"{growth}",
        "block_config": str(network.depths),
        "num_classes": f"{network.classes}",
        "bn_size": f"{same(stage.inner for stage in stages)}",
        "act_layer": activation_class(network),
        "norm_layer": batch_norm(network.batch_norm),
        "drop_rate": f"{network.dropout:g}",
    }
    return Construction(
        imports=("from timm.models.densenet import DenseNet",),
        maker="DenseNet",
        options=options,
        ends=("features.conv0", "classifier"),
    )


def _convnext(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem=stem_kind(network), norm="after", channels=0)
    stages = [stage for stage in network.stages if isinstance(stage, ConvNeXt)]
    if first_strides(network) != (1, 2, 2, 2) or (network.stem.kernel, network.stem.stride) != (4, 4):
        raise Inexpressible("timm's ConvNeXt has four stages, with strides 1, 2, 2, 2, after patches of 4×4")
    if same(stage.expansion for stage in stages) != 4:
        raise Inexpressible("timm's ConvNeXt widens its blocks four times")
    options = {
        "depths": str(network.depths),
        "dims": str(tuple(stage.channels for stage in stages)),
        "kernel_sizes": str(tuple(stage.kernel for stage in stages)),
        "num_classes": f"{network.classes}",
        "act_layer": activation_class(network),
        **rates(network, dropout="drop_rate", drop_connect="drop_path_rate"),
    }
    return Construction(
        imports=("from timm.models.convnext import ConvNeXt",),
        maker="ConvNeXt",
        options=options,
        order=Order(scale_first=True),
        ends=("stem.0", "head.fc"),
        features="dict(out_indices=(0, 1, 2, 3), flatten_sequential=True)",
    )


def _vgg(network: Architecture) -> Construction:
    if network.stem or network.head.channels or network.head.hidden != (4096, 4096) or network.head.pool != 7:
        raise Inexpressible("timm's VGG has no stem, a map of 7×7 and two hidden layers of 4096")
    if set(first_strides(network)) != {2}:
        raise Inexpressible("timm's VGG halves the map after every stage")
    if network.resolution // 2 ** len(network.stages) > 7:
        raise Inexpressible("timm slides VGG's first linear layer over the map, the same only where that is 7×7")
    rows = [row for stage in network.stages for row in [*[str(stage.channels)] * stage.layers, '"M"']]
    return Construction(
        imports=("from timm.models.vgg import VGG",),
        helpers=f"LAYERS = {listed(rows)}\n",
        maker="VGG",
        options={
            "cfg": "LAYERS",
            "num_classes": f"{network.classes}",
            "act_layer": activation_class(network),
            "norm_layer": batch_norm(network.batch_norm),
            "drop_rate": f"{network.dropout:g}",
        },
        ends=("features.0", "head.fc"),
    )
