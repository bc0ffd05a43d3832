"""Other channel counts for a layer that exists: its weights get new shapes and, off the meta device, new numbers."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scaling_search.networks.foreign.trace import channels, is_layer


@dataclass(frozen=True)
class Sizes:
    """Channels in and out and groups of a convolution or linear layer; a norm has the first two equal."""

    channels_in: int
    channels_out: int
    groups: int = 1


def sizes_of(part: nn.Module) -> Sizes | None:
    """The counts of a layer or norm; None for any other module."""
    if is_layer(part):
        return Sizes(*channels(part), groups=getattr(part, "groups", 1))
    if isinstance(part, nn.GroupNorm):
        return Sizes(part.num_channels, part.num_channels, part.num_groups)
    if isinstance(part, nn.modules.batchnorm._NormBase):
        return Sizes(part.num_features, part.num_features)
    if isinstance(part, nn.LayerNorm | nn.RMSNorm):
        return Sizes(part.normalized_shape[-1], part.normalized_shape[-1])
    return None


def resize(part: nn.Module, sizes: Sizes) -> None:
    """Give a layer or norm these counts, in place.

    On a real device the weights are drawn by the layer's own `reset_parameters`; what is constant stays so.
    """
    old = sizes_of(part)
    assert old is not None, f"{type(part).__name__} has no channels"
    if old == sizes:
        return
    if isinstance(part, nn.Linear):
        part.in_features, part.out_features = sizes.channels_in, sizes.channels_out
    elif isinstance(part, nn.modules.conv._ConvNd):
        part.in_channels, part.out_channels, part.groups = sizes.channels_in, sizes.channels_out, sizes.groups
    elif isinstance(part, nn.GroupNorm):
        part.num_channels, part.num_groups = sizes.channels_in, sizes.groups
    elif isinstance(part, nn.modules.batchnorm._NormBase):
        part.num_features = sizes.channels_in
    elif isinstance(part, nn.LayerNorm | nn.RMSNorm):
        part.normalized_shape = (sizes.channels_in,)
    resize_tensors(part, {old.channels_out: sizes.channels_out}, skip="weight" if is_layer(part) else "")
    if isinstance(part, nn.Linear | nn.modules.conv._ConvNd):
        _renew_weight(part, sizes)


def _renew_weight(part: nn.Linear | nn.modules.conv._ConvNd, sizes: Sizes) -> None:
    old = part.weight
    first, second = sizes.channels_out, sizes.channels_in // sizes.groups
    if isinstance(part, nn.modules.conv._ConvTransposeNd):
        first, second = sizes.channels_in, sizes.channels_out // sizes.groups
    part.weight = nn.Parameter(old.new_empty((first, second, *old.shape[2:])), requires_grad=old.requires_grad)
    if not old.is_meta:
        part.reset_parameters()


def resize_tensors(part: nn.Module, counts: dict[int, int], *, skip: str = "") -> None:
    """Give every parameter and buffer of a module itself (not its children) other sizes where a dimension is a count.

    Args:
        counts: new size by old size.
        skip: a tensor to leave alone.
    """
    for name, old in [*part._parameters.items(), *part._buffers.items()]:
        if old is None or name == skip:
            continue
        shape = tuple(counts.get(size, size) for size in old.shape)
        if shape != tuple(old.shape):
            new = drawn_like(old.detach(), shape)
            registered = nn.Parameter(new, requires_grad=old.requires_grad) if name in part._parameters else new
            setattr(part, name, registered)


def drawn_like(old: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A tensor of another shape with numbers like those of old: the same constant, or drawn from them."""
    if old.is_meta or old.numel() == 0:
        return old.new_empty(shape)
    numbers = old.flatten()
    new = numbers[torch.randint(numbers.numel(), (int(torch.Size(shape).numel()),))]
    return new.reshape(shape)
