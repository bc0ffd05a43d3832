"""Networks of mobile blocks in the words of timm: its block strings, and the two classes that read them."""

from collections.abc import Sequence
from itertools import groupby

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import AnyStage, FusedMBConv, MBConv, Separable
from scaling_search.exporters.code import Construction, batch_norm, rates
from scaling_search.exporters.member import Inexpressible
from scaling_search.exporters.shapes import check_ends, expansions, same
from scaling_search.exporters.timm_activations import activation_class, activation_word


def efficientnet(network: Architecture) -> Construction:
    """timm's EfficientNet: mobile blocks, and one linear layer at the end.

    Raises:
        Inexpressible: its ends or its blocks are others.
    """
    check_ends(network, stem="3×3, stride 2", norm="none")
    options = {
        "block_args": "decode_arch_def(BLOCKS)",
        "num_classes": f"{network.classes}",
        "num_features": f"{network.head.channels}",
        **_mobile_options(network),
    }
    return Construction(
        imports=(
            "from timm.models._efficientnet_builder import decode_arch_def",
            "from timm.models.efficientnet import EfficientNet",
            *_squeeze_imports(network),
        ),
        helpers=_block_table(network, se_of="input"),
        maker="EfficientNet",
        options=options,
        ends=("conv_stem", "classifier"),
    )


def mobilenet_v3(network: Architecture) -> Construction:
    """timm's MobileNetV3: mobile blocks, and two linear layers at the end.

    Raises:
        Inexpressible: its ends or its blocks are others.
    """
    check_ends(network, stem="3×3, stride 2", norm="none", hidden=1)
    if not network.head.channels:
        raise Inexpressible("timm's MobileNetV3 has a convolution before the pooling, and this network has none")
    options = {
        "block_args": "decode_arch_def(BLOCKS)",
        "num_classes": f"{network.classes}",
        "num_features": f"{network.head.hidden[0]}",
        **_mobile_options(network),
    }
    return Construction(
        imports=(
            "from timm.models._efficientnet_builder import decode_arch_def",
            "from timm.models.mobilenetv3 import MobileNetV3",
            *_squeeze_imports(network),
        ),
        helpers=_block_table(network, se_of="expanded", last=f'["cn_r1_k1_s1_c{network.head.channels}"]'),
        maker="MobileNetV3",
        options=options,
        ends=("conv_stem", "classifier"),
    )


def _mobile_options(network: Architecture) -> dict[str, str]:
    assert network.stem is not None
    squeeze = _squeeze(network)
    return {
        "stem_size": f"{network.stem.channels}",
        "round_chs_fn": "lambda channels, *_, **__: channels",
        "act_layer": activation_class(network),
        "norm_layer": batch_norm(network.batch_norm),
        **({"se_layer": squeeze} if squeeze else {}),
        **rates(network, dropout="drop_rate", drop_connect="drop_path_rate"),
    }


def _squeeze(network: Architecture) -> str:
    """The squeeze-and-excitation of MobileNetV3, where the network has it; timm's default is EfficientNet's."""
    found = [stage for stage in network.stages if isinstance(stage, MBConv) and stage.se]
    if not found or (same(stage.se_gate for stage in found) == "sigmoid" and _divisor(found) == 1):
        return ""
    gate = ', gate_layer="hard_sigmoid", force_act_layer=nn.ReLU' if found[0].se_gate == "hard_sigmoid" else ""
    return f"partial(SqueezeExcite{gate}, rd_round_fn=partial(round_channels, divisor={_divisor(found)}))"


def _divisor(stages: Sequence[MBConv]) -> int:
    return same(stage.se_divisor for stage in stages)


def _squeeze_imports(network: Architecture) -> tuple[str, ...]:
    if not _squeeze(network):
        return ()
    return (
        "from timm.models._efficientnet_blocks import SqueezeExcite",
        "from timm.models._efficientnet_builder import round_channels",
    )


def _block_table(network: Architecture, *, se_of: str, last: str = "") -> str:
    rows = [f"[{', '.join(_rows(network, stage, se_of))}]" for stage in network.stages]
    table = "".join(f"    {row},\n" for row in [*rows, *([last] if last else [])])
    return f"BLOCKS = [\n{table}]\n"


def _rows(network: Architecture, stage: AnyStage, se_of: str) -> list[str]:
    """A stage in timm's block strings: one for each run of layers that are alike."""
    act = activation_word(network, stage)
    if isinstance(stage, Separable):
        return [f'"dsa_r{stage.layers}_k{stage.kernel}_s{stage.stride}_c{stage.channels}{act}"']
    if isinstance(stage, FusedMBConv):
        kind = "cn" if stage.expansion == 1 else "er"
        skip = _skip_word(stage, usual=stage.expansion != 1)
        numbers = f"r{stage.layers}_k{stage.kernel}_s{stage.stride}_e{stage.expansion}_c{stage.channels}"
        return [f'"{kind}_{numbers}{skip}{act}"']
    assert isinstance(stage, MBConv)
    rows, stride = [], stage.stride
    for expansion, run in groupby(expansions(stage)):
        kind = "ds" if expansion == 1 else "ir"
        of_own = {"input": 1.0, "expanded": expansion}[stage.se_of]
        share = stage.se * of_own / {"input": 1.0, "expanded": expansion}[se_of]
        squeeze = f"_se{share:g}" if stage.se else ""
        numbers = f"r{len(list(run))}_k{stage.kernel}_s{stride}_e{expansion:g}_c{stage.channels}"
        rows.append(f'"{kind}_{numbers}{squeeze}{_skip_word(stage, usual=True)}{act}"')
        stride = 1
    return rows


def _skip_word(stage: MBConv | FusedMBConv, *, usual: bool) -> str:
    """Said only where it is not what timm's block does by itself."""
    return "" if stage.skip == usual else "_skip" if stage.skip else "_noskip"
