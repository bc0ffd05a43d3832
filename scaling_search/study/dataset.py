"""`ss.dataset`: a person's own torch data sets as the images of a search."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from scaling_search.data.source import ImageSource


def dataset(
    train: Any,
    val: Any = None,
    *,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    flip: bool = True,
) -> "ImageSource":
    """Map-style torch data sets as the images of a search; they are packed once, when the search is planned.

    Or what lies at a path, as `--data` takes it: `ss.dataset("hf:photos")`.

    Args:
        train, val: items are (image, label). The image is a PIL image, a uint8 tensor or a float one in 0..1, [3, h, w]
            or [1, h, w], before normalisation and random augmentation, which are the recipe's affair; the label an int.
            Or train is a path, and val None.
        classes: names; None: what the data set says, or the numbers.
        name: what run.yaml calls it; None: the data set's type.
        flip: whether images may be mirrored in training.

    Raises:
        InvalidInput: the data sets are of a kind that cannot be packed; the message says which and why.
    """
    if val is None:
        return _at(train, classes=classes, name=name, flip=flip)
    from scaling_search.data.torch_datasets import from_torch

    return from_torch(train, val, classes=classes, name=name, flip=flip)


def _at(source: Any, *, classes: Sequence[str] | None, name: str | None, flip: bool) -> "ImageSource":
    from scaling_search.data.cache import cache_folder
    from scaling_search.data.sources import open_source

    if not isinstance(source, str | Path):
        raise InvalidInput("give a validation set too: ss.dataset(train, val)")
    if classes is not None:
        raise InvalidInput("the classes of what lies at a path are named there")
    found = open_source(str(source), cache=cache_folder(), seed=0)
    return replace(found, name=name or found.name, flip=flip and found.flip)
