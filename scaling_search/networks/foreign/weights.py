"""Starting values for a scaled network: the source's own code draws them.

A plain reset after scaling would change the initial scale of depthwise convolutions several-fold, since libraries set
their own after construction. So the source is built again, and while it puts itself together each layer is given its
new size; the library's initialisation then works on scaled layers. Copies of a block take theirs from further builds.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import get_ident

import torch
from torch import nn
from torch.nn.modules.module import register_module_module_registration_hook

from scaling_search.networks.foreign.depth import Deepened
from scaling_search.networks.foreign.resize import Sizes, drawn_like, resize, sizes_of

Make = Callable[[], nn.Module]


def with_weights(network: Deepened, make: Make) -> nn.Module:
    """A scaled network on the CPU with fresh weights.

    Args:
        network: the scaled network on the meta device.
        make: builds the source network, unscaled, with weights; called once for each generation of copies.
    """
    module = copy.deepcopy(network.module)
    pairs = zip(network.module.modules(), module.modules(), strict=True)
    origins = {new: network.origins[old] for old, new in pairs if old in network.origins}
    module.to_empty(device="cpu")
    order = _registration_order(make)
    first = {origin.name: sizes_of(part) for part, origin in origins.items() if origin.generation == 0}
    for generation in range(1 + max((origin.generation for origin in origins.values()), default=0)):
        parts = {part: origin.name for part, origin in origins.items() if origin.generation == generation}
        sizes = first | {name: sizes_of(part) for part, name in parts.items()}
        with _resizing({index: size for index, name in enumerate(order) if (size := sizes.get(name)) is not None}):
            source = make()
        for part, name in parts.items():
            _take(part, source.get_submodule(name))
    return module


def _take(part: nn.Module, source: nn.Module) -> None:
    """Copy the tensors of one module, without those of its children."""
    for kind in ("_parameters", "_buffers"):
        for name, tensor in getattr(part, kind).items():
            if tensor is not None:
                value = getattr(source, kind)[name].detach()
                with torch.no_grad():
                    tensor.copy_(value if value.shape == tensor.shape else drawn_like(value, tuple(tensor.shape)))


def _registration_order(make: Make) -> list[str]:
    """The names of a network's layers and norms in the order in which they get their place in it."""
    with _resizing({}) as met:
        source = make()
    names = {part: name for name, part in source.named_modules()}
    return [names.get(part, "") for part in met]


@contextmanager
def _resizing(sizes: Mapping[int, Sizes]) -> Iterator[list[nn.Module]]:
    """While this lasts, the i-th layer or norm that becomes part of a module gets the i-th size; yields those met.

    Modules that other threads put together at the same time stay as they are: torch's hook is there for all of them.
    """
    mine = get_ident()
    met: list[nn.Module] = []
    known: set[nn.Module] = set()

    def meet(_: nn.Module, __: str, part: nn.Module | None) -> None:
        if get_ident() != mine or part is None or part in known or sizes_of(part) is None:
            return
        size = sizes.get(len(met))
        met.append(part)
        known.add(part)
        if size is not None:
            resize(part, size)

    handle = register_module_module_registration_hook(meet)
    try:
        yield met
    finally:
        handle.remove()
