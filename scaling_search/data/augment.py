"""Training augmentation of a whole batch on its device, from random draws that are the same for every resolution."""

from dataclasses import dataclass

import torch
from torch import Tensor

from scaling_search.data.device import sent
from scaling_search.data.randaugment import RandAugment


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random shift with reflected borders and, where the data set allows it, mirroring.

    Args:
        flip: mirror half of the images; `Dataset.flip` says whether labels survive it.
        shift: largest shift either way, as a fraction of the side. 1/8 is 4 pixels of CIFAR's 32.
        randaugment: what comes after that, if anything.
    """

    flip: bool
    shift: float = 0.125
    randaugment: RandAugment | None = None

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """uint8 [n, s, s, 3] → uint8 [n, s, s, 3], with draws from a generator on the CPU."""
        moved = self.apply(images, sent(self.draw(len(images), generator), images.device))
        if self.randaugment is None:
            return moved
        return self.randaugment.apply(moved, self.randaugment.draw(len(images), generator))

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
