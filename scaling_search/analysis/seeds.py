"""What a search for a baseline has found: its candidates by reward, and how the best fares against known networks.

Fresh seeds judge, since the best of many has been helped by chance; differences are those of `analysis.comparison`.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.comparison import Difference, between
from scaling_search.analysis.frontier import frontier
from scaling_search.analysis.means import describe, paired_means
from scaling_search.analysis.trials import Trials
from scaling_search.analysis.wording import percent, points
from scaling_search.errors import InvalidInput

Reward = Callable[[float, float], float]
"""From accuracy (a fraction) and cost (at full size, over that of the space's own network) to what is maximised."""
Kind = Literal["better", "worse", "not told apart", "one seed"]
PICK = "pick"
_COLUMNS = [
    "named", "macs", "macs_ratio", "params", "pixels", "network",
    "full_macs", "full_macs_ratio", "full_params", "full_network",
]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """All candidates that were trained to the end, best first.

    `table` is indexed by candidate: what is trained (macs, params, pixels, network), the full-size network (full_…),
    seeds, top1, top1_se, reward, and whether no other is both cheaper at full size and better (on_frontier). `tried`
    counts those that were trained at all.
    """

    table: pd.DataFrame
    epochs: int
    tried: int


@dataclass(frozen=True, kw_only=True)
class Final:
    """The last round: `table` as of `Ranked`; `differences` are those of the pick against each known network."""

    table: pd.DataFrame
    epochs: int
    differences: tuple[Difference, ...]
    kind: Kind
    sentence: str


def rank(trials: Trials, reward: Reward) -> Ranked:
    """The candidates of a search by reward.

    Args:
        reward: what is maximised.
    """
    table = _table(trials, reward)
    tried = len(set(trials.readings["candidate"]) | set(trials.failed["candidate"]) | set(trials.candidates.index))
    return Ranked(table=table, epochs=trials.epochs, tried=tried)


def last_round(trials: Trials, reward: Reward, rivals: Sequence[str]) -> Final:
    """What fresh seeds say of the pick.

    Args:
        rivals: names of the known networks; the verdict is about the first that was trained.

    Raises:
        InvalidInput: the pick or all known networks have no finished trial yet.
    """
    table, means = _table(trials, reward), paired_means(trials.final)
    named = {name: str(row) for row, names in table["named"].items() for name in names}
    against = [name for name in rivals if name in named]
    if PICK not in named or not against:
        lacking = "the pick" if PICK not in named else "every known network"
        raise InvalidInput(f"{lacking} has no finished trial of the last round yet: go on with `scaling-search resume`")
    found = [between(means, named[PICK], named[name]) for name in against]
    differences = tuple(
        Difference(first=PICK, second=name, difference=apart, low=low, high=high)
        for name, (apart, low, high) in zip(against, found, strict=True)
    )
    kind, sentence = _verdict(differences[0], table.loc[named[PICK]].to_dict())
    best = next(iter(table["named"]))
    if PICK not in best and not set(best) & set(rivals):
        sentence += f" With fresh seeds its {best[0]} has a higher reward."
    return Final(table=table, epochs=trials.epochs, differences=differences, kind=kind, sentence=sentence)


def _table(trials: Trials, reward: Reward) -> pd.DataFrame:
    told = describe(trials.final, "top1").join(trials.final.groupby("candidate").size().rename("seeds"))
    table = trials.candidates[[name for name in _COLUMNS if name in trials.candidates]].join(told, how="inner")
    table["reward"] = [reward(top1, cost) for top1, cost in zip(table["top1"], table["full_macs_ratio"], strict=True)]
    table["on_frontier"] = table.index.isin(frontier(table, "full_macs").index)
    return table.sort_values("reward", ascending=False, kind="stable")


def _verdict(found: Difference, pick: Mapping[Hashable, Any]) -> tuple[Kind, str]:
    apart = f"{points(abs(found.difference))} points {'more' if found.difference >= 0 else 'less'}"
    reached = percent(pick["top1"], pick["top1_se"])
    head = f"With fresh seeds the pick reaches {reached}, {apart} than {found.second} at equal cost"
    if isnan(found.low):
        return "one seed", f"{head}; with one seed nothing says what chance does."
    where = f"(95 %: {points(found.low)} to {points(found.high)})"
    if found.low > 0 or found.high < 0:
        return ("better" if found.low > 0 else "worse"), f"{head} {where}."
    return "not told apart", f"Not told apart: {head[0].lower()}{head[1:]} {where}."


def plain(row: Mapping[str, object]) -> dict[str, object]:
    """A row for YAML: whole numbers, rounded fractions, what is unknown as null."""
    return {str(key): _plain(value) for key, value in row.items()}


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if isnan(value) else round(value, 6)
    return list(value) if isinstance(value, tuple) else value
