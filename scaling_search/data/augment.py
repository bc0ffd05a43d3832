"""Training augmentation of a whole batch on its device, from random draws that are the same for every resolution."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scaling_search.data.autoaugment import AutoAugment
from scaling_search.data.crop import Crop
from scaling_search.data.device import sent
from scaling_search.data.randaugment import RandAugment


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random shift with reflected borders and, where the data set allows it, mirroring; or a random crop instead.

    Args:
        flip: mirror half of the images; `Dataset.flip` says whether labels survive it.
        shift: largest shift either way, as a fraction of the side. 1/8 is 4 pixels of CIFAR's 32.
        crop: a part of the image in place of the shift; it mirrors by itself.
        policies: what comes after that.
    """

    flip: bool
    shift: float = 0.125
    crop: Crop | None = None
    policies: tuple[RandAugment | AutoAugment, ...] = ()

    def __call__(self, images: Tensor, generator: torch.Generator, pixels: int | None = None) -> Tensor:
        """uint8 [n, s, s, 3] → uint8 [n, pixels, pixels, 3], with draws from a generator on the CPU.

        Args:
            pixels: other than s with a crop only.
        """
        count = len(images)
        if self.crop is not None:
            moved = self.crop.apply(images, self.crop.draw(count, generator), pixels or images.shape[1])
        else:
            moved = self.apply(images, sent(self.draw(count, generator), images.device))
        for policy in self.policies:
            moved = policy.apply(moved, policy.draw(count, generator))
        return moved

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Three numbers in 0..1 an image: down, right, mirror. float32 [count, 3].

        In units of the side, so that candidates of one seed see the same picture whatever their resolution, and drawn
        on the CPU, so that they do so whatever their device.
        """
        return torch.rand((count, 3), generator=generator)

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        """Moves and mirrors each image by its draws: one gather. uint8 [n, s, s, 3] → uint8 [n, s, s, 3]."""
        count, side = images.shape[:2]
        place = torch.arange(side, device=images.device)  # [s]
        offsets = ((draws[:, :2] * 2 - 1) * (self.shift * side)).round().long()  # [n, 2]
        rows = _reflected(place + offsets[:, :1], side)  # [n, s]
        columns = _reflected(place + offsets[:, 1:], side)
        if self.flip:
            columns = torch.where(draws[:, 2:] < 0.5, columns.flip(1), columns)
        first = torch.arange(count, device=images.device)[:, None] * side  # [n, 1]
        flat = ((first + rows)[:, :, None] * side + columns[:, None, :]).flatten()  # [n·s·s]
        return images.reshape(-1, 3).index_select(0, flat).view_as(images)


def _reflected(places: Tensor, side: int) -> Tensor:
    """Indices beyond the border, mirrored back in: −1 → 1, side → side − 2."""
    last = side - 1
    return last - (places.abs() - last).abs()
