"""A described network in the words of torchvision: the class that makes it, and its arguments."""

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import Basic, Bottleneck, ConvNeXt, Dense, FusedMBConv, MBConv, Plain
from scaling_search.architecture.stage import expanded
from scaling_search.exporters.code import Construction, batch_norm, listed
from scaling_search.exporters.member import Inexpressible
from scaling_search.exporters.shapes import (
    check_ends,
    check_skips,
    expansions,
    first_strides,
    group_size,
    inner_channels,
    is_regnet,
    is_resnet,
    only,
    same,
    stem_kind,
)
from scaling_search.networks.correspondence import Order

_DEFAULT_NORM = (1e-5, 0.1)


def torchvision_class(network: Architecture) -> Construction:
    """The class of torchvision that can be this network.

    Raises:
        Inexpressible: there is none.
    """
    stages = network.stages
    check_skips(network)
    if all(isinstance(stage, MBConv | FusedMBConv) for stage in stages):
        if network.head.hidden:
            return _mobilenet_v3(network)
        return _mobilenet_v2(network) if network.activation == "relu6" else _efficientnet(network)
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
    raise Inexpressible("none of torchvision's classes has these blocks")


# --- mobile networks


def _efficientnet(network: Architecture) -> Construction:
    check_ends(network, stem="3×3, stride 2", norm="none")
    if network.activation != "silu" or any(stage.activation not in (None, "silu") for stage in network.stages):
        raise Inexpressible(f"torchvision's EfficientNet has SiLU everywhere, and this network {network.activation}")
    if not network.head.channels:
        raise Inexpressible("torchvision's EfficientNet has a convolution before the pooling, and this network none")
    assert network.stem is not None
    rows, cin = [], network.stem.channels
    for stage in network.stages:
        rows.append(_efficientnet_row(stage, cin))
        cin = stage.channels
    return Construction(
        imports=("from torchvision.models.efficientnet import EfficientNet, FusedMBConvConfig, MBConvConfig",),
        helpers=f'STAGES = {listed(rows)}\n"""Expansion, kernel, stride, channels in and out, layers."""\n',
        maker="EfficientNet",
        options={
            "inverted_residual_setting": "STAGES",
            "dropout": f"{network.dropout:g}",
            "stochastic_depth_prob": f"{network.drop_connect:g}",
            "last_channel": f"{network.head.channels}",
            "norm_layer": batch_norm(network.batch_norm),
        },
        ends=("features.0.0", "classifier.1"),
    )


def _efficientnet_row(stage: object, cin: int) -> str:
    assert isinstance(stage, MBConv | FusedMBConv)
    if isinstance(stage, MBConv) and (stage.se, stage.se_of, stage.se_gate) != (0.25, "input", "sigmoid"):
        raise Inexpressible("torchvision's EfficientNet squeezes to a quarter of a block's input, always")
    expansion = same(expansions(stage)) if isinstance(stage, MBConv) else stage.expansion
    kind = "MBConvConfig" if isinstance(stage, MBConv) else "FusedMBConvConfig"
    return f"{kind}({expansion:g}, {stage.kernel}, {stage.stride}, {cin}, {stage.channels}, {stage.layers})"


def _mobilenet_v2(network: Architecture) -> Construction:
    check_ends(network, stem="3×3, stride 2", norm="none")
    stages = [stage for stage in network.stages if isinstance(stage, MBConv)]
    if len(stages) < len(network.stages) or any(stage.se or stage.kernel != 3 for stage in stages):
        raise Inexpressible("torchvision's MobileNetV2 has 3×3 kernels and no squeeze-excitation")
    width = _width_multiplier(network)
    rows = [f"[{same(expansions(stage)):g}, {stage.channels / width!r}, {stage.layers}, {stage.stride}]"
            for stage in stages]  # fmt: skip
    return Construction(
        imports=("from torchvision.models import MobileNetV2",),
        helpers=f'STAGES = {listed(rows)}\n"""Expansion, channels before the multiplier, layers, stride."""\n',
        maker="MobileNetV2",
        options={
            "width_mult": f"{width!r}",
            "inverted_residual_setting": "STAGES",
            "dropout": f"{network.dropout:g}",
            "norm_layer": batch_norm(network.batch_norm),
        },
        ends=("features.0.0", "classifier.1"),
    )


def _width_multiplier(network: Architecture) -> float:
    """The multiplier that gives this stem and this head: torchvision has no other way to say them."""
    from torchvision.models._utils import _make_divisible

    assert network.stem is not None
    stem, head = network.stem.channels, network.head.channels
    for width in (head / 1280, stem / 32):
        if _make_divisible(32 * width, 8) == stem and _make_divisible(1280 * max(1.0, width), 8) == head:
            return width
    raise Inexpressible(
        f"torchvision's MobileNetV2 has one multiplier for stem (32) and head (1280), and these are {stem} and {head}"
    )


def _mobilenet_v3(network: Architecture) -> Construction:
    check_ends(network, stem="3×3, stride 2", norm="none", hidden=1)
    assert network.stem is not None
    if network.activation != "hard_swish":
        raise Inexpressible("torchvision's MobileNetV3 has hard swish outside of its first stages")
    last = network.stages[-1].channels
    if network.head.channels != 6 * last:
        raise Inexpressible(
            f"torchvision's MobileNetV3 ends in a convolution of 6 × {last} channels, and this one has "
            f"{network.head.channels}"
        )
    rows, cin = [], network.stem.channels
    for stage in network.stages:
        assert isinstance(stage, MBConv)
        rows += _mobilenet_v3_rows(stage, cin, stage.activation or network.activation)
        cin = stage.channels
    return Construction(
        imports=("from torchvision.models.mobilenetv3 import InvertedResidualConfig, MobileNetV3",),
        helpers=f"LAYERS = {listed(rows)}\n",
        maker="MobileNetV3",
        options={
            "inverted_residual_setting": "LAYERS",
            "last_channel": f"{network.head.hidden[0]}",
            "dropout": f"{network.dropout:g}",
            "norm_layer": batch_norm(network.batch_norm),
        },
        ends=("features.0.0", "classifier.3"),
    )


def _mobilenet_v3_rows(stage: MBConv, cin: int, activation: str) -> list[str]:
    if stage.se and (stage.se, stage.se_of, stage.se_divisor) != (0.25, "expanded", 8):
        raise Inexpressible("torchvision's MobileNetV3 squeezes to a quarter of the expanded channels, in eights")
    if activation not in ("relu", "hard_swish"):
        raise Inexpressible(f"torchvision's MobileNetV3 has ReLU and hard swish, and this network {activation}")
    rows, short = [], "HS" if activation == "hard_swish" else "RE"
    for index, expansion in enumerate(expansions(stage)):
        wide, stride = expanded(cin, expansion), stage.stride if index == 0 else 1
        numbers = f"{cin}, {stage.kernel}, {wide}, {stage.channels}, {bool(stage.se)}"
        rows.append(f'InvertedResidualConfig({numbers}, "{short}", {stride}, 1, 1.0)')
        cin = stage.channels
    return rows


# --- residual networks


def _resnet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem="7×7, stride 2, pool", norm="none", channels=0)
    stages, basic = network.stages, isinstance(network.stages[0], Basic)
    if network.stem.channels != 64:
        raise Inexpressible(f"torchvision's ResNet has a stem of 64 channels, and this one {network.stem.channels}")
    usual = [planes * (1 if basic else 4) for planes in (64, 128, 256, 512)]
    if [stage.channels for stage in stages] != usual or first_strides(network) != (1, 2, 2, 2):
        channels = ", ".join(str(stage.channels) for stage in stages)
        raise Inexpressible(f"torchvision's ResNet has stages of {', '.join(map(str, usual))} channels, not {channels}")
    if any(stage.shortcut == "pool" for stage in stages if isinstance(stage, Basic | Bottleneck)):
        raise Inexpressible("torchvision's ResNet has no pooled shortcuts")
    block = "BasicBlock" if basic else "Bottleneck"
    return Construction(
        imports=(f"from torchvision.models.resnet import {block}, ResNet",),
        maker="ResNet",
        options={
            "block": block,
            "layers": str(list(network.depths)),
            **({} if basic else _cardinality(network)),
            **_norm(network),
        },
        ends=("conv1", "fc"),
        remark=_without_rates(network),
    )


def _cardinality(network: Architecture) -> dict[str, str]:
    stages = [stage for stage in network.stages if isinstance(stage, Bottleneck)]
    groups = same(stage.groups for stage in stages)
    width = same(inner_channels(stage) * 256 / (stage.channels * groups) for stage in stages)
    return {"groups": f"{groups}", "width_per_group": f"{width:g}"}


def _regnet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem="3×3, stride 2", norm="none", channels=0)
    stages = [stage for stage in network.stages if isinstance(stage, Bottleneck)]
    squeeze = same(stage.se for stage in stages)
    if any(stage.shortcut == "pool" for stage in stages):
        raise Inexpressible("torchvision's RegNet has no pooled shortcuts")
    table = {
        "depths": list(network.depths),
        "widths": [stage.channels for stage in stages],
        "group_widths": [group_size(stage) for stage in stages],
        "bottleneck_multipliers": [stage.ratio for stage in stages],
        "strides": list(first_strides(network)),
        "se_ratio": squeeze or None,
    }
    rows = "".join(f"    {key}={value},\n" for key, value in table.items())
    return Construction(
        imports=("from torchvision.models.regnet import BlockParams, RegNet",),
        helpers=f"STAGES = BlockParams(\n{rows})\n",
        maker="RegNet",
        options={"block_params": "STAGES", "stem_width": f"{network.stem.channels}", **_norm(network)},
        order=Order(shortcut_first=True),
        ends=("stem.0", "fc"),
        remark=_without_rates(network),
    )


# --- the others


def _densenet(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem="7×7, stride 2, pool", norm="before", channels=0)
    _check_default_norm(network, "DenseNet")
    stages = [stage for stage in network.stages if isinstance(stage, Dense)]
    if first_strides(network) != (1, *[2] * (len(stages) - 1)):
        raise Inexpressible("torchvision's DenseNet halves the map between all stages")
    return Construction(
        imports=("from torchvision.models import DenseNet",),
        maker="DenseNet",
        options={
            "growth_rate": f"{same(stage.channels for stage in stages)}",
            "block_config": str(network.depths),
            "num_init_features": f"{network.stem.channels}",
            "bn_size": f"{same(stage.inner for stage in stages)}",
        },
        ends=("features.conv0", "classifier"),
        remark=_without_rates(network),
    )


def _convnext(network: Architecture) -> Construction:
    assert network.stem is not None
    check_ends(network, stem=stem_kind(network), norm="after", channels=0)
    stages = [stage for stage in network.stages if isinstance(stage, ConvNeXt)]
    if (network.stem.kernel, network.stem.stride) != (4, 4) or {stage.kernel for stage in stages} != {7}:
        raise Inexpressible("torchvision's ConvNeXt has patches of 4×4 and kernels of 7×7")
    if {stage.expansion for stage in stages} != {4} or first_strides(network) != (1, *[2] * (len(stages) - 1)):
        raise Inexpressible("torchvision's ConvNeXt widens its blocks four times and halves the map between stages")
    after = [*(str(stage.channels) for stage in stages[1:]), "None"]
    rows = [f"CNBlockConfig({stage.channels}, {out}, {stage.layers})"
            for stage, out in zip(stages, after, strict=True)]  # fmt: skip
    return Construction(
        imports=("from torchvision.models.convnext import CNBlockConfig, ConvNeXt",),
        helpers=f'STAGES = {listed(rows)}\n"""Channels, channels of the next stage, layers."""\n',
        maker="ConvNeXt",
        options={"block_setting": "STAGES", "stochastic_depth_prob": f"{network.drop_connect:g}"},
        order=Order(scale_first=True),
        ends=("features.0.0", "classifier.2"),
    )


def _vgg(network: Architecture) -> Construction:
    if network.stem or network.head.channels or network.head.hidden != (4096, 4096) or network.head.pool != 7:
        raise Inexpressible("torchvision's VGG has no stem, a map of 7×7 and two hidden layers of 4096")
    if network.stages[-1].channels != 512:
        raise Inexpressible(f"torchvision's VGG ends in 512 channels, and this one in {network.stages[-1].channels}")
    if set(first_strides(network)) != {2}:
        raise Inexpressible("torchvision's VGG halves the map after every stage")
    _check_default_norm(network, "VGG")
    rows = [row for stage in network.stages for row in [*[str(stage.channels)] * stage.layers, '"M"']]
    return Construction(
        imports=("from torchvision.models.vgg import VGG, make_layers",),
        helpers=f"LAYERS = {listed(rows)}\n",
        maker="VGG",
        options={"features": "make_layers(LAYERS, batch_norm=True)", "dropout": f"{network.dropout:g}"},
        ends=("features.0", "classifier.6"),
    )


def _numbers(network: Architecture) -> tuple[float, float]:
    return network.batch_norm.eps, network.batch_norm.momentum


def _norm(network: Architecture) -> dict[str, str]:
    return {} if _numbers(network) == _DEFAULT_NORM else {"norm_layer": batch_norm(network.batch_norm)}


def _check_default_norm(network: Architecture, name: str) -> None:
    if network.batch_norm.eps != _DEFAULT_NORM[0]:
        raise Inexpressible(f"torchvision's {name} has batch norms with eps 1e-05, not {network.batch_norm.eps:g}")


def _without_rates(network: Architecture) -> str:
    if not (network.dropout or network.drop_connect):
        return ""
    return (
        "Its class has no dropout before the classifier and no stochastic depth: "
        f"train it with the rates {network.dropout:g} and {network.drop_connect:g} elsewhere."
    )
