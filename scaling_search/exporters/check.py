"""Whether what was exported computes the same: with statistics in which a wrong order or a lost eps would show."""

import copy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from scaling_search.exporters.member import Logits, Member
from scaling_search.networks.modules import LayerScale

_BATCHES = (3, 1)  # images: more than one size, so that a fixed batch shows


def probe(member: Member) -> Member:
    """The member with randomised scales, shifts, biases and running statistics.

    Activations keep an ordinary size through any depth, and differences between libraries their own: a norm divides by
    the root mean square of all its channels. By each channel's deviation, as after a training, a network of random
    weights blows up what is rare in the images that were measured, and the rounding of the last digit with it.
    """
    module = copy.deepcopy(member.module)
    generator = torch.Generator().manual_seed(0)
    side = member.network.resolution
    with torch.no_grad():
        for part in module.modules():
            _randomise(part, generator)
        hooks = [
            part.register_forward_pre_hook(partial(_measure, generator=generator))
            for part in module.modules()
            if isinstance(part, _BatchNorm)
        ]
        module.eval()(torch.randn(2, 3, side, side, generator=generator))
    for hook in hooks:
        hook.remove()
    return replace(member, module=module)


def _measure(norm: _BatchNorm, inputs: tuple[Tensor, ...], *, generator: torch.Generator) -> None:
    """Statistics of the images that just pass, randomised."""
    assert norm.running_mean is not None and norm.running_var is not None
    power = inputs[0].square().mean() + 1e-3
    norm.running_mean.copy_(_around(norm.running_mean, -0.5, 0.5, generator) * power.sqrt())
    norm.running_var.copy_(_around(norm.running_var, 0.5, 2, generator) * power)


def _around(like: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.empty_like(like).uniform_(low, high, generator=generator)


def _randomise(part: nn.Module, generator: torch.Generator) -> None:
    weight, bias = getattr(part, "weight", None), getattr(part, "bias", None)
    if isinstance(part, _BatchNorm | nn.LayerNorm) and weight is not None:
        weight.copy_(_around(weight, 0.5, 1.5, generator))
    if isinstance(part, _BatchNorm | nn.LayerNorm | nn.Conv2d | nn.Linear) and bias is not None:
        bias.copy_(_around(bias, -0.2, 0.2, generator))
    if isinstance(part, LayerScale):
        part.gamma.copy_(_around(part.gamma, 0.1, 0.5, generator))


@torch.no_grad()
def difference(member: Member, theirs: Logits) -> float:
    """The largest difference of logits over the largest logit, for random images."""
    generator = torch.Generator().manual_seed(1)
    side = member.network.resolution
    worst = 0.0
    for count in _BATCHES:
        images = torch.randn(count, 3, side, side, generator=generator)
        ours, found = member.module(images), theirs(images)
        if found.shape != ours.shape:
            return float("inf")
        worst = max(worst, float((ours - found).abs().max() / ours.abs().max().clamp(min=1e-12)))
    return worst
