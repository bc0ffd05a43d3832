"""Crops of random area and aspect, as the EfficientNet authors' preprocessing draws them, for a whole batch at once.

TensorFlow's sample_distorted_bounding_box and torchvision's RandomResizedCrop: an area uniform in a range, an aspect
log-uniform between 3/4 and 4/3, a place uniform among those that fit; ten tries, then the whole image.
"""

from dataclasses import dataclass
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from scaling_search.data.device import sent

_TRIES = 10
_ASPECT = (3 / 4, 4 / 3)  # width over height


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Random parts of images, resized to the network's pixels.

    Args:
        area: least and largest share of the image.
        flip: mirror half of them.
    """

    area: tuple[float, float] = (0.08, 1.0)
    flip: bool = True

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Left, top, width and height in units of the side, and whether mirrored. float32 [count, 5], on the CPU.

        In units of the side, so that all networks of a seed see the same part of the picture.
        """
        numbers = torch.rand((count, _TRIES, 4), generator=generator)
        mirror = torch.rand((count, 1), generator=generator)
        low, high = self.area
        area = low + numbers[..., 0] * (high - low)  # [count, tries]
        aspect = torch.exp(log(_ASPECT[0]) + numbers[..., 1] * (log(_ASPECT[1]) - log(_ASPECT[0])))
        width, height = (area * aspect).sqrt(), (area / aspect).sqrt()
        fits = (width <= 1) & (height <= 1)
        first = fits.float().argmax(1, keepdim=True)  # of none: 0
        width, height = (side.gather(1, first) for side in (width, height))
        none = ~fits.any(1, keepdim=True)
        width, height = torch.where(none, 1.0, width), torch.where(none, 1.0, height)
        places = numbers[:, 0, 2:]
        left, top = places[:, :1] * (1 - width), places[:, 1:] * (1 - height)
        return torch.cat([left, top, width, height, mirror], dim=1)

    def apply(self, images: Tensor, draws: Tensor, pixels: int) -> Tensor:
        """uint8 [n, s, s, 3] → uint8 [n, pixels, pixels, 3], bilinear."""
        left, top, width, height, mirror = sent(draws, images.device).unbind(1)
        across = torch.where(mirror < 0.5, -width, width) if self.flip else width
        zero = torch.zeros_like(left)
        matrix = torch.stack([across, zero, 2 * left + width - 1, zero, height, 2 * top + height - 1], dim=1).view(
            -1, 2, 3
        )
        grid = F.affine_grid(matrix, [len(images), 3, pixels, pixels], align_corners=False)
        batch = images.permute(0, 3, 1, 2).float()
        found = F.grid_sample(batch, grid, padding_mode="border", align_corners=False)
        return found.round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)
