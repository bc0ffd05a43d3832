"""A described network as one file of plain PyTorch, which needs nothing of this package."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from scaling_search.exporters.code import heading
from scaling_search.exporters.member import Member
from scaling_search.networks import modules

_TEMPLATE = '''{heading}
import torch
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn


{classes}

class {kind}(nn.Module, PyTorchModelHubMixin):
    """float [N, 3, {pixels}, {pixels}] → logits [N, num_classes]."""

    def __init__(self, num_classes: int = {outputs}) -> None:
        super().__init__()
{parts}

    def forward(self, x: Tensor) -> Tensor:
        for part in self.children():
            x = part(x)
        return x
'''
_OWN = (modules.DropPath, modules.Residual, modules.Gate, modules.Concatenate, modules.Permute, modules.LayerScale)


def plain_code(member: Member, kind: str) -> str:
    """The file's text; the layers have the names that the weights go by.

    Args:
        kind: the name of the class.
    """
    module = member.module
    used = {type(part) for part in module.modules()}
    classes = [source for source in _OWN if source in used]
    parts = []
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    for name, part in module.named_children():
        parts.append(f"        self.{name} = {_code(part, 8, last)}")
    use = f'from {member.identifier} import {kind}\n\nmodel = {kind}.from_pretrained("FOLDER").eval()'
    return _TEMPLATE.format(
        heading=heading(member, use),
        classes="\n\n".join(inspect.getsource(one) for one in classes),
        kind=kind,
        pixels=member.network.resolution,
        outputs=member.network.classes,
        parts="\n".join(parts),
    )


def _code(part: nn.Module, indent: int, last: nn.Module) -> str:
    """A module as the expression that makes it."""
    if isinstance(part, nn.Sequential):
        return _nested("nn.Sequential", [_code(child, indent + 4, last) for child in part], indent)
    if isinstance(part, modules.Residual):
        inner = [
            _code(part.main, indent + 4, last),
            "None" if part.shortcut is None else _code(part.shortcut, indent + 4, last),
            "0.0" if part.drop_path is None else f"{part.drop_path.rate!r}",
        ]
        return _nested("Residual", inner, indent)
    if isinstance(part, modules.Gate | modules.Concatenate):
        return _nested(type(part).__name__, [_code(part.branch, indent + 4, last)], indent)
    if isinstance(part, modules.Permute):
        return f"Permute({part.order == (0, 2, 3, 1)})"
    if isinstance(part, modules.LayerScale):
        return f"LayerScale({len(part.gamma)}, 1e-06)"
    arguments = ", ".join(_arguments(part, last))
    return f"nn.{type(part).__name__}({arguments})"


def _nested(maker: str, inner: list[str], indent: int) -> str:
    if not inner:
        return f"{maker}()"
    lines = "".join(f"{' ' * (indent + 4)}{one},\n" for one in inner)
    return f"{maker}(\n{lines}{' ' * indent})"


def _arguments(part: nn.Module, last: nn.Module) -> Iterator[str]:
    """The constructor arguments of one of torch's modules that differ from the defaults."""
    if part is last:
        assert isinstance(part, nn.Linear)
        yield from (f"{part.in_features}", "num_classes")
        return
    maker: Callable[..., Any] = type(part).__init__
    for name, parameter in list(inspect.signature(maker).parameters.items())[1:]:
        if name in ("device", "dtype") or not hasattr(part, name):
            continue
        value = getattr(part, name)
        if name == "bias":
            value = value is not None
        if isinstance(value, tuple) and len(set(value)) == 1 and name != "normalized_shape":
            value = value[0]
        if parameter.default is inspect.Parameter.empty:
            yield f"{value!r}"
        elif value != parameter.default:
            yield f"{name}={value!r}"
