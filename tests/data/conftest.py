"""Small data sets on disk for the tests of the data room."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scaling_search.data.dataset import Dataset
from scaling_search.data.pack import pack
from scaling_search.data.source import ImageSource, Items

MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Writes {"train/cat": 3, …}: so many plain 20 × 10 pictures a class folder; returns the root."""

    def make(counts: dict[str, int], *, name: str = "photos") -> Path:
        root = tmp_path / name
        for place, (folder, count) in enumerate(counts.items()):
            (root / folder).mkdir(parents=True, exist_ok=True)
            for index in range(count):
                colour = (20 * place, 10 * index % 256, 100)
                Image.new("RGB", (20, 10), colour).save(root / folder / f"{index:03}.png")
        return root

    return make


@pytest.fixture
def random_dataset(tmp_path: Path) -> Dataset:
    """40 training and 20 validation images of noise, 16 pixels wide, in 4 classes."""

    def items(count: int, seed: int) -> Items:
        pixels = np.random.default_rng(seed).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
        return Items(
            names=[str(index) for index in range(count)],
            labels=np.arange(count) % 4,
            read=lambda index, side: pixels[index],
        )

    source = ImageSource(
        name="noise",
        classes=("a", "b", "c", "d"),
        train=items(40, 1),
        val=items(20, 2),
        flip=True,
        identity={"noise": 1},
        native=16,
    )
    return pack(source, pixels=16, cache=tmp_path / "cache")


@pytest.fixture
def photographs() -> Path:
    """A folder of real photographs; it lies beside the repository, where there is one."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "clothing"
    if not folder.is_dir():
        pytest.skip("the photographs are not beside this checkout")
    return folder
