"""Where a network looks: class activation maps.

    CAM (arXiv 1512.04150)        M = Σ_k w[class, k] · A_k, where logits = w · mean over positions of A + b
    Grad-CAM (arXiv 1610.02391)   M = Σ_k a_k · A_k,  a_k = mean over positions of ∂logit[class] / ∂A_k

A [n, k, h, w] is what a layer puts out. CAM is exact, and holds for the last convolution of a network whose head is a
mean over positions and one linear layer; there both give the same map up to a factor. Everywhere else it is Grad-CAM.
The map is what is positive of M, from 0 to 1 in each image.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from scaling_search.errors import InvalidInput

_LEAST = 1e-7


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a network answered to n images, and where it looked.

    Attributes:
        heat: float [n, h, w], 0..1, in the cells of the layer.
        answers, probabilities: the class with the highest probability, and that, [n].
        layer: the layer's name; several calls of one module are numbered.
        method: how the map was made.
    """

    heat: np.ndarray
    answers: np.ndarray
    probabilities: np.ndarray
    layer: str
    method: Literal["CAM", "Grad-CAM"]

    @property
    def cells(self) -> int:
        """Height and width of the map."""
        return int(self.heat.shape[1])


def look(module: nn.Module, images: Tensor, classes: Tensor | None = None, *, cells: int = 1) -> Looked:
    """The answers of a module in evaluation mode, and its activation maps.

    Args:
        images: float [n, 3, r, r], as the network is given them.
        classes: int64 [n], what the maps are of; None: of each image's own answer.
        cells: the map is that of the last layer with so many cells a side at least; 1 is the last convolution.

    Raises:
        InvalidInput: no layer has a map of so many cells.
    """
    layer = last_layer(module, images[:1], cells=cells)
    with torch.enable_grad(), _watched(module, layer) as seen:
        logits: Tensor = module(images)  # [n, classes]
        answers = logits.argmax(dim=1)
        wanted = answers if classes is None else classes
        features = seen.features
        assert features is not None, "the layer was met when it was looked for"
        (slopes,) = torch.autograd.grad(logits.gather(1, wanted[:, None]).sum(), features)
    weights = seen.cam_weights(wanted)
    method: Literal["CAM", "Grad-CAM"] = "Grad-CAM" if weights is None else "CAM"
    if weights is None:
        weights = slopes.mean(dim=(2, 3))  # [n, k]
    heat = torch.relu((weights[:, :, None, None] * features.detach()).sum(dim=1))  # [n, h, w]
    return Looked(
        heat=_from_0_to_1(heat).numpy(),
        answers=answers.numpy(),
        probabilities=logits.detach().softmax(dim=1).max(dim=1).values.numpy(),
        layer=layer,
        method=method,
    )


def last_layer(module: nn.Module, image: Tensor, *, cells: int) -> str:
    """The name of the last layer that puts out a map of so many cells a side: «head.2», «layer4.relu#3».

    A map of one cell is a mean already, and is taken only where there is no other.

    Args:
        image: float [1, 3, r, r].

    Raises:
        InvalidInput: there is none.
    """
    sides: dict[str, int] = {}

    def note(name: str, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 4:
            sides[name] = int(min(output.shape[2:]))

    with torch.no_grad(), _told(module, note):
        module(image)
    most = max(sides.values(), default=0)
    wanted = min(2, most) if cells == 1 else cells
    found = [name for name, side in sides.items() if side >= wanted]
    if not found:
        raise InvalidInput(f"no layer has a map of {cells} × {cells} cells; the largest has {most}")
    return found[-1]


class _Seen:
    """What a forward pass showed: the layer's map, and what the last linear layer was given."""

    def __init__(self) -> None:
        self.features: Tensor | None = None
        self.head: nn.Linear | None = None
        self.pooled: Tensor | None = None

    def cam_weights(self, classes: Tensor) -> Tensor | None:
        """Weights [n, k] of the head, where it is a linear layer over the mean of this map; else None."""
        if self.head is None or self.features is None or self.pooled is None:
            return None
        means = self.features.detach().mean(dim=(2, 3))  # [n, k]
        same = self.pooled.shape == means.shape and torch.allclose(self.pooled, means, rtol=1e-4, atol=1e-5)
        return self.head.weight.detach()[classes] if same else None


@contextmanager
def _watched(module: nn.Module, layer: str) -> Iterator[_Seen]:
    """Keeps the map of a layer inside the block. What follows works on a copy: it may overwrite what it is given."""
    seen = _Seen()
    calls: dict[str, int] = {}
    handles = []

    def watch(name: str) -> Any:
        def hook(part: nn.Module, inputs: Any, output: Any) -> Any:
            if isinstance(part, nn.Linear):
                seen.head, seen.pooled = part, inputs[0].detach().clone()
            if _numbered(name, calls) != layer:
                return None
            seen.features = output if output.requires_grad else output.detach().requires_grad_()
            return seen.features.clone()

        return hook

    for name, part in _leaves(module):
        handles.append(part.register_forward_hook(watch(name)))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _told(module: nn.Module, note: Any) -> Iterator[None]:
    """Tells of what every layer puts out, in the order of the forward pass."""
    calls: dict[str, int] = {}
    handles = [
        part.register_forward_hook(lambda part, inputs, output, name=name: note(_numbered(name, calls), output))
        for name, part in _leaves(module)
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _leaves(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    return ((name, part) for name, part in module.named_modules() if name and not any(part.children()))


def _numbered(name: str, calls: dict[str, int]) -> str:
    """The name, and from the second call in a forward pass on its number."""
    calls[name] = calls.get(name, 0) + 1
    return name if calls[name] == 1 else f"{name}#{calls[name]}"


def _from_0_to_1(heat: Tensor) -> Tensor:
    low = heat.amin(dim=(1, 2), keepdim=True)
    return (heat - low) / ((heat - low).amax(dim=(1, 2), keepdim=True) + _LEAST)
