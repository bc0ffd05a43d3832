"""`ss.dataset`: a person's own data sets, torch's or Hugging Face's, as the images of a search."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from scaling_search.data.source import ImageSource

Data = Union[str, Path, "ImageSource", None]
"""What a search's images come from: a path, a data set's name, what `dataset` gives; None is the embedded set."""


def dataset(
    train: Any,
    val: Any = None,
    *,
    classes: Sequence[str] | None = None,
    name: str | None = None,
    flip: bool = True,
) -> "ImageSource":
    """Map-style torch data sets as the images of a search; they are packed once, when the search is planned.

    Or what lies at a path, as `--data` takes it: `ss.dataset("hf:photos")`. Or Hugging Face's `datasets.Dataset` and
    `DatasetDict`: `ss.dataset(load_dataset(…))`.

    Args:
        train, val: items are (image, label). The image is a PIL image, a uint8 tensor or a float one in 0..1, [3, h, w]
            or [1, h, w], before normalisation and random augmentation, which are the recipe's affair; the label an int.
            Or train is a path, and val None. Of a `DatasetDict` the splits are found by their names; of one `Dataset` a
            fifth is held out where val is None.
        classes: names; None: what the data set says, or the numbers.
        name: what run.yaml calls it; None: the data set's type.
        flip: whether images may be mirrored in training.

    Raises:
        InvalidInput: the data sets are of a kind that cannot be packed; the message says which and why.
    """
    from scaling_search.data.hugging_face import from_hugging_face, is_hugging_face

    if is_hugging_face(train):
        return from_hugging_face(train, val, classes=classes, name=name, flip=flip)
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


def opened(data: Data) -> "ImageSource":
    """The images, before they are packed. What is no source yet is made one, as by `dataset`.

    Raises:
        InvalidInput: there is nothing of that name, or it cannot be taken.
    """
    from scaling_search.data.cache import cache_folder
    from scaling_search.data.source import ImageSource
    from scaling_search.data.sources import open_source

    if isinstance(data, str | Path | None):
        return open_source(None if data is None else str(data), cache=cache_folder(), seed=0)
    return data if isinstance(data, ImageSource) else dataset(data)


def located(data: Data) -> Data:
    """What lies at a path by its absolute one, also after «hf:» and the like: run.yaml is read in other folders.

    Names stay as they are.
    """
    if not isinstance(data, str):
        return data.absolute() if isinstance(data, Path) else data
    prefix, colon, path = data.partition(":")
    if prefix == "shapes" or not data:
        return data
    if Path(data).is_dir() or (Path(data).suffix and Path(data).is_file()):
        return str(Path(data).absolute())
    return f"{prefix}:{Path(path).absolute()}" if colon and path and Path(path).exists() else data
