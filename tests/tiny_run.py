"""A search that takes seconds: a small image folder, a two-stage baseline, one epoch."""

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

BASELINE = {
    "name": "tiny",
    "source": "made for tests",
    "baseline": {
        "resolution": 64,
        "classes": 10,
        "activation": "silu",
        "rounding": "efficientnet",
        "dropout": 0.2,
        "drop_connect": 0.2,
        "stem": {"channels": 16},
        "stages": [
            {"block": "mbconv", "channels": 16, "layers": 1, "stride": 1, "kernel": 3, "expansion": 1, "se": 0.25},
            {"block": "mbconv", "channels": 32, "layers": 2, "stride": 2, "kernel": 3, "expansion": 4, "se": 0.25},
        ],
        "head": {"channels": 64},
    },
    "proxy": {"cpu": {"width": 0.75, "resolution": 24}, "minimum_images": 1},
}


def write_baseline(path: Path) -> Path:
    path.write_text(yaml.safe_dump(BASELINE))
    return path


def write_images(folder: Path, *, classes: int = 3, train: int = 24, val: int = 12, side: int = 40) -> Path:
    """Class folders of noise around a colour of each class: learnable in a few steps."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for label in range(classes):
            place = folder / split / f"class{label}"
            place.mkdir(parents=True)
            for index in range(count):
                colour = 60 + 130 * (np.arange(3) == label)
                pixels = np.clip(rng.normal(colour, 30, (side, side, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(place / f"{index}.png")
    return folder
