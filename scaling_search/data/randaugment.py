"""RandAugment (Cubuk et al., arXiv 1909.13719) for a whole batch on its device.

Each image goes through `layers` operations drawn from the paper's fourteen. Images that drew the same operation go
through it together; who drew what is known on the CPU, so nothing waits for the device.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi

import torch
import torch.nn.functional as F
from torch import Tensor

from scaling_search.data.device import sent

# An operation takes float32 [n, 3, s, s] in 0..255 and a strength in −1..1, [n, 1, 1, 1], and returns the former.
Operation = Callable[[Tensor, Tensor], Tensor]

_GREY = (0.299, 0.587, 0.114)


@dataclass(frozen=True, kw_only=True)
class RandAugment:
    """How many operations an image goes through, and how strong they are (0..10)."""

    layers: int = 2
    magnitude: float = 9.0

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Two numbers in 0..1 an image and layer: which operation, which sign. float32 [count, layers, 2]."""
        return torch.rand((count, self.layers, 2), generator=generator)

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        """uint8 [n, s, s, 3] → uint8 [n, s, s, 3]; draws on the CPU."""
        pixels = images.permute(0, 3, 1, 2).float()
        for layer in range(self.layers):
            chosen = (draws[:, layer, 0] * len(OPERATIONS)).long()
            strength = torch.where(draws[:, layer, 1] < 0.5, -1.0, 1.0) * (self.magnitude / 10)
            for number, operation in enumerate(OPERATIONS.values()):
                members = (chosen == number).nonzero().squeeze(1)
                rows = sent(members, images.device)
                if len(members):
                    pixels[rows] = operation(pixels[rows], sent(strength[members], images.device).view(-1, 1, 1, 1))
        return pixels.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def _identity(images: Tensor, strength: Tensor) -> Tensor:
    return images


def _autocontrast(images: Tensor, strength: Tensor) -> Tensor:
    low, high = images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)
    return torch.where(high > low, (images - low) * (255 / (high - low).clamp(min=1)), images)


def _equalize(images: Tensor, strength: Tensor) -> Tensor:
    """Each colour's values replaced by their rank: the histogram becomes flat."""
    values = images.round().clamp(0, 255).long().flatten(2)  # [n, 3, s²]
    histogram = torch.zeros(*values.shape[:2], 256, device=images.device).scatter_add_(
        2, values, torch.ones_like(values, dtype=torch.float32)
    )
    below = histogram.cumsum(2) - histogram  # pixels darker than each value
    brightest = values.amax(2, keepdim=True)
    scale = 255 / below.gather(2, brightest).clamp(min=1)  # so that the brightest is white
    equal = (below * scale).gather(2, values).view_as(images)
    return torch.where((brightest > values.amin(2, keepdim=True)).unsqueeze(3), equal, images)


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    step = 2 ** (4 * strength.abs()).round()  # up to four bits go
    return (images / step).floor() * step


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    return torch.where(images >= 255 * (1 - strength.abs()), 255 - images, images)


def invert(images: Tensor, strength: Tensor) -> Tensor:
    """The negative; AutoAugment has it, RandAugment has not."""
    return 255 - images


def _brightness(images: Tensor, strength: Tensor) -> Tensor:
    return _blended(torch.zeros_like(images), images, strength)


def _colour(images: Tensor, strength: Tensor) -> Tensor:
    return _blended(_grey(images), images, strength)


def _contrast(images: Tensor, strength: Tensor) -> Tensor:
    return _blended(_grey(images).mean((2, 3), keepdim=True), images, strength)


def _sharpness(images: Tensor, strength: Tensor) -> Tensor:
    if images.shape[2] < 3:
        return images
    kernel = torch.ones(3, 1, 3, 3, device=images.device)
    kernel[:, :, 1, 1] = 5  # Pillow's smoothing filter
    smooth = F.pad(F.conv2d(images, kernel / 13, groups=3), (1, 1, 1, 1))
    border = F.pad(torch.zeros_like(images[:, :1, 2:, 2:]), (1, 1, 1, 1), value=1.0)  # kept as it is
    return _blended(torch.where(border > 0, images, smooth), images, strength)


def _blended(plain: Tensor, images: Tensor, strength: Tensor) -> Tensor:
    """From plain (strength −1, nearly) over the image itself (0) to beyond it (1)."""
    return (plain + (1 + 0.9 * strength) * (images - plain)).clamp(0, 255)


def _grey(images: Tensor) -> Tensor:
    return (images * torch.tensor(_GREY, device=images.device).view(1, 3, 1, 1)).sum(1, keepdim=True)


def _rotate(images: Tensor, strength: Tensor) -> Tensor:
    angle = strength.flatten() * (30 * pi / 180)
    return _warped(images, xx=angle.cos(), xy=-angle.sin(), yx=angle.sin(), yy=angle.cos())


def _shear_x(images: Tensor, strength: Tensor) -> Tensor:
    return _warped(images, xy=0.3 * strength.flatten())


def _shear_y(images: Tensor, strength: Tensor) -> Tensor:
    return _warped(images, yx=0.3 * strength.flatten())


def _translate_x(images: Tensor, strength: Tensor) -> Tensor:
    return _warped(images, x=0.9 * strength.flatten())  # the grid is two wide: 0.45 of the side


def _translate_y(images: Tensor, strength: Tensor) -> Tensor:
    return _warped(images, y=0.9 * strength.flatten())


def _warped(images: Tensor, **entries: Tensor) -> Tensor:
    """An affine map given by the entries of its matrix that differ from the identity's, each [n]; grey fills in."""
    one = torch.ones(len(images), device=images.device)
    whole = {"xx": one, "xy": 0 * one, "x": 0 * one, "yx": 0 * one, "yy": one, "y": 0 * one} | entries
    matrix = torch.stack(list(whole.values()), 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images - 128, grid, align_corners=False) + 128


OPERATIONS: Mapping[str, Operation] = {
    "identity": _identity,
    "autocontrast": _autocontrast,
    "equalize": _equalize,
    "rotate": _rotate,
    "solarize": _solarize,
    "colour": _colour,
    "posterize": _posterize,
    "contrast": _contrast,
    "brightness": _brightness,
    "sharpness": _sharpness,
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": _translate_x,
    "translate_y": _translate_y,
}
