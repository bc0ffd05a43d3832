"""What timm calls activations: the classes that its builders take, and the words of its block strings."""

from scaling_search.architecture import Architecture
from scaling_search.architecture.blocks import AnyStage
from scaling_search.architecture.layers import Activation
from scaling_search.exporters.member import Inexpressible

_CLASSES: dict[Activation, str] = {
    "relu": "nn.ReLU",
    "relu6": "nn.ReLU6",
    "silu": "nn.SiLU",
    "hard_swish": "nn.Hardswish",
    "gelu": "nn.GELU",
}
_SHORT: dict[Activation, str] = {"relu": "re", "relu6": "r6", "silu": "sw", "hard_swish": "hs"}
"""What timm's block strings call activations."""


def activation_class(network: Architecture) -> str:
    """The class between layers.

    Raises:
        Inexpressible: the builders take none like it.
    """
    if network.activation not in _CLASSES:
        raise Inexpressible(f"{network.activation} between layers has no class in timm's builders")
    return _CLASSES[network.activation]


def activation_word(network: Architecture, stage: AnyStage) -> str:
    """What a stage's block strings add where its activation is not the network's.

    Raises:
        Inexpressible: they have no word for it.
    """
    if stage.activation in (None, network.activation):
        return ""
    if stage.activation not in _SHORT:
        raise Inexpressible(f"timm's block strings have no word for {stage.activation}")
    return f"_n{_SHORT[stage.activation]}"
