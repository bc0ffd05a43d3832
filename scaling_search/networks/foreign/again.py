"""Networks like a module that exists: copies with fresh weights. How its class made it need not be known."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Again:
    """A callable that makes networks like one module, each with fresh weights.

    Attributes:
        module: the model; tensors on the meta device are drawn, the others keep their values (see `drawn_again`).
    """

    module: nn.Module

    def __call__(self) -> nn.Module:
        module = copy.deepcopy(self.module)
        if torch.get_default_device().type == "meta":
            return module.to("meta")
        _put_together(module)
        _allocate(module)
        _reset(module)
        return module


def drawn_again(module: nn.Module) -> list[Tensor]:
    """The parameters and buffers that the module's own `reset_parameters` methods draw; the module stays as it is.

    Found by trying: on a copy all tensors are marked, and those drawn have no mark afterwards.
    """
    twin = copy.deepcopy(module).to("cpu")
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        for tensor in _tensors(twin):
            tensor.fill_(_mark(tensor))
        _reset(twin)
        kept = [_is_marked(tensor) for tensor in _tensors(twin)]
    return [tensor for tensor, is_kept in zip(_tensors(module), kept, strict=True) if not is_kept]


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    return chain(module.parameters(), module.buffers())


def _mark(tensor: Tensor) -> float:
    """A value that no starting value has: no number, or the least whole one."""
    has_nan = tensor.is_floating_point() or tensor.is_complex()
    return torch.nan if has_nan else 0 if tensor.dtype == torch.bool else torch.iinfo(tensor.dtype).min


def _is_marked(tensor: Tensor) -> bool:
    return bool((tensor.isnan() | (tensor == _mark(tensor))).any())


def _put_together(module: nn.Module) -> None:
    """Give every part its place again, as a constructor would: `weights.py` changes sizes while that happens."""
    for part in module.modules():
        for name, child in part.named_children():
            part.register_module(name, child)


def _allocate(module: nn.Module) -> None:
    """Memory for the tensors on the meta device; one that stands in two places stays one."""
    made: dict[Tensor, Tensor] = {}
    for part in module.modules():
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            if tensor is not None and tensor.is_meta:
                made[tensor] = made[tensor] if tensor in made else _empty_like(tensor)
                setattr(part, name, made[tensor])


def _empty_like(tensor: Tensor) -> Tensor:
    empty = torch.empty_like(tensor, device="cpu", requires_grad=False)
    return nn.Parameter(empty, requires_grad=tensor.requires_grad) if isinstance(tensor, nn.Parameter) else empty


def _reset(module: nn.Module) -> None:
    """Fresh starting values, inner parts first: what holds others has the last word, as in a constructor."""
    for part in reversed([*module.modules()]):
        if callable(reset := getattr(part, "reset_parameters", None)):
            reset()
