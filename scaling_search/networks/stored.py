"""Weights in files: reading them without running code from the file, and putting them into a module by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from scaling_search.architecture import Architecture, Network
from scaling_search.errors import InvalidInput
from scaling_search.networks.build import build, outline
from scaling_search.networks.preprocessing import Preprocessing, read_preprocessing

_INSIDE = ("state_dict", "model_state", "model", "module", "learner")
"""Under these keys a checkpoint may hold the weights themselves."""
_PREFIXES = ("module.", "_orig_mod.", "model.")
"""What wrappers (parallel, compiled) put before every name."""


def read_weights(path: Path) -> dict[str, Tensor]:
    """The weights of a file by name, on the CPU: safetensors, or a state dict as torch saves it, in its order.

    Raises:
        InvalidInput: it is missing or damaged, or holds no weights.
    """
    if not path.is_file():
        raise InvalidInput(f"there is no file of weights {path}")
    found = _safetensors(path) if path.suffix == ".safetensors" else _pickled(path)
    if not found:
        raise InvalidInput(f"{path} holds no weights")
    return _without_prefix(found)


def notes_of(path: Path) -> dict[str, str]:
    """What a safetensors file says of itself (epoch, top1); nothing for other files.

    Raises:
        InvalidInput: it is damaged.
    """
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, "pt") as file:
            return dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{path} is damaged: {error}") from error


def _safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (SafetensorError, OSError) as error:
        raise InvalidInput(f"{path} is damaged: {error}") from error


def _pickled(path: Path) -> dict[str, Tensor]:
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for what is no checkpoint, or holds code
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InvalidInput(f"{path} cannot be read as weights: {reason[:200]}") from error
    for _ in range(3):
        if not isinstance(content, Mapping):
            break
        inner = next((content[key] for key in _INSIDE if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            break
        content = inner
    if not isinstance(content, Mapping):
        return {}
    return {str(name): tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}


def _without_prefix(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
    return weights


def classifier_of(module: nn.Module) -> str:
    """The name of the layer that tells the classes apart: the last linear one, or the last convolution.

    Raises:
        InvalidInput: there is none.
    """
    found: list[str] = [name for name, part in module.named_modules() if isinstance(part, nn.Linear)]
    found = found or [name for name, part in module.named_modules() if isinstance(part, nn.Conv2d)]
    if not found:
        raise InvalidInput("the network has no classifier")
    return found[-1]


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Weights of a network, and what is known of them.

    Attributes:
        network: with the classes, the pixels and the batch norms' eps that the weights were trained with.
        weights: by the names of `networks.build`.
        preprocessing: of config.json beside the file; None where there is none.
        notes: epoch, top1 and val_loss, where the file says so.
    """

    network: Network
    weights: dict[str, Tensor]
    preprocessing: Preprocessing | None
    notes: dict[str, str]
    path: Path

    def build(self) -> nn.Module:
        """The module with these weights, in evaluation mode.

        Raises:
            InvalidInput: they are another network's.
        """
        module = build(self.network)
        load_named(module, self.weights, origin=self.path)
        return module.eval()


def open_weights(network: Network, path: Path) -> Stored:
    """The weights that a training of this network wrote, with what config.json beside them says.

    Raises:
        InvalidInput: the file or config.json cannot be read.
    """
    weights, known = read_weights(path), read_preprocessing(path)
    network = network.replaced(classes=classes_of(network, weights), resolution=known.pixels if known else None)
    if known and known.eps is not None:
        network = with_eps(network, known.eps)
    return Stored(network=network, weights=weights, preprocessing=known, notes=notes_of(path), path=path)


def with_eps(network: Network, eps: float) -> Network:
    """The network with this eps in all batch norms; one from another library keeps its own."""
    if not isinstance(network, Architecture) or network.batch_norm.eps == eps:
        return network
    return network.model_copy(update={"batch_norm": network.batch_norm.model_copy(update={"eps": eps})})


def classes_of(network: Network, weights: Mapping[str, Tensor]) -> int:
    """How many classes the weights of a network tell apart; the network's own number where they do not say."""
    name = classifier_of(outline(network))
    weight = weights.get(f"{name}.weight")
    return network.classes if weight is None else len(weight)


def load_named(module: nn.Module, weights: Mapping[str, Tensor], *, origin: object) -> None:
    """Puts weights into a module; every name and every shape has to agree.

    Raises:
        InvalidInput: one does not; the message names the first.
    """
    own = module.state_dict()
    missing, unknown = [name for name in own if name not in weights], [name for name in weights if name not in own]
    if missing or unknown:
        which = f"has no {missing[0]}" if missing else f"has {unknown[0]}, which the network has not"
        raise InvalidInput(f"{origin} is of another network: it {which}")
    for name, tensor in own.items():
        if tensor.shape != weights[name].shape:
            shapes = "×".join(map(str, weights[name].shape)), "×".join(map(str, tensor.shape))
            raise InvalidInput(f"{origin} is of another network: its {name} is {shapes[0]}, not {shapes[1]}")
    module.load_state_dict(dict(weights))
