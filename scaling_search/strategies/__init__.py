"""What to ask next: pure functions of the evidence. No network, no torch, no Ray.

A new strategy is one file beside these and one line in `AnyStrategy`.
"""

from typing import Annotated, get_args

from pydantic import Field

from scaling_search.strategies.base import DONE, WAIT, Ask, Asking, Asks, Decision, Planned, Strategy
from scaling_search.strategies.compare import Compare, Compound
from scaling_search.strategies.evolution import Evolution
from scaling_search.strategies.finals import Finals
from scaling_search.strategies.goal import Goal
from scaling_search.strategies.grid import Grid
from scaling_search.strategies.halving import Halving
from scaling_search.strategies.lattice import Lattice
from scaling_search.strategies.optuna import Optuna
from scaling_search.strategies.points import Point, reference_points
from scaling_search.strategies.race import Race
from scaling_search.strategies.random import Random
from scaling_search.strategies.staged import RandomStages, Staged
from scaling_search.strategies.stages_halving import StagesHalving
from scaling_search.strategies.stages_optuna import StagesOptuna
from scaling_search.strategies.surface import Surface

AnyStrategy = Annotated[Lattice | Grid | Random | Halving | Race | Optuna | Surface, Field(discriminator="strategy")]
_SHIPPED: tuple[type[Planned], ...] = get_args(get_args(AnyStrategy)[0])
STRATEGIES: dict[str, type[Planned]] = {kind.model_fields["strategy"].default: kind for kind in _SHIPPED}
"""The strategies that ship, by the word that `--search` knows them by."""
STAGED: dict[str, type[Staged]] = {
    "evolution": Evolution, "optuna": StagesOptuna, "random": RandomStages, "halving": StagesHalving,
}  # fmt: skip
"""Those over a space of stages, by the word that `baseline --strategy` knows them by."""
RECORDED: dict[str, type[Planned]] = {
    **STRATEGIES,
    **{kind.model_fields["strategy"].default: kind for kind in STAGED.values()},
    "compare": Compare,
    "finals": Finals,
}
"""All that a run.yaml can name: a comparison searches nothing, but is planned, driven and resumed in the same way."""

__all__ = [
    "DONE",
    "RECORDED",
    "STAGED",
    "STRATEGIES",
    "WAIT",
    "AnyStrategy",
    "Ask",
    "Asking",
    "Asks",
    "Compare",
    "Compound",
    "Decision",
    "Evolution",
    "Finals",
    "Goal",
    "Grid",
    "Halving",
    "Lattice",
    "Optuna",
    "Planned",
    "Point",
    "Race",
    "Random",
    "RandomStages",
    "Staged",
    "StagesHalving",
    "StagesOptuna",
    "Strategy",
    "Surface",
    "reference_points",
]
