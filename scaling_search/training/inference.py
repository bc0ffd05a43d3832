"""Weights at work: what they score on data, and what they say of images."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from scaling_search.data import Dataset, Loader
from scaling_search.data.decode import decode
from scaling_search.data.resize import resized
from scaling_search.data.source import Unreadable
from scaling_search.errors import InvalidInput
from scaling_search.networks.preprocessing import CONFIG, Preprocessing
from scaling_search.networks.stored import Stored
from scaling_search.training.convolution import fitted_to_cpu
from scaling_search.training.evaluate import Evaluation, validate
from scaling_search.training.parallel import World

_BATCH = 64  # images


def evaluated(stored: Stored, dataset: Dataset, *, device: str = "cpu") -> Evaluation:
    """What weights score on a data set's validation images: as their training recorded it, to the last image.

    Raises:
        InvalidInput: the weights are another network's, or know other classes.
    """
    known = stored.preprocessing
    if known is not None:
        dataset = dataset.normalised(mean=known.mean, std=known.std)
    _check_classes(stored, dataset)
    place = torch.device(device)
    module = _placed(stored.build(), place)
    images = Loader(dataset.val, stored.network.resolution, device=place)
    with _autocast(place):
        return validate(module, images, World.current())


def predicted(stored: Stored, files: Sequence[Path], *, device: str = "cpu") -> Iterator[tuple[Path, Tensor]]:
    """Each image's probabilities, float32 [classes]; images are prepared as in the training.

    Raises:
        InvalidInput: config.json is missing beside the weights, or an image cannot be read.
    """
    known = stored.preprocessing
    if known is None:
        raise InvalidInput(f"how images are prepared is not known: there is no {CONFIG} beside {stored.path}")
    place = torch.device(device)
    module = _placed(stored.build(), place)
    for start in range(0, len(files), _BATCH):
        some = files[start : start + _BATCH]
        with torch.inference_mode(), _autocast(place):
            logits = module(prepared(some, known).to(place))
        yield from zip(some, logits.float().softmax(1).cpu(), strict=True)


def prepared(files: Sequence[Path], how: Preprocessing) -> Tensor:
    """Images as a network of this preprocessing takes them: float32 [n, 3, r, r], channels_last.

    Raises:
        InvalidInput: one cannot be read.
    """
    side = how.packed or how.pixels
    squares = np.stack([_square(path, round(side / how.crop)) for path in files])
    cut = (squares.shape[1] - side) // 2
    squares = np.ascontiguousarray(squares[:, cut : cut + side, cut : cut + side])
    if side != how.pixels:
        squares = resized(squares, how.pixels)
    scale = 1 / (255 * torch.tensor(how.std))
    offset = -torch.tensor(how.mean) / torch.tensor(how.std)
    pixels = torch.from_numpy(squares).float().mul_(scale).add_(offset)  # [n, r, r, 3]
    return pixels.permute(0, 3, 1, 2)


def _square(path: Path, side: int) -> np.ndarray:
    if not path.is_file():
        raise InvalidInput(f"there is no image {path}")
    try:
        return decode(path, side)
    except Unreadable as error:
        raise InvalidInput(f"{path} cannot be read as an image: {error}") from error


def _placed(module: nn.Module, place: torch.device) -> nn.Module:
    """On its device, by the same kernels as in the training."""
    if place.type == "cpu":
        fitted_to_cpu(module)
    moved: nn.Module = module.to(device=place, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def _autocast(place: torch.device) -> torch.autocast:
    return torch.autocast(place.type, dtype=torch.bfloat16, enabled=place.type == "cuda")


def _check_classes(stored: Stored, dataset: Dataset) -> None:
    labels = None if stored.preprocessing is None else stored.preprocessing.labels
    if stored.network.classes != len(dataset.classes):
        raise InvalidInput(
            f"the weights tell {stored.network.classes} classes apart, and {dataset.name} has {len(dataset.classes)}"
        )
    if labels is not None and labels != dataset.classes:
        other = next(name for name, known in zip(dataset.classes, labels, strict=True) if name != known)
        raise InvalidInput(f"{dataset.name} has other classes than the weights know, or another order: {other}")
