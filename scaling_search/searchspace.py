"""A search as data: the baseline, what is searched around it and how its proxies are trained, in one YAML file."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field

from scaling_search import architecture
from scaling_search.architecture import Network, Rounding
from scaling_search.coefficients import Multipliers
from scaling_search.configuration import Strict, parse, read_yaml
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.search.strategies import SearchConfig


class ProxySize(Strict):
    """How small the baseline is made, once, before anything is searched; never per candidate."""

    width: float = Field(gt=0)
    resolution: int = Field(ge=8)
    depth: float = Field(default=1.0, gt=0)


class ProxyConfig(Strict):
    """The short training that stands in for a long one."""

    # Sizes at which a search of the default length fits the device.
    cpu: ProxySize = ProxySize(width=0.25, resolution=52)
    cuda: ProxySize = ProxySize(width=0.5, resolution=96)
    recipe: str = "proxy"
    # A plan gives up detail (lattice, seeds) before it goes below this many epochs …
    minimum_epochs: int = Field(default=4, ge=1)
    # … and does not train longer than this: a larger budget goes into more seeds and points.
    maximum_epochs: int = Field(default=30, ge=1)


class PresetLevel(Strict):
    """One published network of a family, which no φ gives exactly."""

    name: str
    depth: float = Field(gt=0)
    width: float = Field(gt=0)
    resolution: int = Field(ge=8)
    dropout: float = Field(ge=0, lt=1)


class SearchSpace(Strict):
    """One file of searchspaces/.

    baseline is a stage table, or the name of a torch network («timm:resnet50», «mypackage.models:make_net»).
    """

    name: str
    source: str = ""
    baseline: dict[str, Any] | str
    search: SearchConfig = SearchConfig()
    proxy: ProxyConfig = ProxyConfig()
    presets: dict[str, tuple[PresetLevel, ...]] = Field(default_factory=dict)

    def network(self) -> Network:
        """The baseline at full size.

        Raises:
            InvalidInput: a stage cannot be built (it is named), or there is no such torch network.
        """
        if isinstance(self.baseline, str):
            return open_foreign(self.baseline)
        return architecture.from_dict({"name": self.name, **self.baseline})


def proxy_base(full: Network, size: ProxySize, *, classes: int, rounding: Rounding | None = None) -> Network:
    """The baseline made small: what the proxies are scaled from.

    Args:
        rounding: of the proxies. By default the baseline's own, but to the nearest layer and channel: rounded up,
            whole regions of the share triangle come to the same network (docs/design.md, «Proxies round to nearest»).
    """
    small = Multipliers(depth=size.depth, width=size.width, resolution=size.resolution / full.resolution)
    return full.replaced(rounding=rounding or full.rounding.to_nearest()).proxied(small).replaced(classes=classes)


def network_from_dict(content: dict[str, Any]) -> Network:
    """The inverse of `Network.to_dict`, whoever described the network."""
    if "source" in content:
        from scaling_search.networks.foreign import from_dict

        network: Network = from_dict(content)
        return network
    return architecture.from_dict(content)


def open_network(config: str) -> Network:
    """The network that a config names: a member of a family (family/b1.yaml), or any baseline at full size.

    Raises:
        InvalidInput: there is none, or its description is wrong.
    """
    if config.endswith((".yaml", ".yml")):
        content = read_yaml(Path(config))
        if isinstance(content, dict) and isinstance(content.get("network"), dict):
            return network_from_dict(content["network"])
    return load(config).network()


def open_foreign(name: str) -> Network:
    """A torch network by name («timm:resnet50», «package.module:callable», «file.py:callable»). Runs its code."""
    from scaling_search.networks import foreign

    network: Network = foreign.open_foreign(name)
    return network


def folder() -> Path:
    """Where the shipped search spaces lie: inside the installed package, or beside it in a checkout."""
    shipped = Path(str(resources.files("scaling_search"))) / "searchspaces"
    return shipped if shipped.is_dir() else shipped.parent.parent / "searchspaces"


@cache
def names() -> tuple[str, ...]:
    """The shipped baselines."""
    return tuple(sorted(path.stem for path in folder().glob("*.yaml")))


def load(name: str) -> SearchSpace:
    """The search space of that name: a shipped one, a YAML file, or the defaults around a torch network.

    Raises:
        InvalidInput: no such baseline (with the nearest name), or the file is wrong (with its key).
    """
    if name in names():
        path = folder() / f"{name}.yaml"
    elif name.endswith((".yaml", ".yml")):
        path = Path(name)
    elif ":" in name:
        return SearchSpace(name=name, baseline=name)
    else:
        raise InvalidInput(f"there is no baseline {name!r}{nearest_hint(name, names())}")
    space = parse(SearchSpace, read_yaml(path), origin=path)
    try:
        space.network()
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error}") from error
    return space
