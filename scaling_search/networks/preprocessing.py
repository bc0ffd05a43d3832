"""What an image goes through on its way into a trained network, kept beside the weights in timm's config.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling_search.errors import InvalidInput
from scaling_search.files import read_text, write_atomically

Colour = tuple[float, float, float]

CONFIG = "config.json"
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """The centre square of an image, resized to the network's pixels and normalised; and what its outputs mean.

    Attributes:
        pixels: side of the network's input.
        mean, std: of the colours, 0..1.
        labels: the names of the classes in the order of the outputs; None where they are not known.
        packed: side of the squares that images were first decoded to, in pixels; None: the network's input.
        crop: the side of the square that is kept, as a fraction of the shorter side of the image.
        eps: of the batch norms, where the weights came with another one than the network's.
    """

    pixels: int
    mean: Colour
    std: Colour
    labels: tuple[str, ...] | None = None
    packed: int | None = None
    crop: float = 1.0
    eps: float | None = None

    def to_config(self, *, architecture: str, classes: int, **more: Any) -> dict[str, Any]:
        """The content of config.json, by the keys of timm.

        Args:
            architecture: the name of the model that timm makes, or of the network.
            classes: outputs of the classifier.
            more: further keys of timm's `pretrained_cfg`, as first_conv and classifier.
        """
        labels = {} if self.labels is None else {"label_names": list(self.labels)}
        given = {"packed": self.packed, "batch_norm_eps": self.eps}
        own = {key: value for key, value in given.items() if value is not None}
        return {
            "architecture": architecture,
            "num_classes": classes,
            **labels,
            "pretrained_cfg": {**self.timm_keys(classes), **more},
            **({"scaling_search": own} if own else {}),
        }

    def timm_keys(self, classes: int) -> dict[str, Any]:
        """What timm's `create_transform` and `create_model` go by."""
        return {
            "input_size": [3, self.pixels, self.pixels],
            "fixed_input_size": False,
            "interpolation": "bicubic",
            "crop_pct": self.crop,
            "crop_mode": "center",
            "mean": list(self.mean),
            "std": list(self.std),
            "num_classes": classes,
        }


def imagenet(pixels: int) -> Preprocessing:
    """ImageNet's usual colours, for weights of which nothing is known."""
    return Preprocessing(pixels=pixels, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


def write_config(folder: Path, content: Mapping[str, Any]) -> None:
    """Writes config.json into the folder."""
    write_atomically(folder / CONFIG, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def read_preprocessing(weights: Path) -> Preprocessing | None:
    """What the config.json beside a file of weights says; None where there is none.

    Raises:
        InvalidInput: it cannot be read, or says something else than how images are prepared.
    """
    path = weights.parent / CONFIG
    if not path.is_file():
        return None
    try:
        content = json.loads(read_text(path, most=_MOST_BYTES))
        keys = content.get("pretrained_cfg", content)  # older timm writes one flat object
        labels = content.get("label_names", keys.get("label_names"))
        own = content.get("scaling_search", {})
        return Preprocessing(
            pixels=int(keys["input_size"][-1]),
            mean=_colour(keys["mean"]),
            std=_colour(keys["std"]),
            labels=None if labels is None else tuple(map(str, labels)),
            packed=own.get("packed"),
            crop=float(keys.get("crop_pct", 1.0)),
            eps=own.get("batch_norm_eps"),
        )
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(f"{path} does not say how images are prepared: {type(error).__name__} {error}") from error


def _colour(values: Any) -> Colour:
    red, green, blue = map(float, values)
    return red, green, blue
