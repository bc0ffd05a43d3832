"""`ss.network`: any network as one object that scales, costs, matches and builds.

ss.network("resnet50").scaled(depth=1.2, width=1.1).cost()
ss.network("timm:resnet18").match(shares=(0.4, 0.3, 0.3), macs="2x").build()
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from scaling_search.architecture import Cost, Network, Target, match, parse_target
from scaling_search.architecture.family import Member, by_rule
from scaling_search.coefficients import Coefficients, Multipliers, Shares
from scaling_search.configuration import to_yaml
from scaling_search.errors import InvalidInput
from scaling_search.files import write_atomically
from scaling_search.search.searchspace import SearchSpace, load, open_member
from scaling_search.search.space import Seconds, describe
from scaling_search.units import format_count

if TYPE_CHECKING:
    from torch import nn

    from scaling_search.exporters import Exported

    NetworkLike: TypeAlias = "str | Path | ScalableNetwork | Network | nn.Module | Callable[..., nn.Module]"


@dataclass(frozen=True)
class ScalableNetwork:
    """A network that can be scaled, costed and built, wherever it was described.

    Attributes:
        network: the description.
        searchspace: how it is searched, where a file says so.
    """

    network: Network
    searchspace: SearchSpace | None = None

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def resolution(self) -> int:
        """Side of the square input, in pixels."""
        return self.network.resolution

    @property
    def classes(self) -> int:
        return self.network.classes

    @property
    def depths(self) -> tuple[int, ...]:
        """Layers of each stage."""
        return self.network.depths

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the stem, the stages and the head."""
        return self.network.widths

    def cost(self) -> Cost:
        """Exact parameters, MACs and activations of one image."""
        return self.network.cost()

    def scaled(self, *, depth: float = 1.0, width: float = 1.0, resolution: float = 1.0) -> "ScalableNetwork":
        """The network with these multipliers, after rounding.

        Raises:
            InvalidInput: a multiplier is not a positive number, or the network cannot be scaled so.
        """
        return ScalableNetwork(self.network.scaled(Multipliers(depth=depth, width=width, resolution=resolution)))

    def match(
        self,
        shares: Sequence[float] | Shares,
        *,
        macs: str | None = None,
        params: str | None = None,
        activations: str | None = None,
        memory: str | None = None,
        latency: str | None = None,
        latency_on: Literal["cpu", "cuda"] = "cpu",
    ) -> "ScalableNetwork":
        """The network on the ray of constant shares whose realised cost is nearest to what is asked.

        Args:
            shares: of depth, width and resolution in the added compute; they sum to 1.
            macs, params, activations, memory, latency: exactly one, as «2x» (times this network's) or «400M», «5ms».
            latency_on: where latency is measured.

        Raises:
            InvalidInput: none or several amounts are given, or no such network costs as much.
        """
        given = {"macs": macs, "params": params, "activations": activations, "memory": memory, "latency": latency}
        wanted = [f"{metric}={amount}" for metric, amount in given.items() if amount is not None]
        if len(wanted) != 1:
            raise InvalidInput(f"say what the network should cost in one of {', '.join(given)}, as macs='2x'")
        target = parse_target(wanted[0])
        return ScalableNetwork(match_shares(self.network, shares, target, latency_on=latency_on))

    def replaced(self, *, resolution: int | None = None, classes: int | None = None) -> "ScalableNetwork":
        """The same network for other images or another number of classes."""
        return ScalableNetwork(self.network.replaced(resolution=resolution, classes=classes), self.searchspace)

    def family(self, coefficients: Coefficients, phis: Iterable[float] = range(1, 8)) -> "list[FamilyMember]":
        """The networks of φ = 1 … 7, by the nominal rule (α^φ, β^φ, γ^φ) and the network's own rounding."""
        return [FamilyMember(member.network, member=member) for member in by_rule(self.network, coefficients, phis)]

    def build(self, *, classes: int | None = None, zero_init_residual: bool = False) -> "nn.Module":
        """The torch module: float [N, 3, r, r] → logits [N, classes]; freshly initialised.

        Args:
            classes: of the data it is for. Default: the network's.
            zero_init_residual: start every residual block as the identity.
        """
        from scaling_search.networks import build

        network = self.network if classes is None else self.network.replaced(classes=classes)
        return build(network, zero_init_residual=zero_init_residual)

    def export(self, to: str, *, weights: str | Path | None = None, out: str | Path | None = None) -> "Exported":
        """Writes the network for another program, once what that program reads computes the same logits.

        Args:
            to: timm, torchvision, pycls, onnx, pt2, safetensors or hf.
            weights: best.safetensors of a training; without it the weights are fresh ones.
            out: a new folder. Default: NAME-TARGET.

        Raises:
            InvalidInput: the target cannot express the network, or lacks a package; the message says which.
        """
        from scaling_search.exporters import export

        return export(self.network, to, weights=_path(weights), out=_path(out))

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what `save` writes."""
        return {"name": self.name, "network": self.network.to_dict()}

    def save(self, path: str | Path) -> Path:
        """Writes a config that `ss.network`, `scaling-search train` and `scaling-search cost` open."""
        write_atomically(Path(path), to_yaml(self.to_dict()))
        return Path(path)

    def __repr__(self) -> str:
        cost = self.cost()
        return (
            f"<{self.name} at {self.resolution} px: {describe(self.network)}, "
            f"{format_count(cost.macs)} MACs, {format_count(cost.params)} parameters>"
        )

    def _repr_html_(self) -> str:
        cost = self.cost()
        rows = {
            "resolution": f"{self.resolution} px",
            "depths": "-".join(map(str, self.depths)),
            "widths": "-".join(map(str, self.widths)),
            "MACs": f"{cost.macs:,}",
            "parameters": f"{cost.params:,}",
            "activations": f"{cost.activations:,}",
        }
        lines = "".join(f"<tr><th>{key}</th><td>{value}</td></tr>" for key, value in rows.items())
        return f"<table><caption>{escape(self.name)}</caption>{lines}</table>"


@dataclass(frozen=True, repr=False)
class FamilyMember(ScalableNetwork):
    """One network of a family, with what it came from.

    Attributes:
        member: its name in the family, φ, coefficients and multipliers.
    """

    member: Member | None = None

    @property
    def phi(self) -> float | None:
        """None in a published preset: no φ gives its levels."""
        return self.member.phi if self.member else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what the family's YAML holds."""
        return self.member.to_dict() if self.member else super().to_dict()


def network(thing: "NetworkLike") -> ScalableNetwork:
    """A network as one object that scales, costs, matches and builds.

    Args:
        thing: the name of a shipped one («b0»), of a torch network («timm:resnet18», «package.module:function»,
            «file.py:function»), a YAML file (family/b3.yaml, a search space), an `Architecture`, a
            `torch.nn.Module`, or a function or class that builds one (from a notebook cell too; it is kept by value).

    Raises:
        InvalidInput: there is no such network, it cannot be scaled, or the thing is none of these.
    """
    if isinstance(thing, ScalableNetwork):
        return thing
    if isinstance(thing, str | Path):
        return _from_config(str(thing))
    if isinstance(thing, Network):
        return ScalableNetwork(thing)
    if callable(thing):  # an nn.Module is, too
        from scaling_search.networks.foreign import open_foreign, register

        name = register(thing)
        own = name.removeprefix("live:").rpartition("-")[0]  # without the digest
        return ScalableNetwork(open_foreign(name).replaced(name=own))
    raise InvalidInput(f"{type(thing).__name__} is no network: give a name, a YAML file, an nn.Module or its builder")


def match_shares(
    base: Network, shares: Sequence[float] | Shares, target: Target, *, latency_on: Literal["cpu", "cuda"] | None
) -> Network:
    """The network on the ray of constant shares that is nearest to the target.

    Raises:
        InvalidInput: the shares are not three, or no such network costs as much.
    """
    if not isinstance(shares, Shares):
        if len(shares) != 3:
            raise InvalidInput(f"shares are three numbers, for depth, width and resolution, not {len(shares)}")
        shares = Shares(depth=shares[0], width=shares[1], resolution=shares[2])
    return match(base, shares, target=target, latency=stopwatch(latency_on)).network


def stopwatch(device: Literal["cpu", "cuda"] | None) -> Seconds | None:
    """Measures latency on a device, remembering what was measured; None without a device."""
    if device is None:
        return None
    from scaling_search.data.cache import cache_folder
    from scaling_search.environment import resolve_device
    from scaling_search.networks.latency import latency_on

    return latency_on(resolve_device(device), cache=cache_folder() / "latency")


def _path(place: str | Path | None) -> Path | None:
    return None if place is None else Path(place)


def _from_config(config: str) -> ScalableNetwork:
    """A YAML may hold one network; everything else names a baseline and how it is searched."""
    member = open_member(config)
    if member is not None:
        return ScalableNetwork(member)
    space = load(config)
    return ScalableNetwork(space.network(), space)
