"""The way of a batch into a training step: pick, augment and normalise on the device, without waiting for it."""

from collections.abc import Iterator

import torch
from torch import Tensor

from scaling_search.data.augment import Augment
from scaling_search.data.dataset import Split
from scaling_search.data.device import sent
from scaling_search.data.resize import at_resolution

_RESIDENT_SHARE = 0.25  # of the free GPU memory may hold images; the rest is for networks, this trial's and others'


class Loader:
    """One split at one resolution, for one trial.

    On a CPU the images stay in the memory map, which all workers share. On CUDA they are copied to the device once when
    they fit; else each batch goes through pinned memory on a stream of its own, beside the computation.

    Args:
        pixels: resolution of the batches.
        augment: training augmentation; None for evaluation.
        resident: keep the images on the device; None: when they fit into a quarter of its free memory.
    """

    def __init__(
        self,
        split: Split,
        pixels: int,
        *,
        device: torch.device | str = "cpu",
        augment: Augment | None = None,
        resident: bool | None = None,
    ) -> None:
        self.device = torch.device(device)
        self.augment = augment
        self.pixels = pixels
        side = split.side if augment is not None and augment.crop is not None else pixels  # crops are of all there is
        images = torch.from_numpy(at_resolution(split, side))  # uint8 [N, s, s, 3], still on disk
        self.resident = _fits(images, self.device) if resident is None else resident
        self._images = images.to(self.device) if self.resident else images
        self._labels = torch.from_numpy(split.labels()).to(self.device)
        self._copies = None
        if self.device.type == "cuda":
            self._copies = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]
        # a row as long as an image: broadcasting three numbers over the innermost dimension is ten times as slow
        mean, std = (torch.tensor(values, device=self.device).repeat(pixels**2) for values in (split.mean, split.std))
        self._scale, self._offset = 1 / (255 * std), -mean / std  # [s·s·3]

    def __len__(self) -> int:
        return len(self._labels)

    def batches(
        self, order: Tensor, *, batch_size: int, generator: torch.Generator | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """The images of order, int64 [n] on the CPU, in batches; the last one may be smaller."""
        for rows in torch.split(order, batch_size):
            yield self.batch(rows, generator)

    def batch(self, rows: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Images and labels of some rows of the split.

        Args:
            rows: int64 [n] on the CPU.
            generator: on the CPU; needed with augmentation, and moved on by the same amount at every resolution.

        Returns:
            float32 [n, 3, s, s], normalised and channels_last, and int64 [n], both on the device.
        """
        images = self._pick(rows)  # uint8 [n, s, s, 3]
        if self.augment is not None:
            assert generator is not None, "augmentation needs a generator"
            images = self.augment(images, generator, self.pixels)
        normalised = images.flatten(1).float().mul_(self._scale).add_(self._offset).view(images.shape)
        # permuted, not copied: pixels with their colours side by side are channels_last already
        return normalised.permute(0, 3, 1, 2), self._labels[sent(rows, self.device)]

    def _pick(self, rows: Tensor) -> Tensor:
        if self.resident or self._copies is None:
            return self._images.index_select(0, sent(rows, self.device))
        pinned = self._images.index_select(0, rows).pin_memory()
        computing = torch.cuda.current_stream(self.device)
        with torch.cuda.stream(self._copies):
            images = pinned.to(self.device, non_blocking=True)
        computing.wait_stream(self._copies)
        images.record_stream(computing)  # the allocator must not reuse it while the step reads it
        return images


def _fits(images: Tensor, device: torch.device) -> bool:
    """Whether the images should live on the device; never on a CPU, where the map is the shared copy."""
    if device.type != "cuda":
        return device.type != "cpu"
    free, _ = torch.cuda.mem_get_info(device)
    return images.nbytes <= _RESIDENT_SHARE * free
