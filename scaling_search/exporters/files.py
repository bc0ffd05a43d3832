"""Files of an export: weights as safetensors, and code that is imported from where it was written."""

import importlib.util
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from uuid import uuid4

from safetensors.torch import save
from torch import Tensor

from scaling_search.files import write_atomically

WEIGHTS = "model.safetensors"


def save_weights(folder: Path, weights: Mapping[str, Tensor], *, notes: Mapping[str, str] | None = None) -> None:
    """Writes model.safetensors; each tensor has memory of its own, as the format wants."""
    own = {name: tensor.detach().clone().contiguous() for name, tensor in weights.items()}
    write_atomically(folder / WEIGHTS, save(own, metadata={"format": "pt", **(notes or {})}))


def imported(path: Path) -> ModuleType:
    """The module of a file, under a name of its own, so that two files of one name do not meet."""
    name = f"scaling_search_export_{path.stem}_{uuid4().hex[:8]}"
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm's: a model of this name is registered already
            specification.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module
