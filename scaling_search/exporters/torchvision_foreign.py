"""A network that torchvision itself made and scaled, in the words of torchvision."""

from functools import partial
from typing import Any

from torch import nn

from scaling_search.exporters.code import Construction
from scaling_search.exporters.member import Inexpressible
from scaling_search.exporters.timm_foreign import ends
from scaling_search.networks.foreign.baseline import open_baseline
from scaling_search.networks.foreign.network import ForeignNetwork


def torchvision_own(network: ForeignNetwork, module: nn.Module) -> Construction:
    """The constructor and arguments with which torchvision made a member.

    Raises:
        Inexpressible: it is no model of torchvision's, or torchvision has no arguments for these sizes.
    """
    if not network.source.startswith("torchvision:"):
        raise Inexpressible(f"it is made by {network.source}, not by torchvision")
    source = open_baseline(network.source).sized(network.request)
    if source is None:
        raise Inexpressible("torchvision has no arguments for these sizes, which were made layer by layer")
    code = Code()
    rates = {"dropout": network.dropout, "stochastic_depth_prob": network.drop_connect}
    options = {name: value for name, value in source.always.items() if name != "weights"}
    options |= {name: rate for name, rate in rates.items() if name in options}
    maker, written = code.of(source.build), {name: code.of(value) for name, value in options.items()}
    return Construction(imports=code.imports, maker=maker, options=written, ends=ends(module))


class Code:
    """Values as Python code; remembers the modules that it needs."""

    def __init__(self) -> None:
        self.modules: set[str] = set()

    @property
    def imports(self) -> tuple[str, ...]:
        """The import statements of what was written so far."""
        return tuple(f"import {name}" for name in sorted(self.modules))

    def of(self, value: Any) -> str:
        """The value as an expression."""
        if isinstance(value, partial):
            keywords = "".join(f", {name}={self.of(one)}" for name, one in value.keywords.items())
            return f"partial({self.of(value.func)}{keywords})"
        if isinstance(value, list | tuple):
            inner = ", ".join(map(self.of, value))
            return f"[{inner}]"
        if isinstance(value, type) or callable(value):
            self.modules.add(value.__module__)
            return f"{value.__module__}.{value.__qualname__}"
        if hasattr(value, "__dict__"):
            arguments = ", ".join(f"{name}={self.of(one)}" for name, one in vars(value).items())
            return f"{self.of(type(value))}({arguments})"
        return repr(value)
