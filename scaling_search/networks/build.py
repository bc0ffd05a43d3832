"""From a description to a torch module: the same layers that the cost counts, in the same order."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from scaling_search.architecture import Architecture, Network
from scaling_search.architecture import layers as described
from scaling_search.networks.modules import Concatenate, Gate, LayerScale, Permute, Residual

_ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": nn.Hardsigmoid,
}


@runtime_checkable
class Buildable(Protocol):
    """A network that is not described here and makes its own module (networks/foreign)."""

    def build_module(self, *, zero_init_residual: bool) -> nn.Module: ...


def build(network: Network, *, zero_init_residual: bool = False) -> nn.Module:
    """The module of a network: float [N, 3, r, r] → logits [N, classes].

    Args:
        network: described here, or opened from another library.
        zero_init_residual: start the last batch-norm scale of each residual branch at zero, so that every block begins
            as the identity (arXiv 1706.02677, sec. 5.1). Without it depth loses at any short training.
    """
    if isinstance(network, Architecture):
        return _Builder(network, zero_init_residual).build()
    assert isinstance(network, Buildable), f"{type(network).__name__} cannot be built"
    return network.build_module(zero_init_residual=zero_init_residual)


def outline(network: Network) -> nn.Module:
    """The same module for its names and shapes; without numbers where the network is described here."""
    with torch.device("meta" if isinstance(network, Architecture) else "cpu"):
        return build(network)


class _Builder:
    """Walks one architecture's description; remembers which block it is at, for stochastic depth."""

    def __init__(self, architecture: Architecture, zero_init_residual: bool) -> None:
        self.architecture = architecture
        self.zero_init_residual = zero_init_residual
        self.drop_rate = 0.0
        blocks = sum(architecture.depths)
        self.rates: Iterator[float] = iter([architecture.drop_connect * index / blocks for index in range(blocks)])

    def build(self) -> nn.Module:
        sections = {s.name.replace(" ", ""): self.sequence(s.layers) for s in self.architecture.sections()}
        module = nn.Sequential()
        for name, section in sections.items():
            module.add_module(name, section)
        module.apply(initialise)
        if self.zero_init_residual:
            zero_last_scales(module)
        return module

    def sequence(self, layers: described.Layers) -> nn.Sequential:
        return nn.Sequential(*(module for layer in layers for module in self.modules(layer)))

    def modules(self, layer: described.Layer) -> Iterator[nn.Module]:
        """The modules of one layer: one, or a stage's many, or none where a condition does not hold."""
        match layer:
            case described.Chain():
                for index in range(int(layer.times)):
                    self.drop_rate = next(self.rates)
                    yield self.sequence(layer.block(index))
            case described.When():
                if layer.present:
                    yield from self.sequence(layer.layers)
            case described.Residual() if not layer.present:
                yield from self.sequence(layer.main)
            case described.Residual():
                shortcut = self.sequence(layer.shortcut) if layer.shortcut else None
                yield Residual(self.sequence(layer.main), shortcut, self.drop_rate)
            case described.Gate():
                yield Gate(self.sequence(layer.branch))
            case described.Concatenate():
                yield Concatenate(self.sequence(layer.branch))
            case _:
                yield self.leaf(layer)

    def leaf(self, layer: described.Layer) -> nn.Module:
        """The module of a layer that holds no other layers."""
        match layer:
            case described.Conv(cin, cout, kernel, stride, groups, bias, padding):
                return nn.Conv2d(int(cin), int(cout), kernel, stride, padding, groups=int(groups), bias=bias)
            case described.Linear(cin, cout):
                return nn.Linear(int(cin), int(cout))
            case described.Norm(channels, "batch"):
                numbers = self.architecture.batch_norm
                return nn.BatchNorm2d(int(channels), eps=numbers.eps, momentum=numbers.momentum)
            case described.Norm(channels, "layer"):
                return nn.LayerNorm(int(channels), eps=1e-6)
            case described.Act(name):
                return _ACTIVATIONS[name](inplace=True) if name in described.OVERWRITING else _ACTIVATIONS[name]()
            case described.Pool("max", kernel, stride, padding, ceil):
                return nn.MaxPool2d(kernel, stride, padding, ceil_mode=ceil)
            case described.Pool(_, kernel, stride, padding, ceil):
                return nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=False)
            case described.AdaptivePool(size):
                return nn.AdaptiveAvgPool2d(size)
            case described.Flatten():
                return nn.Flatten()
            case described.Permute(channels_last):
                return Permute(channels_last)
            case described.Dropout():
                return nn.Dropout(self.architecture.dropout)
            case described.LayerScale(channels, initial):
                return LayerScale(int(channels), initial)
        raise AssertionError(f"no module for {type(layer).__name__}")


def initialise(module: nn.Module) -> None:
    """Starting values: convolutions normal with variance 2 / fan-out (arXiv 1502.01852), linear layers normal 0.02.

    0.02 is what the EfficientNet authors' rule 1/√classes gives at 1000 classes; at ten classes that rule would start
    with logits that are far too large.
    """
    if isinstance(module, nn.Conv2d):
        # torch's own fan-out forgets the groups, and would start a depthwise convolution √channels too small
        fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
        nn.init.normal_(module.weight, std=sqrt(2 / fan_out))
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


def zero_last_scales(module: nn.Module) -> None:
    """Sets the last batch-norm scale of every residual branch to zero."""
    for residual in module.modules():
        if isinstance(residual, Residual):
            norms = [inner for inner in residual.main.modules() if isinstance(inner, nn.BatchNorm2d)]
            if norms:
                nn.init.zeros_(norms[-1].weight)
