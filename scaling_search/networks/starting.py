"""Weights that a training starts from: by name, by order, or copied into a larger network."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.networks.build import outline
from scaling_search.networks.correspondence import OURS, Differs, Order, as_ours
from scaling_search.networks.preprocessing import Preprocessing, read_preprocessing
from scaling_search.networks.stored import classifier_of, read_weights, with_eps

Head = Literal["new", "keep"]
_ORDERS = (OURS, Order(scale_first=True), Order(shortcut_first=True))


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a network starts from.

    Attributes:
        network: with the batch norms' eps that the weights want.
        weights: by the names of `networks.build`; what is not in it stays freshly drawn.
        preprocessing: that the weights were trained with, where it is known.
        summary: what was taken, in words.
        digest: of the weights that are taken.
    """

    network: Network
    weights: dict[str, Tensor]
    preprocessing: Preprocessing | None
    summary: str
    digest: str

    def put_into(self, module: nn.Module) -> None:
        """Copies the weights into a module of the network; the rest keeps its values."""
        own = module.state_dict()
        with torch.no_grad():
            for name, tensor in self.weights.items():
                target = own[name]
                part = target[tuple(slice(0, size) for size in tensor.shape)]
                part.copy_(tensor)


def start_from(network: Network, origin: str, *, head: Head | None = None) -> Start:
    """The weights of a file for this network.

    Args:
        origin: a file (safetensors, or a state dict of torch), or «timm:NAME=FILE», a file of timm's model of that
            name; «timm:NAME» has timm fetch its own.
        head: «new» leaves the classifier fresh, «keep» takes it; by default it is kept where the classes are the same.

    Raises:
        InvalidInput: the file cannot be read, or is of another network; says where they differ.
    """
    if origin.startswith("timm:"):
        return _from_timm(network, origin, head)
    path = Path(origin)
    weights, known = read_weights(path), read_preprocessing(path)
    if known is not None and known.eps is not None:
        network = with_eps(network, known.eps)
    module = outline(network)
    own = module.state_dict()
    shared = [name for name in weights if name in own]
    if len(shared) < len(weights) // 2:
        weights = _by_order(network, weights, path)
    return _chosen(network, module, weights, known, origin=str(path), head=head)


def _by_order(network: Network, weights: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Another library's weights under our names; a safetensors file has no order that could be gone by."""
    if path.suffix == ".safetensors":
        raise InvalidInput(
            f"the weights of {path} have other names than this network's; for a model of timm write timm:NAME={path}"
        )
    return _ordered(network, weights, str(path))


def _ordered(network: Network, theirs: Mapping[str, Tensor], origin: str) -> dict[str, Tensor]:
    last = list(theirs.values())[-1]
    module = outline(network.replaced(classes=len(last)))
    fault = None
    for order in _ORDERS:
        try:
            return as_ours(module, theirs, order)
        except Differs as error:
            fault = fault or error
    raise InvalidInput(f"{origin} is of another network than {network.name}: {fault}") from fault


# --- timm


def _from_timm(network: Network, origin: str, head: Head | None) -> Start:
    name, _, file = origin.removeprefix("timm:").partition("=")
    model = _timm_model(name, Path(file) if file else None)
    theirs = model.state_dict()
    eps = {part.eps for part in model.modules() if isinstance(part, nn.BatchNorm2d)}
    if len(eps) == 1:
        network = with_eps(network, eps.pop())
    module = outline(network)
    own = module.state_dict()
    by_name = all(name in own for name in theirs)
    weights = dict(theirs) if by_name else _ordered(network, theirs, f"timm's {name}")
    cfg: dict[str, Any] = dict(model.pretrained_cfg)  # type: ignore[arg-type]
    beside = read_preprocessing(Path(file)) if file else None
    known = beside or Preprocessing(
        pixels=int(cfg["input_size"][-1]), mean=tuple(cfg["mean"]), std=tuple(cfg["std"]), labels=None
    )
    return _chosen(network, module, weights, known, origin=f"timm's {name}", head=head)


def _timm_model(name: str, file: Path | None) -> nn.Module:
    """timm's model with weights: of the file, or those that timm fetches.

    Raises:
        InvalidInput: timm or the model is missing, the file is another model's, or fetching fails.
    """
    try:
        import timm
    except ImportError as error:
        raise InvalidInput("--init timm:… needs timm: pip install 'scaling-search[zoo]'") from error
    if name.partition(".")[0] not in timm.list_models():
        raise InvalidInput(f"timm has no model {name!r}")
    if file is None:
        try:
            fetched: nn.Module = timm.create_model(name, pretrained=True)
        except Exception as error:  # no network, no such file there, no weights of that name: timm has many ways
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise InvalidInput(
                f"timm cannot fetch the weights of {name} ({reason[:200]}); name a file: timm:{name}=FILE"
            ) from error
        return fetched
    weights = read_weights(file)
    model: nn.Module = timm.create_model(name, pretrained=False)
    classifier = f"{classifier_of(model)}.weight"
    if classifier in weights:
        model = timm.create_model(name, pretrained=False, num_classes=len(weights[classifier]))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise InvalidInput(f"{file} is not of timm's {name}: {str(error).splitlines()[-1].strip()}") from error
    if any(type(part).__name__ == "Conv2dSame" for part in model.modules()):
        raise InvalidInput(f"timm's {name} pads as TensorFlow does, which this network does not; take one without tf_")
    return model


# --- what is taken


def _chosen(
    network: Network,
    module: nn.Module,
    weights: Mapping[str, Tensor],
    known: Preprocessing | None,
    *,
    origin: str,
    head: Head | None,
) -> Start:
    """The weights without the classifier, where that is to be new; fitted to the network where it is larger."""
    own, classifier = module.state_dict(), classifier_of(module)
    outputs = weights.get(f"{classifier}.weight")
    fits = outputs is not None and len(outputs) == network.classes
    if head == "keep" and not fits:
        found = "no classifier" if outputs is None else f"{len(outputs)} classes"
        raise InvalidInput(f"--head keep: {origin} has {found}, and the data {network.classes}; use --head new")
    fresh = head == "new" or not fits
    kept = {name: tensor for name, tensor in weights.items() if not (fresh and name.startswith(f"{classifier}."))}
    taken, words = _fitted(own, kept, classifier if fresh else None, origin)
    summary = f"{words}; the classifier is {'new' if fresh else 'kept'}"
    return Start(
        network=network, weights=taken, preprocessing=known, summary=f"from {origin}: {summary}", digest=_digest(taken)
    )


def _fitted(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], fresh: str | None, origin: str
) -> tuple[dict[str, Tensor], str]:
    """What of the given weights a network can take, and how much that is.

    A smaller network's channels are copied into the first channels of a larger one's, and a block that it does not
    have starts as its last block before it.
    """
    counts = {"whole": 0, "in part": 0, "of the block before": 0, "fresh": 0}
    taken: dict[str, Tensor] = {}
    for name, target in own.items():
        if fresh is not None and name.startswith(f"{fresh}."):
            continue
        source, tensor = _source(name, given)
        if tensor is None or not _fits_into(tensor, target):
            counts["fresh"] += 1
            continue
        taken[name] = tensor
        kind = "of the block before" if source != name else "whole" if tensor.shape == target.shape else "in part"
        counts[kind] += 1
    if not taken:
        raise InvalidInput(f"{origin} is of another network: no layer of it fits into this one")
    larger = [name for name, tensor in given.items() if name in own and not _fits_into(tensor, own[name])]
    if larger:
        raise InvalidInput(
            f"{origin} is of a larger network: its {larger[0]} is {tuple(given[larger[0]].shape)}, "
            f"and here {tuple(own[larger[0]].shape)}"
        )
    return taken, ", ".join(f"{count} tensors {kind}" for kind, count in counts.items() if count)


def _source(name: str, given: Mapping[str, Tensor]) -> tuple[str, Tensor | None]:
    """The given tensor for a name: its own, or that of the last block before, where there is no such block."""
    if name in given:
        return name, given[name]
    parts = name.split(".")
    for position in range(1, len(parts)):
        prefix = ".".join(parts[:position])
        if any(other.startswith(f"{prefix}.") for other in given):
            continue
        if not parts[position - 1].isdigit():
            break
        for index in range(int(parts[position - 1]) - 1, -1, -1):
            other = ".".join([*parts[: position - 1], str(index), *parts[position:]])
            if other in given:
                return other, given[other]
        break
    return name, None


def _fits_into(tensor: Tensor, target: Tensor) -> bool:
    """Whether a tensor is a part of one of the target's shape: as many dimensions, none larger, kernels the same."""
    if tensor.ndim != target.ndim:
        return False
    return tensor.shape[2:] == target.shape[2:] and all(
        small <= large for small, large in zip(tensor.shape, target.shape, strict=True)
    )


def _digest(weights: Mapping[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode())
        found.update(weights[name].detach().reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]
