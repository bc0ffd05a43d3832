"""α, β, γ, φ and shares: the arithmetic of compound scaling, without any network.

Notation (arXiv 1905.11946, eq. 3; d, w, r multiply the baseline's depth, width and resolution):

    d = α^φ,  w = β^φ,  r = γ^φ,   α·β²·γ² = budget (2 in the paper),   α, β, γ ≥ 1

    shares = (ln α, 2 ln β, 2 ln γ) / ln budget: the fractions of the added compute; they sum to 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isfinite, log

from scaling_search.errors import InvalidInput

PAPER_BUDGET = 2.0
_SMALLEST_GROWTH = 0.05  # its logarithm; less cannot be divided into shares
_LEAST = 1e-4  # of a multiplier, and 1 over the most: what is beyond is a slip
_SLACK = 1e-9  # 1.2 · 1.1² · 1.15² and the ends of a 0.05 grid are not exact in binary


@dataclass(frozen=True, kw_only=True)
class Multipliers:
    """What a network is multiplied by: depth d, width w, resolution r (1 is the baseline)."""

    depth: float
    width: float
    resolution: float

    def __post_init__(self) -> None:
        for axis, value in (("depth", self.depth), ("width", self.width), ("resolution", self.resolution)):
            if not _LEAST <= value <= 1 / _LEAST:
                raise InvalidInput(
                    f"the {axis} multiplier must be a positive number, at most {1 / _LEAST:g}, not {value}"
                )

    def shares(self) -> "Shares | None":
        """How the realised growth d·w²·r² is divided; a dimension that shrank counts as 0. None below 5 % of growth."""
        parts = log(self.depth), 2 * log(self.width), 2 * log(self.resolution)
        total = sum(parts)
        if abs(total) < _SMALLEST_GROWTH:
            return None
        depth, width, resolution = (max(part / total, 0.0) for part in parts)
        whole = depth + width + resolution
        return Shares(depth=depth / whole, width=width / whole, resolution=resolution / whole)


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Fractions of the added compute that go to depth, width and resolution: a point in a triangle.

    Raises:
        InvalidInput: a share is negative, or they do not sum to 1.
    """

    depth: float
    width: float
    resolution: float

    def __post_init__(self) -> None:
        if min(self.as_tuple()) < -_SLACK or abs(sum(self.as_tuple()) - 1) > 1e-6:
            raise InvalidInput(f"shares must be at least 0 and sum to 1, not {self.as_tuple()}")

    def as_tuple(self) -> tuple[float, float, float]:
        return self.depth, self.width, self.resolution

    def coefficients(self, budget: float = PAPER_BUDGET) -> "Coefficients":
        """The triple with these shares and exactly α·β²·γ² = budget: no rejection needed."""
        growth = log(budget)
        return Coefficients(
            alpha=exp(max(self.depth, 0.0) * growth),
            beta=exp(max(self.width, 0.0) * growth / 2),
            gamma=exp(max(self.resolution, 0.0) * growth / 2),
        )


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """How one unit of added compute is divided: d = α^φ, w = β^φ, r = γ^φ (arXiv 1905.11946, eq. 3).

    Raises:
        InvalidInput: a coefficient is below 1 or not a number.
    """

    alpha: float
    beta: float
    gamma: float

    def __post_init__(self) -> None:
        for name, value in (("α", self.alpha), ("β", self.beta), ("γ", self.gamma)):
            if not (isfinite(value) and value >= 1 - _SLACK):
                raise InvalidInput(f"{name} must be a number of at least 1, not {value}")

    @property
    def budget(self) -> float:
        """Nominal growth of the multiply-adds at φ = 1: depth counts once, width and resolution twice."""
        return self.alpha * self.beta**2 * self.gamma**2

    def shares(self) -> Shares:
        """Fractions of ln(budget) that go to depth, width and resolution; they sum to 1.

        Raises:
            InvalidInput: the budget is 1, so nothing is added and nothing can be divided.
        """
        growth = log(self.budget)
        if growth <= _SLACK:
            raise InvalidInput("α = β = γ = 1 adds no compute, so it has no shares")
        depth, width = log(self.alpha) / growth, 2 * log(self.beta) / growth
        return Shares(depth=depth, width=width, resolution=1 - depth - width)

    def multipliers(self, phi: float) -> Multipliers:
        """(α^φ, β^φ, γ^φ); φ < 0 shrinks."""
        try:
            return Multipliers(depth=self.alpha**phi, width=self.beta**phi, resolution=self.gamma**phi)
        except OverflowError as error:
            raise InvalidInput(f"φ = {phi} is too large for these coefficients") from error


PAPER = Coefficients(alpha=1.2, beta=1.1, gamma=1.15)
"""The published answer (arXiv 1905.11946, sec. 3.3). It is 4 % off its own constraint: the budget is 1.92027."""

REFERENCES: Mapping[str, Shares] = {
    "depth": Shares(depth=1.0, width=0.0, resolution=0.0),
    "width": Shares(depth=0.0, width=1.0, resolution=0.0),
    "resolution": Shares(depth=0.0, width=0.0, resolution=1.0),
    "uniform": Shares(depth=1 / 3, width=1 / 3, resolution=1 / 3),
    "fast": Shares(depth=0.1, width=0.8, resolution=0.1),  # arXiv 2103.06877: width mostly, activations grow least
    "paper": PAPER.shares(),
}
"""The named points that every search also judges. «paper» is the published triple's direction."""


def lattice(parts: int) -> list[Shares]:
    """The simplex lattice: every point of the share triangle whose shares are multiples of 1/parts.

    Returns (parts + 1)(parts + 2) / 2 points, depth varying slowest (Scheffé 1958).

    Raises:
        InvalidInput: parts is below 1.
    """
    if parts < 1:
        raise InvalidInput(f"the lattice needs at least 1 part, not {parts}")
    return [
        Shares(depth=i / parts, width=j / parts, resolution=(parts - i - j) / parts)
        for i in range(parts + 1)
        for j in range(parts + 1 - i)
    ]


def grid(step: float = 0.05, tolerance: float = 0.1, *, budget: float = PAPER_BUDGET) -> list[Coefficients]:
    """The paper's grid: all (α, β, γ) in multiples of step from 1 with |α·β²·γ² − budget| ≤ tolerance.

    No coefficient goes past the budget that it would use up alone. The defaults give 108 triples, the paper's
    among them.

    Raises:
        InvalidInput: the step or tolerance is not positive, or no triple is left.
    """
    if not (isfinite(step) and step > 0 and isfinite(tolerance) and tolerance >= 0):
        raise InvalidInput(f"the grid needs a positive step and a tolerance of at least 0, not {step} and {tolerance}")
    if (budget / step) ** 2 > 1e8:
        raise InvalidInput(f"a step of {step} makes a grid of over 100 million points")
    alphas, others = _ladder(step, budget), _ladder(step, (budget + tolerance) ** 0.5)
    triples = [
        Coefficients(alpha=alpha, beta=beta, gamma=gamma)
        for alpha in alphas
        for beta in others
        if alpha * beta**2 <= budget + tolerance
        for gamma in others
        if abs(alpha * beta**2 * gamma**2 - budget) <= tolerance
    ]
    if not triples:
        raise InvalidInput(
            f"no (α, β, γ) in steps of {step} has α·β²·γ² within {tolerance} of {budget}; widen --tolerance"
        )
    return triples


def _ladder(step: float, top: float) -> list[float]:
    """1, 1 + step, 1 + 2 step … up to top, each rounded to where a person would write it."""
    return [round(1 + index * step, 10) for index in range(int((top - 1) / step + _SLACK) + 1)]
