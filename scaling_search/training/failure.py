"""What can go wrong inside a trial, as one line that a table can hold."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

# what torch's CPU allocator and oneDNN say when memory runs out; there is no exception class for it
_MEMORY_WORDS = ("out of memory", "can't allocate memory", "could not allocate", "not enough memory")


class TrainingFailed(RuntimeError):
    """This trial cannot go on; others can. `reason` is one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that the host or the device has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _MEMORY_WORDS)


@contextmanager
def failing_as(what: str) -> Iterator[None]:
    """Errors of torch inside the block become a TrainingFailed that begins with `what`; the user's mistakes do not.

    Raises:
        TrainingFailed: «out of memory: …», or «what: …» with the error's first line.
    """
    try:
        yield
    except TrainingFailed:
        raise
    except (RuntimeError, MemoryError) as error:
        line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise TrainingFailed(f"{'out of memory' if is_out_of_memory(error) else what}: {line}") from error
