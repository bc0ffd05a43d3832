"""Transfer learning: a training that starts from weights, with the first stages left as they are."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from scaling_search.architecture import Architecture, Network
from scaling_search.data import Dataset
from scaling_search.errors import InvalidInput
from scaling_search.networks.foreign.network import ForeignNetwork
from scaling_search.networks.starting import Start
from scaling_search.networks.stored import classifier_of


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """Where a training starts.

    Attributes:
        start: the weights.
        freeze_until: «stem», the number of a stage, or «head» for all but the classifier: everything up to there keeps
            its weights and running statistics.
    """

    start: Start
    freeze_until: str | None = None

    def put_into(self, module: nn.Module) -> None:
        """Copies the weights into a freshly drawn module, over zeroed scales too."""
        self.start.put_into(module)

    def frozen(self, module: nn.Module) -> list[nn.Module]:
        """The layers that stay as they are.

        Raises:
            InvalidInput: the network has no such stage.
        """
        if self.freeze_until is None:
            return []
        return frozen_layers(self.start.network, module, self.freeze_until)

    def normalised(self, dataset: Dataset) -> Dataset:
        """The data in the colours that the weights know, where these are known."""
        known = self.start.preprocessing
        return dataset if known is None else dataset.normalised(mean=known.mean, std=known.std)

    def identity(self, dataset: Dataset) -> dict[str, Any]:
        """What makes two such trainings different."""
        colours = [list(dataset.mean), list(dataset.std)]
        return {"weights": self.start.digest, "freeze_until": self.freeze_until, "colours": colours}


def frozen_layers(network: Network, module: nn.Module, until: str) -> list[nn.Module]:
    """The layers of the stem and of the stages up to and with that one, in the order in which they are listed.

    Raises:
        InvalidInput: the network has no such stage.
    """
    parts = {"stem": 0, **{str(number): number for number in range(1, len(network.depths) + 1)}}
    if until == "head":
        end = classifier_of(module)
    elif until not in parts:
        raise InvalidInput(f"--freeze-until {until!r}: {network.name} has stem, 1 to {len(network.depths)} and head")
    else:
        end = _beginnings(network, module)[parts[until]]
    layers = []
    for name, part in module.named_modules():
        if name == end or name.startswith(f"{end}."):
            break
        if not list(part.children()):
            layers.append(part)
    return layers


def _beginnings(network: Network, module: nn.Module) -> list[str]:
    """The name of the first module of each stage, and of what follows the last."""
    if isinstance(network, Architecture):
        return [name for name, _ in module.named_children() if name != "stem"]
    assert isinstance(network, ForeignNetwork)
    return [*network.stage_beginnings(), classifier_of(module)]
