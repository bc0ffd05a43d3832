"""A network as data: stages, rounding, scaling, exact cost, matching a target. No torch."""

from scaling_search.architecture.architecture import Architecture, from_dict
from scaling_search.architecture.cost import Cost, Costs
from scaling_search.architecture.matching import TARGET_METRICS, Match, Target, match, match_all, nominal, parse_target
from scaling_search.architecture.memory import Memory
from scaling_search.architecture.nearby import COST_TOLERANCE, SHARES_TOLERANCE
from scaling_search.architecture.network import Network
from scaling_search.architecture.rounding import POLICIES, Rounding, policy
from scaling_search.architecture.steps import coarseness

__all__ = [
    "COST_TOLERANCE",
    "POLICIES",
    "SHARES_TOLERANCE",
    "TARGET_METRICS",
    "Architecture",
    "Cost",
    "Costs",
    "Match",
    "Memory",
    "Network",
    "Rounding",
    "Target",
    "coarseness",
    "from_dict",
    "match",
    "match_all",
    "nominal",
    "parse_target",
    "policy",
]
