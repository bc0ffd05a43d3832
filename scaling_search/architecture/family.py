"""The family B1 … B7: one baseline scaled by frozen coefficients at φ = 1 … 7, or a published table of levels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from scaling_search.architecture import Cost, Network
from scaling_search.coefficients import Coefficients, Multipliers


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of a family, ready to be written as YAML."""

    name: str
    phi: float | None
    """None in a preset: no φ gives the published levels."""
    coefficients: Coefficients | None
    multipliers: Multipliers
    network: Network
    cost: Cost

    def to_dict(self) -> dict[str, Any]:
        rule = {} if self.coefficients is None else {"phi": self.phi, "coefficients": dict(vars(self.coefficients))}
        return {
            "name": self.name,
            **rule,
            "multipliers": dict(vars(self.multipliers)),
            "resolution": self.network.resolution,
            "depths": list(self.network.depths),
            "widths": list(self.network.widths),
            "dropout": self.network.dropout,
            "drop_connect": self.network.drop_connect,
            "cost": {"params": self.cost.params, "macs": self.cost.macs, "activations": self.cost.activations},
            "network": self.network.to_dict(),
        }


class Level(Protocol):
    """A published network: its multipliers, its resolution in pixels and its dropout rate."""

    @property
    def name(self) -> str: ...
    @property
    def depth(self) -> float: ...
    @property
    def width(self) -> float: ...
    @property
    def resolution(self) -> int: ...
    @property
    def dropout(self) -> float: ...


def by_rule(baseline: Network, coefficients: Coefficients, phis: Iterable[float]) -> list[Member]:
    """One member for each φ, named B<φ>, by the nominal rule (α^φ, β^φ, γ^φ) and the baseline's rounding."""
    members = []
    for phi in phis:
        multipliers = coefficients.multipliers(phi)
        network = baseline.scaled(multipliers)
        network = network.replaced(name=f"{baseline.name}-B{phi:g}", dropout=dropout_at(baseline.dropout, phi))
        members.append(
            Member(name=f"B{phi:g}", phi=phi, coefficients=coefficients, multipliers=multipliers, network=network,
                   cost=network.cost())
        )  # fmt: skip
    return members


def from_preset(baseline: Network, levels: Sequence[Level]) -> list[Member]:
    """The published members, exactly: their resolution is the one that was printed, not a rounded multiple."""
    members = []
    for level in levels:
        multipliers = Multipliers(
            depth=level.depth, width=level.width, resolution=level.resolution / baseline.resolution
        )
        network = baseline.scaled(multipliers)
        network = network.replaced(
            name=f"{baseline.name}-{level.name}", resolution=level.resolution, dropout=level.dropout
        )
        members.append(
            Member(name=level.name, phi=None, coefficients=None, multipliers=multipliers, network=network,
                   cost=network.cost())
        )  # fmt: skip
    return members


def dropout_at(base: float, phi: float) -> float:
    """Dropout grows with the network: 0.1 more for every second φ, up to 0.5, as in the published B0–B7 (0.2 … 0.5).

    A baseline without dropout stays without. Stochastic depth keeps the baseline's final rate: spread over more
    blocks it already grows with depth (arXiv 1905.11946, sec. 5.2, keeps 0.2 for all levels in its code).
    """
    return round(min(max(base, 0.5), base + 0.1 * max(0, int(phi // 2))), 4) if base > 0 else base
