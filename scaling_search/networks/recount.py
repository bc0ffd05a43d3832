"""An independent witness: the module is built, and fvcore counts what it runs."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass

import torch
from torch import nn

from scaling_search.architecture import Network
from scaling_search.errors import InvalidInput
from scaling_search.networks.build import build
from scaling_search.networks.measure import evaluating, example

PRODUCTS = ("conv", "linear", "addmm", "mm", "matmul", "bmm", "einsum")
"""fvcore's names of what `macs` counts; it also adds up norms, pooling and upsampling, which we do not."""
_UNKNOWN_PRODUCTS = ("scaled_dot_product_attention", "baddbmm")  # torch counts them, fvcore 0.1.5 leaves them out


@dataclass(frozen=True, kw_only=True)
class CountCheck:
    """The multiply-adds of one network for one image, counted twice: convolutions, linear layers, matrix products.

    Attributes:
        ours: what `Network.cost` says.
        fvcore: what fvcore finds in the built module.
        unseen: products that the module has and fvcore does not know; then the two cannot agree.
    """

    ours: int
    fvcore: int
    unseen: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """To the unit."""
        return self.ours == self.fvcore

    @property
    def sentence(self) -> str:
        """What came out, for a person."""
        if self.agrees:
            return f"fvcore counts the same {self.ours:,} multiply-adds in the built module"
        unseen = f" (it does not know {' and '.join(self.unseen)})" if self.unseen else ""
        return f"fvcore counts {self.fvcore:,} multiply-adds in the built module{unseen}, and not {self.ours:,}"


def check_counts(network: Network) -> CountCheck:
    """Builds a network on the CPU, with real weights, and has fvcore count one image through it.

    The random numbers of the caller stay as they are. Takes as long as the network takes to build and to run once.

    Raises:
        InvalidInput: fvcore is not installed, or cannot trace the module.
    """
    with torch.random.fork_rng(devices=[]):
        module = build(network)
    counts, unknown = fvcore_counts(module, network.resolution, name=network.name)
    return CountCheck(
        ours=network.cost().macs,
        fvcore=sum(counts[product] for product in PRODUCTS),
        unseen=tuple(product for product in _UNKNOWN_PRODUCTS if unknown[f"aten::{product}"]),
    )


def fvcore_counts(module: nn.Module, resolution: int, *, name: str = "the module") -> tuple[Counter[str], Counter[str]]:
    """What fvcore counts for one image [1, 3, resolution, resolution] by operator, and the calls that it cannot count.

    Args:
        module: on real memory, since fvcore cannot trace torch's meta device; is left as it was.
        name: begins the message of an error.

    Raises:
        InvalidInput: fvcore is not installed, or cannot trace the module.
    """
    with warnings.catch_warnings(), evaluating(module), torch.no_grad():
        warnings.simplefilter("ignore")  # importing fvcore warns too
        try:
            from fvcore.nn import FlopCountAnalysis
        except ImportError as error:
            raise InvalidInput("counting with fvcore needs fvcore: pip install fvcore") from error
        analysis = FlopCountAnalysis(module, example(module, resolution))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        try:
            counts = {operator: int(count) for operator, count in analysis.by_operator().items()}
        except Exception as error:  # what a foreign forward raises when it is traced can be anything
            raise InvalidInput(f"{name} cannot be counted by fvcore: {_first_line(error)}") from error
    return Counter(counts), Counter(analysis.unsupported_ops())


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
