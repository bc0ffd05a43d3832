"""What a trial has learned, kept as safetensors by the names of `networks.build`; `networks.stored` opens it."""

from pathlib import Path

from safetensors.torch import save

from scaling_search.files import write_atomically
from scaling_search.training import checkpoint as checkpoints


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
