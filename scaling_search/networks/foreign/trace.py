"""One forward pass on the meta device, written down: which module was called with what shapes, in which order."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BATCH = 2  # one image would hide a batch that a hard-coded view has changed

Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Call:
    """The first call of one module: the shapes [N, C, H, W] of the tensors that went in and came out.

    Attributes:
        reads: which tensors went in; a module that reads what its block reads stands at a fork.
    """

    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    reads: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def channels_in(self) -> int:
        """Channels of the input; a dense block's list of inputs counts together."""
        return sum(shape[1] for shape in self.inputs)

    @property
    def channels_out(self) -> int:
        return sum(shape[1] for shape in self.outputs)

    @property
    def is_feature_map(self) -> bool:
        """Feature maps [N, C, H, W] go in and one comes out."""
        return len(self.outputs) == 1 and all(len(shape) == 4 for shape in (*self.inputs, *self.outputs))

    @property
    def keeps_shape(self) -> bool:
        return self.inputs == self.outputs


Calls = dict[str, Call]
"""By module name, in the order in which the modules were entered."""


def tensors_of(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def shapes_of(value: Any) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors_of(value))


def image(resolution: int) -> Tensor:
    """A batch without numbers: only its shape [2, 3, r, r] exists."""
    return torch.empty(BATCH, 3, resolution, resolution, device="meta")


@contextmanager
def hooked(handles: list[torch.utils.hooks.RemovableHandle]) -> Iterator[None]:
    """Hooks that are gone afterwards, whatever happens."""
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def shapes_only(module: nn.Module) -> Iterator[None]:
    """While this lasts batch norms only pass on what they get: on the meta device they take most of the time."""
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        vars(norm)["forward"] = Tensor.detach
    try:
        yield
    finally:
        for norm in norms:
            del vars(norm)["forward"]


def trace(module: nn.Module, resolution: int) -> Calls:
    """Every module that takes part in one forward pass of a module on the meta device; the root's name is ""."""
    entered: dict[str, list[Tensor]] = {}  # the tensors themselves: while they live, their ids tell them apart
    shapes: dict[str, tuple[Shape, ...]] = {}  # as they came in; some are changed in place
    left: dict[str, tuple[Shape, ...]] = {}
    handles = []
    for name, part in module.named_modules():

        def enter(_: nn.Module, args: Any, kwargs: Any, name: str = name) -> None:
            if name not in entered:
                entered[name] = tensors_of((args, kwargs))
                shapes[name] = shapes_of(entered[name])

        def leave(_: nn.Module, __: Any, output: Any, name: str = name) -> None:
            left.setdefault(name, shapes_of(output))

        handles += [part.register_forward_pre_hook(enter, with_kwargs=True), part.register_forward_hook(leave)]
    with hooked(handles), shapes_only(module), torch.no_grad():
        module(image(resolution))
    return {
        name: Call(inputs=shapes[name], outputs=left[name], reads=frozenset(map(id, tensors)))
        for name, tensors in entered.items()
        if name in left
    }


def channels(layer: nn.Module) -> tuple[int, int]:
    """Channels in and out of a layer (see `is_layer`)."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    assert isinstance(layer, nn.modules.conv._ConvNd)
    return layer.in_channels, layer.out_channels


def is_layer(module: nn.Module) -> bool:
    """Whether a module decides a number of channels: a convolution or a linear layer."""
    return isinstance(module, nn.modules.conv._ConvNd | nn.Linear)


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes the names of operations for the block that is running."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.running: list[str] = []
        self.operations: dict[str, list[str]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.running:
            self.operations[self.running[-1]].append(str(func.overloadpacket.__name__))
        return func(*args, **(kwargs or {}))


def operations(module: nn.Module, resolution: int, blocks: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The operations that each of some blocks runs in one forward pass on the meta device, by torch's names."""
    recorder = _Recorder()
    handles = []
    for name in blocks:

        def enter(_: nn.Module, __: Any, name: str = name) -> None:
            recorder.running.append(name)
            recorder.operations[name] = []

        def leave(_: nn.Module, __: Any, ___: Any) -> None:
            recorder.running.pop()

        part = module.get_submodule(name)
        handles += [part.register_forward_pre_hook(enter), part.register_forward_hook(leave)]
    with hooked(handles), torch.no_grad(), recorder:
        module(image(resolution))
    return {name: tuple(names) for name, names in recorder.operations.items()}
