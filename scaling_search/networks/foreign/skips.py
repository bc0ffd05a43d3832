"""What happens around the skips of a network: stochastic depth and scales that start at zero."""

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from scaling_search.networks.foreign.trace import Calls, tensors_of
from scaling_search.networks.measure import evaluating

_RATES = {"StochasticDepth": "p", "DropPath": "drop_prob"}
"""torchvision's and timm's stochastic depth: the attribute that holds its rate, by class name."""
_BEYOND = (
    0,
    -1,
    1,
)  # rates reach the full one at block N (EfficientNet), at N - 1 (ConvNeXt), or behind a further block


def drop_modules(parts: Sequence[nn.Module]) -> Iterator[nn.Module]:
    """The stochastic depth inside of some modules."""
    for part in parts:
        for inner in part.modules():
            if type(inner).__name__ in _RATES:
                yield inner


def rate(module: nn.Module) -> float:
    return float(getattr(module, _RATES[type(module).__name__]) or 0)


def full_rate(blocks: Sequence[Sequence[nn.Module]]) -> tuple[float, int]:
    """The rate that a network's stochastic depth rises to, and how many blocks beyond the last it would be reached.

    Args:
        blocks: the modules of each block, in the order in which they run.

    Returns:
        (0, 0) without stochastic depth, or where the rates do not rise linearly from zero at the first block. The
        number beyond is the one for which the rate is roundest, as people write rates.
    """
    rates = {index: rate(inner) for index, parts in enumerate(blocks) for inner in drop_modules(parts)}
    last = max(rates, default=0)
    if not last or not rates[last]:
        return 0.0, 0
    slope = rates[last] / last
    if any(abs(value - slope * index) > 1e-6 for index, value in rates.items()):
        return 0.0, 0
    beyond = min(_BEYOND, key=lambda more: len(f"{slope * (len(blocks) + more):.5g}"))
    return round(slope * (len(blocks) + beyond), 6), beyond


def spread(blocks: Sequence[Sequence[nn.Module]], full: float, beyond: int) -> bool:
    """Give the blocks of a network rates that rise linearly to the full one; False without stochastic depth."""
    found = [(index, inner) for index, parts in enumerate(blocks) for inner in drop_modules(parts)]
    for index, inner in found:
        setattr(inner, _RATES[type(inner).__name__], full * index / max(1, len(blocks) + beyond))
    return bool(found)


def zero_last_scales(module: nn.Module, blocks: Iterable[str], calls: Calls, *, resolution: int) -> None:
    """Start the last batch-norm scale of each residual branch at zero (arXiv 1706.02677, sec. 5.1).

    A scale keeps its value where it could never leave zero: x + relu(norm(…)) lets no gradient through there, and what
    cannot learn is no branch.

    Args:
        module: on the CPU.
        blocks: names of the blocks that add something to what they read.
        calls: a forward pass of the same network.
        resolution: pixels that it takes.
    """
    found = [_last_norm(module, block, calls) for block in blocks]
    scales = {norm.weight: norm.weight.detach().clone() for norm in found if norm is not None and norm.affine}
    for scale in scales:
        nn.init.zeros_(scale)
    with torch.no_grad():
        for dead in _without_gradient(module, list(scales), resolution):
            dead.copy_(scales[dead])


def _without_gradient(module: nn.Module, weights: list[nn.Parameter], resolution: int) -> list[nn.Parameter]:
    """Those of the weights that no output depends on, by the first order; the module and torch's generators stay."""
    if not weights:
        return []
    draw = torch.Generator().manual_seed(0)
    with evaluating(module), torch.enable_grad():
        outputs = tensors_of(module(torch.rand(2, 3, resolution, resolution, generator=draw)))
        total = sum((one * torch.rand(one.shape, generator=draw)).sum() for one in outputs if one.requires_grad)
        assert isinstance(total, Tensor), "a network's output depends on its weights"
        gradients = torch.autograd.grad(total, weights, allow_unused=True)
    pairs = zip(weights, gradients, strict=True)
    return [weight for weight, gradient in pairs if gradient is None or not gradient.any()]


def _last_norm(module: nn.Module, block: str, calls: Calls) -> nn.modules.batchnorm._BatchNorm | None:
    """The batch norm that runs last beside the skip (which is a single convolution that reads the block's input)."""
    last = None
    forks: set[str] = set()
    for name, call in calls.items():
        if not name.startswith(f"{block}."):
            continue
        part = module.get_submodule(name)
        reads_input = bool(call.reads & calls[block].reads)
        if name.rpartition(".")[0] in forks or (reads_input and _convolutions(part) <= 1):
            forks.add(name)
        elif isinstance(part, nn.modules.batchnorm._BatchNorm):
            last = part
    return last


def _convolutions(part: nn.Module) -> int:
    return sum(isinstance(inner, nn.Conv2d) for inner in part.modules())


def dropout_of(module: nn.Module, blocks: Sequence[str]) -> float:
    """The rate of a network's dropout before its classifier, 0 if it has none."""
    rates = [part.p for part in _dropouts(module, blocks)]
    return float(getattr(module, "drop_rate", rates[-1] if rates else 0.0) or 0.0)


def set_dropout(module: nn.Module, rate: float, blocks: Sequence[str]) -> bool:
    """Set all dropout outside of blocks; False where there is none."""
    found = list(_dropouts(module, blocks))
    for part in found:
        part.p = rate
    return bool(found)


def _dropouts(module: nn.Module, blocks: Sequence[str]) -> Iterator[nn.Dropout]:
    for name, part in module.named_modules():
        if isinstance(part, nn.Dropout) and not any(name.startswith(f"{block}.") for block in blocks):
            yield part
