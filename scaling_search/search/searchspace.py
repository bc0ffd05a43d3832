"""A search as data: the baseline, what is searched around it and how its proxies are trained, in one YAML file."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from scaling_search import architecture
from scaling_search.architecture import Network
from scaling_search.configuration import Strict, parse, read_yaml
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.search.proxy import ProxyConfig
from scaling_search.strategies import STRATEGIES, Planned

LIVE_BASELINE = "baseline.pkl"
"""The file of a run folder that holds, by value, a baseline that was handed over in Python."""

SPACE_SUFFIX = "_space"
"""Of the files that hold a space of stages instead, see `search.stages`."""

StrategyName = Literal["lattice", "grid", "random", "halving", "race", "optuna", "surface"]
MatchRule = Literal["realised", "nominal"]


_IMPLIED: dict[str, StrategyName] = {"parts": "lattice", "step": "grid", "tolerance": "grid", "samples": "optuna"}


def implied_strategy(settings: Mapping[str, Any]) -> StrategyName | None:
    """The strategy that one of the settings belongs to: who asks for it need not name it."""
    return next((name for key, name in _IMPLIED.items() if settings.get(key) is not None), None)


class SearchConfig(Strict):
    """What is searched, and how a point becomes a network. None is the strategy's own default."""

    # Always the trial that is worth most; or a lattice, the paper's grid, Optuna's proposals.
    strategy: StrategyName = "surface"
    # Lattice: shares in multiples of 1/parts. None: as fine as the time budget allows, up to sixths (28 points).
    parts: int | None = Field(default=None, ge=1, le=60)
    step: float | None = Field(default=None, ge=0.01, le=1)
    tolerance: float | None = Field(default=None, ge=0, le=2)
    # Points that Optuna proposes beyond the references.
    samples: int | None = Field(default=None, ge=1, le=10_000)
    # realised: walk the ray of constant shares until the built network costs what was asked. nominal: the literal rule,
    # whose rounding makes «2×» anything from 1.9× to 3.4× on B0.
    match: MatchRule = "realised"
    # None: the baseline's own.
    rounding: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _imply(cls, settings: Any) -> Any:
        if isinstance(settings, dict) and "strategy" not in settings and (implied := implied_strategy(settings)):
            return {**settings, "strategy": implied}
        return settings

    def make_strategy(self, **more: Any) -> Planned:
        """The strategy, with its settings.

        Args:
            more: further settings of a strategy, as seeds and epochs.

        Raises:
            InvalidInput: a setting belongs to another strategy.
        """
        kind = STRATEGIES[self.strategy]
        own = {"parts": self.parts, "step": self.step, "tolerance": self.tolerance, "samples": self.samples}
        given = {key: value for key, value in own.items() if value is not None}
        foreign = [key for key in given if key not in kind.model_fields]
        if foreign:
            takes = [key for key in own if key in kind.model_fields]
            known = f"; it takes {' and '.join(takes)}" if takes else ""
            raise InvalidInput(f"--search {self.strategy} has no {foreign[0]}{known}")
        return parse(kind, given | more, origin=f"--search {self.strategy}")


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
            return _foreign(self.baseline)
        return architecture.from_dict({"name": self.name, **self.baseline})


def network_from_dict(content: Mapping[str, Any]) -> Network:
    """The inverse of `Network.to_dict`, whoever described the network.

    Raises:
        InvalidInput: the description is wrong, or its source cannot be opened.
    """
    if "source" in content:
        from scaling_search.networks.foreign import from_dict

        network: Network = from_dict(dict(content))
        return network
    return architecture.from_dict(dict(content))


def open_config(config: str) -> Network:
    """The network that a config names: a member of a family (family/b1.yaml), or any baseline at full size.

    Raises:
        InvalidInput: there is none, or its description is wrong.
    """
    return open_member(config) or load(config).network()


def open_member(config: str) -> Network | None:
    """The network of a YAML that holds one (family/b1.yaml); None where config is something else.

    Raises:
        InvalidInput: the file cannot be read, or its network is wrong.
    """
    if not config.endswith((".yaml", ".yml")):
        return None
    content = read_yaml(Path(config))
    if not (isinstance(content, dict) and isinstance(content.get("network"), dict)):
        return None
    if str(content["network"].get("source", "")).startswith("live:"):
        adopt_live(Path(config).parent.parent)
    return network_from_dict(content["network"])


def adopt_live(run: Path) -> None:
    """Makes the live module or function known that a run folder keeps by value, where it keeps one. Runs its code."""
    if (run / LIVE_BASELINE).is_file():
        from scaling_search.networks.foreign import adopt

        adopt((run / LIVE_BASELINE).read_bytes())


def _foreign(name: str) -> Network:
    """A torch network by name («timm:resnet50», «package.module:callable», «file.py:callable»). Runs its code."""
    from scaling_search.data.cache import cache_folder
    from scaling_search.networks import foreign

    with suppress(InvalidInput):  # no home folder: nothing is kept
        foreign.keep_in(cache_folder() / "counts")
    network: Network = foreign.open_foreign(name)
    return network


def folder() -> Path:
    """Where the shipped search spaces lie: inside the installed package, or beside it in a checkout."""
    shipped = Path(str(resources.files("scaling_search"))) / "searchspaces"
    return shipped if shipped.is_dir() else shipped.parent.parent / "searchspaces"


@cache
def names() -> tuple[str, ...]:
    """The shipped baselines."""
    return tuple(sorted(path.stem for path in folder().glob("*.yaml") if not path.stem.endswith(SPACE_SUFFIX)))


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
