"""One item of a torch data set: a pair of an image, in one of several forms, and a class number."""

from collections.abc import Mapping
from operator import index as whole
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from scaling_search.data.decode import to_rgb
from scaling_search.errors import InvalidInput

_KINDS = "a PIL image, uint8 or floats from 0 to 1, [3, h, w] or [1, h, w], or uint8 [h, w, 3]"
_OVERSHOOT = 1 / 255  # beyond 0..1, by rounding


def pair(item: Any, where: str) -> tuple[Any, Any]:
    """The image and the label of an item; where is what a message calls it.

    Raises:
        InvalidInput: the item is something else.
    """
    if isinstance(item, Mapping):
        raise InvalidInput(
            f"{where} is a mapping ({', '.join(map(str, item))}); give a set whose items are pairs, as (item['image'], "
            "item['label'])"
        )
    if not isinstance(item, tuple | list) or len(item) != 2:
        found = f"{len(item)} things" if isinstance(item, tuple | list) else f"of type {type(item).__name__}"
        raise InvalidInput(f"{where} is {found}, not a pair of an image and a class number")
    return item[0], item[1]


def class_number(label: Any) -> int:
    """A label as a number from 0.

    Raises:
        ValueError: it is no whole number, or negative.
    """
    try:
        number = whole(label)
    except TypeError:
        raise ValueError(f"its label is {label!r}, not a class number") from None
    if number < 0:
        raise ValueError(f"its label is {number}; class numbers begin at 0")
    return number


def picture(image: Any) -> Image.Image:
    """An image as an upright RGB picture.

    Raises:
        ValueError: it is none of the kinds that are taken; OSError: its file is broken, where Pillow opens it only now.
    """
    if isinstance(image, Image.Image):
        return to_rgb(ImageOps.exif_transpose(image))
    if not isinstance(image, Tensor | np.ndarray):
        raise ValueError(f"an image is {_KINDS}, not of type {type(image).__name__}")
    array = _as_array(image)
    channels_last = array.ndim == 3 and array.shape[0] not in (1, 3) and array.shape[2] == 3
    if channels_last and array.dtype == np.uint8:
        array = array.transpose(2, 0, 1)
    if array.ndim != 3 or array.shape[0] not in (1, 3) or 0 in array.shape:
        raise ValueError(f"an image is {_KINDS}, not {list(array.shape)}")
    pixels = np.broadcast_to(_bytes(array), (3, *array.shape[1:]))
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _as_array(image: Tensor | np.ndarray) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return image
    array: np.ndarray = (image.float() if image.is_floating_point() else image).detach().cpu().numpy()
    return array


def _bytes(array: np.ndarray) -> np.ndarray:
    """uint8 as it is; floats from 0 to 1 as 0 to 255."""
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind != "f":
        raise ValueError(f"an image is {_KINDS}, not {array.dtype}")
    low, high = float(array.min()), float(array.max())
    if not -_OVERSHOOT <= low <= high <= 1 + _OVERSHOOT:  # NaN fails too
        raise ValueError(f"its pixels go from {low:.3g} to {high:.3g}; give images before normalisation, from 0 to 1")
    levels: np.ndarray = np.round(255 * np.clip(array, 0, 1)).astype(np.uint8)
    return levels
