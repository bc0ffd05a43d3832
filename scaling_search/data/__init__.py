"""Images: where they come from, how they are packed once, and how a batch of them reaches a training step."""

from scaling_search.data.augment import Augment
from scaling_search.data.autoaugment import AutoAugment
from scaling_search.data.crop import Crop
from scaling_search.data.dataset import Dataset, Split
from scaling_search.data.loader import Loader
from scaling_search.data.randaugment import RandAugment
from scaling_search.data.resize import at_resolution
from scaling_search.data.sources import prepare, reopen
from scaling_search.data.torch_datasets import from_torch

__all__ = [
    "Augment",
    "AutoAugment",
    "Crop",
    "Dataset",
    "Loader",
    "RandAugment",
    "Split",
    "at_resolution",
    "from_torch",
    "prepare",
    "reopen",
]
