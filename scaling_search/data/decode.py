"""One image file → one square of pixels, as a person would see it."""

import errno
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps

from scaling_search.data.source import Unreadable

_THE_FILES_OWN = (None, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ELOOP, errno.EISDIR)
"""Errors of one file; Pillow's own have no number."""


def decode(file: Path | BinaryIO, pixels: int) -> np.ndarray:
    """The first frame of a file, upright, on white, as uint8 [pixels, pixels, 3].

    Raises:
        Unreadable: not an image, truncated, larger than Pillow agrees to open, or not for this user to read.
        OSError: the disk or the network fails, which says nothing of the image.
    """
    try:
        with Image.open(file) as image:
            # JPEG can be decoded at 1/2, 1/4, 1/8; twice the target keeps the resize below clean
            image.draft(None, (2 * pixels, 2 * pixels))
            return to_square(image, pixels)
    except OSError as error:
        if error.errno not in _THE_FILES_OWN:
            raise
        raise Unreadable(str(error)) from error
    except Exception as error:  # whatever the reader of a format raises where the bytes are not what it expects
        raise Unreadable(str(error) or type(error).__name__) from error


def to_square(image: Image.Image, pixels: int) -> np.ndarray:
    """Centre square, resized with antialiasing, upright and in RGB: uint8 [pixels, pixels, 3]."""
    upright = ImageOps.exif_transpose(image)
    square = ImageOps.fit(to_rgb(upright), (pixels, pixels), Image.Resampling.BICUBIC)
    return np.asarray(square)


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB: transparent parts on white, 16 bits scaled to 8 (Pillow itself would clip them), CMYK converted."""
    if image.has_transparency_data:
        coloured = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured).convert("RGB")
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_eight_bits(np.asarray(image))).convert("RGB")
    return image.convert("RGB")


def _eight_bits(grey: np.ndarray) -> np.ndarray:
    """Grey values of a wide type as uint8: floats up to 1 and integers up to 65535 are what white means."""
    if grey.dtype.kind == "f":
        white = 1.0 if grey.max() <= 1 else 255.0
    else:
        white = 65535.0 if grey.max() > 255 or grey.dtype.itemsize == 2 else 255.0
    return np.round(np.clip(grey / white, 0, 1) * 255).astype(np.uint8)
