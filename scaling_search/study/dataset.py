"""`ss.dataset`: a person's own torch data sets as the images of a search."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scaling_search.data.source import ImageSource


def dataset(
    train: Any,
    val: Any,
    *,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    flip: bool = True,
) -> "ImageSource":
    """Map-style torch data sets as the images of a search; they are packed once, when the search is planned.

    Args:
        train, val: items are (image, label). The image is a PIL image, a uint8 tensor or a float one in 0..1, [3, h, w]
            or [1, h, w], before normalisation and random augmentation, which are the recipe's affair; the label an int.
        classes: names; None: what the data set says, or the numbers.
        name: what run.yaml calls it; None: the data set's type.
        flip: whether images may be mirrored in training.

    Raises:
        InvalidInput: the data sets are of a kind that cannot be packed; the message says which and why.
    """
    from scaling_search.data.torch_datasets import from_torch

    return from_torch(train, val, classes=classes, name=name, flip=flip)
