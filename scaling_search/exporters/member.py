"""What every exporter is given."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor, nn

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.networks.preprocessing import Preprocessing

Logits: TypeAlias = Callable[[Tensor], Tensor]
"""How what was exported computes: float32 [N, 3, r, r] → logits [N, classes]."""


class Inexpressible(InvalidInput):
    """A target has no words for this network; the message says for what."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A network with weights, on the CPU and in evaluation mode.

    Attributes:
        network: its description.
        module: what `networks.build` made of it.
        preprocessing: of its images, and the names of its classes.
        notes: what is known of the weights (epoch, top1).
    """

    network: Network
    module: nn.Module
    preprocessing: Preprocessing
    notes: dict[str, str]

    @property
    def identifier(self) -> str:
        """Its name as code may write it: «b0-B1» becomes b0_b1."""
        name = re.sub(r"\W+", "_", self.network.name, flags=re.ASCII).strip("_").lower() or "network"
        return f"net_{name}" if name[0].isdigit() else name
