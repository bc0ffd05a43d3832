"""What would settle a tie: the number of seeds that shows the gap, by a power calculation."""

from math import ceil

import pandas as pd
from scipy.stats import f, norm

from scaling_search.analysis.means import PairedMeans
from scaling_search.analysis.surface import Surface

WORTH = 0.01  # one point of accuracy: smaller gaps need not be settled
POWER = 0.8
MANY = 100  # seeds; more are never worth naming


def seeds_needed(table: pd.DataFrame, rivals: pd.DataFrame, surface: Surface, means: PairedMeans) -> int | None:
    """Seeds a candidate that tell the pick from its best rival, or a gap of WORTH, with POWER; None where none would.

    The standard error of the gap must fall to gap / (critical + z[POWER]). Seeds shrink the seed noise only, not what
    rounding does to a network, so the variance around the surface is divided into these two where seeds repeat.
    """
    if surface.covariance is None:
        return None
    rival, now = rivals.iloc[0], float(table["seeds"].mean())
    wanted = max(rival["gap"], WORTH) / (rival["critical"] + norm.ppf(POWER))
    shrink = (wanted / rival["gap_se"]) ** 2  # of the variance of a candidate's mean
    lasting = _lasting_fraction(surface, means, now)
    if shrink <= lasting:
        return None
    needed = now * (1 - lasting) / (shrink - lasting)
    return max(ceil(needed), ceil(now) + 1) if needed <= MANY else None


def _lasting_fraction(surface: Surface, means: PairedMeans, seeds: float) -> float:
    """Fraction of the variance of a candidate's mean around the surface that more seeds would not remove.

    None of it where an F test finds no misfit beyond seed noise, or where no seed repeats.
    """
    if surface.residual_sd is None or not means.error_sd:
        return 0.0
    ratio = surface.residual_sd**2 / (means.error_sd**2 / seeds)
    return 1 - 1 / ratio if f.sf(ratio, surface.dof, means.dof) < 0.05 else 0.0


def advice(table: pd.DataFrame, rivals: pd.DataFrame, surface: Surface, seeds: int | None) -> str:
    """The sentence that follows from `seeds_needed`."""
    if surface.covariance is None:
        return "Finish at least two seeds of several candidates, so that noise can be measured."
    what = f"a gap of {100 * max(float(rivals['gap'].iloc[0]), WORTH):.1f} points"
    if seeds is None:
        return (
            f"Not even {MANY} seeds a candidate would show {what}: train longer, so that the candidates differ more, "
            "or search more divisions."
        )
    low, high = table["seeds"].min(), table["seeds"].max()
    return f"About {seeds} seeds a candidate (now {low if low == high else f'{low} to {high}'}) would show {what}."
