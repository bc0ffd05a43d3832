"""What can go wrong inside a trial: what the network cannot do, as one line for a table; and what the machine cannot.

The first is a result, which training again would only repeat. The second says nothing of the network: a disk that is
full, data that are gone, a device that fails, memory that others hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from scaling_search.errors import InvalidInput, Unbuildable

# what torch's CPU allocator and oneDNN say when memory runs out; there is no exception class for it
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "could not allocate", "not enough memory")
# what torch says of a device, a driver or a neighbour that fails; most of these are plain RuntimeErrors
_MACHINE_WORDS = ("cuda error", "no cuda gpus", "cuda driver", "nccl", "not_initialized", "shared memory", "gloo")


class TrainingFailed(RuntimeError):
    """This trial cannot go on; others can. `reason` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MachineFailed(TrainingFailed):
    """The same, for a reason that is not the network's: the trial may well succeed another time or elsewhere."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the host or the device has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


@contextmanager
def failing_as(what: str) -> Iterator[None]:
    """Errors inside the block become a TrainingFailed that begins with `what`.

    The user's mistakes and the operating system's errors stay what they are.

    Raises:
        TrainingFailed: «what: …» with the error's first line.
        MachineFailed: the device fails, or memory runs out («out of memory: …») where the batch is not the reason.
    """
    try:
        yield
    except Unbuildable as error:
        raise TrainingFailed(str(error)) from error
    except (TrainingFailed, InvalidInput, OSError, ImportError):
        raise
    except Exception as error:
        kind = MachineFailed if is_out_of_memory(error) or _is_machines(error) else TrainingFailed
        raise kind(f"{'out of memory' if is_out_of_memory(error) else what}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its name where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _is_machines(error: Exception) -> bool:
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MACHINE_WORDS)
