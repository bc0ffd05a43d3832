"""Do the candidates cost the same?"""

from pathlib import Path

import numpy as np

from scaling_search.analysis import Analysis
from scaling_search.analysis.caveats import OFF_TARGET
from scaling_search.analysis.wording import loss
from scaling_search.report.cards.card import Card, Standing
from scaling_search.report.cards.drawings import strip


def cost(analysis: Analysis, run: Path) -> Card:
    """PASS within OFF_TARGET; FAIL where what cost is worth differs by more than the candidates do, else WARNING."""
    ratio, target = analysis.table["macs_ratio"].astype(float), analysis.trials.target_ratio
    off = 100 * (ratio / target - 1)
    worth = np.abs(analysis.surface.cost_slopes().mean() * np.log(ratio.to_numpy() / target))
    spread = float(analysis.table["top1_equal_cost"].std()) if len(ratio) > 1 else 0.0
    standing: Standing = "WARNING"
    if off.abs().max() <= 100 * OFF_TARGET:
        standing = "PASS"
    elif worth.max() > spread:
        standing = "FAIL"
    return Card(
        name="cost",
        question="Do the candidates cost the same?",
        standing=standing,
        sentence=f"They have {ratio.min():.2f} to {ratio.max():.2f} times the base’s multiply-adds where {target:.2f} "
        f"were wanted; what is off is worth {loss(round(worth.max(), 6))} points at most, which the surface takes out.",
        drawing=strip(
            [(str(name), value) for name, value in off.items()],
            "cost off the target (%)",
            band=(-100 * OFF_TARGET, 100 * OFF_TARGET),
            label="How far each candidate’s cost is off the target.",
        ),
    )
