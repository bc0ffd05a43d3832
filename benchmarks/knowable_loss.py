"""How much of what a pick loses can be known: a regression that has seen thousands of searches of these very truths.

    python benchmarks/knowable_loss.py [--searches 28] [--seed 81]

What a division is expected to lose cannot be right for every kind of truth when kinds look alike to who has only the
readings. A small network learns the loss of the pick from all that an analysis sees: the posterior's mean and spread at
28 places, the spread of the means, the noise, the design. It is told the loss of three quarters of the searches (one of
them to stop by) and asked for the rest; so it knows how frequent each kind is, as no analysis does. Where it is off for
a kind by as much as what is stated, what would tell that kind from the others is not in the readings.
"""

import argparse

import numpy as np
import pandas as pd
import torch
from torch import nn
from truths import FINE, KINDS, Design, Search, designs, simulate
from verdicts import draw_random, surface_of

from scaling_search.analysis import basis
from scaling_search.analysis.decision import compute_apart
from scaling_search.coefficients import lattice

WHERE = compute_apart(FINE[:, None], np.array([point.as_tuple() for point in lattice(6)])[None]).argmin(axis=0)
FOLDS, EPOCHS, BATCH = 4, 60, 256


def seen(search: Search, design: Design) -> tuple[list[float], float, float]:
    """What an analysis sees, what it states that the pick loses, and what that loses, in points."""
    surface = surface_of(search.readings, search.ln_cost, design)
    mean, draws = 100 * surface.mean_at(basis.places()), 100 * surface.draws_at(basis.places())
    pick = int(mean.argmax())
    stated = float((draws.max(axis=0) - draws[pick]).mean())
    means = 100 * search.readings.mean(axis=1)
    features = [
        stated, np.log(stated + 0.05), *(mean[WHERE] - mean[pick]), *draws.std(axis=1)[WHERE], means.std(),
        *np.quantile(means - means.max(), [0, 0.1, 0.25, 0.5, 0.75]), 100 * float(np.median(surface.trial_sd)),
        100 * surface.lasting_sd, np.log(len(means)), design.seeds, design.growth,
        100 * float(surface.average(surface.amplitude)), float(surface.average(surface.length_scale)), *FINE[pick],
        100 * min(surface.tail.limit, 0.1),
    ]  # fmt: skip
    return [float(value) for value in features], stated, 100 * float(search.everywhere.max() - search.everywhere[pick])


def foretold(features: np.ndarray, lost: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """The loss [n] that a network expects of each search from features [n, f], having learned on other folds."""
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    inputs, target = (torch.tensor(values, dtype=torch.float32) for values in (scaled, lost))
    found = np.zeros(len(lost))
    for out in range(FOLDS):
        stop = fold == (out + 1) % FOLDS
        network = _learned(inputs, target, np.flatnonzero((fold != out) & ~stop), np.flatnonzero(stop))
        with torch.no_grad():
            found[fold == out] = network(inputs[fold == out])[:, 0].numpy()
    return found


def _learned(inputs: torch.Tensor, target: torch.Tensor, rows: np.ndarray, stop: np.ndarray) -> nn.Module:
    """The network after the epoch that foretold the searches to stop by best."""
    network = nn.Sequential(
        nn.Linear(inputs.shape[1], 64), nn.SiLU(), nn.Dropout(0.2), nn.Linear(64, 32), nn.SiLU(), nn.Linear(32, 1),
        nn.Softplus(),
    )  # fmt: skip
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    least, best = float("inf"), network.state_dict()
    for _ in range(EPOCHS):
        network.train()
        order = torch.tensor(rows)[torch.randperm(len(rows))]
        for start in range(0, len(rows), BATCH):
            batch = order[start : start + BATCH]
            optimizer.zero_grad()
            nn.functional.mse_loss(network(inputs[batch])[:, 0], target[batch]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        network.eval()
        with torch.no_grad():
            error = float(nn.functional.mse_loss(network(inputs[stop])[:, 0], target[stop]))
        if error < least:
            least, best = error, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(best)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=28, help="of each kind of truth and design")
    parser.add_argument("--seed", type=int, default=81)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    cells = [(design, kind, number) for design in designs() for kind in KINDS for number in range(arguments.searches)]
    found = [
        seen(simulate(kind, design, draw_random(arguments.seed, kind, design, number)), design)
        for design, kind, number in cells
    ]
    features, stated, lost = (np.array(column) for column in zip(*found, strict=True))
    learned = foretold(features, lost, np.array([number % FOLDS for _, _, number in cells]))
    table = pd.DataFrame({"kind": [kind for _, kind, _ in cells], "lost": lost, "stated": stated, "learned": learned})
    print(table.groupby("kind", sort=False).mean().to_string(float_format="{:.3f}".format))
    for name in ("stated", "learned"):
        print(f"{name}: squared error {((table[name] - lost) ** 2).mean():.3f}, correlation "
              f"{np.corrcoef(table[name], lost)[0, 1]:.2f} (n = {len(lost)})")  # fmt: skip


if __name__ == "__main__":
    main()
