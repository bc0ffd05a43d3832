"""Which entry of one network's weights is which of another's: both are listed in order, and every shape must agree.

timm, torchvision, pycls and this package list the layers of the same network in the same order but for two habits, so
no table of names is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from scaling_search.errors import InvalidInput
from scaling_search.networks.modules import LayerScale, Residual


class Differs(InvalidInput):
    """Two networks are not the same; the message names the first layer in which they differ."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """The habits in which another library's list of layers differs from ours.

    Attributes:
        shortcut_first: a block's projection comes before its main path (pycls, torchvision's RegNet).
        scale_first: a block's layer scale comes before its layers (ConvNeXt in timm and torchvision).
    """

    shortcut_first: bool = False
    scale_first: bool = False


OURS = Order()


def in_order(module: nn.Module, order: Order = OURS) -> list[str]:
    """The names of a module's weights and statistics as the other library would list them."""
    known = module.state_dict().keys()
    return [name for name in _walk(module, "", order) if name in known]


def _walk(module: nn.Module, prefix: str, order: Order) -> list[str]:
    own = [f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False)]
    own += [f"{prefix}{name}" for name, _ in module.named_buffers(recurse=False)]
    children = list(module.named_children())
    if order.shortcut_first and isinstance(module, Residual):
        children.sort(key=lambda child: child[0] != "shortcut")
    if order.scale_first:
        children.sort(key=lambda child: not isinstance(child[1], LayerScale))
    return own + [name for key, child in children for name in _walk(child, f"{prefix}{key}.", order)]


def paired(ours: nn.Module, theirs: Mapping[str, Tensor], order: Order = OURS) -> list[tuple[str, str]]:
    """(our name, their name) for every weight, by order.

    Args:
        ours: a module of `networks.build`.
        theirs: the state dict of the other module, in its own order.

    Raises:
        Differs: there are more or fewer, or two have different shapes.
    """
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    names = in_order(ours, order)
    for our, their in zip(names, theirs, strict=False):
        if not _alike(shapes[our], theirs[their].shape):
            raise Differs(f"its {their} is {_shape(theirs[their].shape)} where {our} is {_shape(shapes[our])}")
    if len(names) != len(theirs):
        raise Differs(f"it has {len(theirs)} weights and statistics where this network has {len(names)}")
    return list(zip(names, theirs, strict=True))


def _alike(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """The same numbers in the same places: a linear layer is a 1×1 convolution, or one as large as the map."""
    if one == other:
        return True
    sizes = [_product(shape) for shape in (one, other)]
    return sizes[0] == sizes[1] and one[:1] == other[:1]


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a number"


def as_theirs(ours: nn.Module, theirs: Mapping[str, Tensor], order: Order = OURS) -> dict[str, Tensor]:
    """Our weights under their names and in their shapes.

    Raises:
        Differs: as `paired`.
    """
    weights = ours.state_dict()
    return {their: weights[our].reshape(theirs[their].shape) for our, their in paired(ours, theirs, order)}


def as_ours(ours: nn.Module, theirs: Mapping[str, Tensor], order: Order = OURS) -> dict[str, Tensor]:
    """Their weights under our names and in our shapes.

    Raises:
        Differs: as `paired`.
    """
    shapes = {name: tensor.shape for name, tensor in ours.state_dict().items()}
    return {our: theirs[their].reshape(shapes[our]) for our, their in paired(ours, theirs, order)}
