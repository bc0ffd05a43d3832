"""A written network back as an object: `scaling_search.load("family/b3.yaml").build()`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search import searchspace
from scaling_search.architecture import Cost, Network

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Loaded:
    """A network that was read from a config and can be built."""

    network: Network

    @property
    def cost(self) -> Cost:
        """Exact parameters, MACs and activations."""
        return self.network.cost()

    def build(self, *, classes: int | None = None, zero_init_residual: bool = False) -> "nn.Module":
        """The torch module: float [N, 3, r, r] → logits [N, classes]; freshly initialised.

        Args:
            classes: of the data it is for. Default: the config's.
            zero_init_residual: start every residual block as the identity.
        """
        from scaling_search.networks import build

        network = self.network if classes is None else self.network.replaced(classes=classes)
        return build(network, zero_init_residual=zero_init_residual)


def load(config: str | Path) -> Loaded:
    """A family's YAML (family/b3.yaml), a shipped baseline (b0), a search space's YAML, or a torch network (timm:…).

    Raises:
        InvalidInput: there is no such network, or its description is wrong.
    """
    return Loaded(searchspace.open_network(str(config)))
