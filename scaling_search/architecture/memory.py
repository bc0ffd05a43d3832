"""Peak memory from counted elements: a model, checked against torch's own accounting in docs/cost.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from scaling_search.architecture.layers import Count
from scaling_search.errors import InvalidInput, nearest_hint

Precision = Literal["float32", "bfloat16"]
ACTIVATION_BYTES = {"float32": 4, "bfloat16": 2}
STATES = {"adamw": 2, "adam": 2, "sgd": 1, "rmsprop": 2, "none": 0}
"""Numbers that an optimizer remembers for each parameter (SGD and RMSprop with momentum)."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Peak bytes by what they hold; a whole number, or one for each of N networks."""

    parameters: Count
    gradients: Count
    optimizer: Count
    ema: Count
    activations: Count

    @property
    def total(self) -> Count:
        total: Count = self.parameters + self.gradients + self.optimizer + self.ema + self.activations
        return total


class HasMemory:
    """What a `Cost` and a `Costs` share: memory follows from their counts."""

    params: Any
    backward: Any
    live: Any

    def memory(
        self,
        *,
        batch_size: int = 1,
        precision: Precision = "float32",
        training: bool = True,
        optimizer: str = "adamw",
        ema: bool = False,
    ) -> Memory:
        """Bytes at the peak of one training step, or of one inference.

        Parameters, gradients, optimizer state and averages are float32 (autocast keeps them so, and adds a copy of the
        parameters in its own precision); activations have the precision asked for.

        Raises:
            InvalidInput: the batch size is below 1, or the precision or optimizer is unknown.
        """
        if batch_size < 1:
            raise InvalidInput(f"the batch size must be at least 1, not {batch_size}")
        if precision not in ACTIVATION_BYTES:
            raise InvalidInput(f"unknown precision {precision}{nearest_hint(precision, ACTIVATION_BYTES)}")
        if optimizer not in STATES:
            raise InvalidInput(f"unknown optimizer {optimizer}{nearest_hint(optimizer, STATES)}")
        width = ACTIVATION_BYTES[precision]
        params, elements = _exact(self.params), _exact(self.backward if training else self.live)
        copies = 4 if precision == "float32" else 4 + width
        return Memory(
            parameters=copies * params,
            gradients=4 * params if training else 0 * params,
            optimizer=4 * STATES[optimizer] * params if training else 0 * params,
            ema=4 * params if training and ema else 0 * params,
            activations=width * batch_size * elements,
        )


def _exact(counts: Any) -> Any:
    """Counts that can be multiplied by a batch and a width in bytes without overflow."""
    if isinstance(counts, np.ndarray) and counts.dtype != object and counts.size and int(counts.max()) >= 2**40:
        return counts.astype(object)
    return counts
