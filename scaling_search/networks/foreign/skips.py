"""What happens around the skips of a network: stochastic depth and scales that start at zero."""

from collections.abc import Iterator, Sequence

from torch import nn

from scaling_search.networks.foreign.structure import Block, Stage
from scaling_search.networks.foreign.trace import Calls

_RATES = {"StochasticDepth": "p", "DropPath": "drop_prob"}
"""torchvision's and timm's stochastic depth: the attribute that holds its rate, by class name."""
_BEYOND = (0, -1, 1)  # rates reach the full one at block N (EfficientNet), at N - 1 (ConvNeXt), or behind a further block


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


def spread(blocks: Sequence[Sequence[nn.Module]], full: float, beyond: int) -> None:
    """Give the blocks of a deepened network rates that rise linearly again, to the same full rate."""
    for index, parts in enumerate(blocks):
        for inner in drop_modules(parts):
            setattr(inner, _RATES[type(inner).__name__], full * index / max(1, len(blocks) + beyond))


def zero_last_scales(module: nn.Module, stages: Sequence[Stage], calls: Calls, residual: frozenset[str]) -> None:
    """Start the last batch-norm scale of each residual branch at zero (arXiv 1706.02677, sec. 5.1).

    Args:
        stages, calls: of the module itself.
        residual: the blocks that add their input to something.
    """
    for block in (block for stage in stages for block in stage.blocks):
        if not residual.isdisjoint(block.names):
            norm = _last_norm(module, block, calls)
            if norm is not None and norm.weight is not None:
                nn.init.zeros_(norm.weight)


def _last_norm(module: nn.Module, block: Block, calls: Calls) -> nn.modules.batchnorm._BatchNorm | None:
    """The batch norm that runs last on the way around the skip; what reads the block's input forks."""
    last = None
    aside: set[str] = set()
    for name, call in calls.items():
        if not any(name.startswith(f"{outer}.") for outer in block.names):
            continue
        part = module.get_submodule(name)
        forks = bool(call.reads & block.call.reads) and sum(isinstance(inner, nn.Conv2d) for inner in part.modules()) <= 1
        if forks or name.rpartition(".")[0] in aside:
            aside.add(name)
        elif isinstance(part, nn.modules.batchnorm._BatchNorm):
            last = part
    return last
