"""What a trial has learned, kept as safetensors by the names of `networks.build`, and put back into a module."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import nn

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.files import read_bytes, write_atomically
from scaling_search.networks.build import build
from scaling_search.training import checkpoint as checkpoints
from scaling_search.training.recipe import Recipe

_MOST_BYTES = 1 << 34


def keep_weights(checkpoint: Path, file: Path) -> None:
    """Writes the weights that the newest epoch of a checkpoint was evaluated with.

    Raises:
        InvalidInput: the checkpoint cannot be read.
        OSError: the disk is full or not writable.
    """
    file.parent.mkdir(exist_ok=True)
    write_atomically(
        file, save({name: tensor.contiguous() for name, tensor in checkpoints.weights(checkpoint).items()})
    )


def with_weights(network: Network, recipe: Recipe, file: Path) -> nn.Module:
    """The module of a network as it was trained by the recipe, with weights that were kept; in evaluation mode.

    Raises:
        InvalidInput: the file is missing, damaged, or of another network.
    """
    module = build(network.replaced(dropout=recipe.dropout, drop_connect=recipe.drop_connect))
    try:
        module.load_state_dict(load(read_bytes(file, most=_MOST_BYTES)))
    except (SafetensorError, RuntimeError) as error:
        raise InvalidInput(
            f"{file} does not hold the weights of {network.name}: {str(error).splitlines()[0]}"
        ) from error
    return module.eval()
