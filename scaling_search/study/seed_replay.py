"""Strategies over what a search for a baseline has recorded: how much reward is lost after so many trainings.

A choice that was never trained stands for the recorded network with the fewest different answers. A table of a few
dozen networks is thin for a space of millions, so that this compares strategies on the table and not on the space; and
with one seed each a lucky network counts as a good one. Evolution's children mostly stand for their parents there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.evidence import Reading
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import STAGED, Staged
from scaling_search.study.recorded import Recorded, read_recorded, search_recorded
from scaling_search.study.seed_answer import seeking_of


@dataclass(frozen=True, kw_only=True)
class RewardLost:
    """What one strategy found after so many networks were trained to the end, over all repeats.

    Attributes:
        lost: reward of the table's best less that of the best found, on average; 90 % of repeats in low … high.
        epochs: that were asked for until then, as a fraction of the table's.
        hits: fraction of the repeats that had found the best.
    """

    strategy: str
    repeats: int
    networks: int
    lost: float
    low: float
    high: float
    epochs: float
    hits: float


def replay_baseline(
    folder: RunFolder, names: Sequence[str], *, repeats: int = 20, after: Sequence[int] = ()
) -> list[RewardLost]:
    """Runs strategies over the readings of a search for a baseline.

    Args:
        names: of `strategies.STAGED`.
        repeats: each with other random numbers.
        after: networks; none: a quarter, a half and three quarters of the table's.

    Raises:
        InvalidInput: the folder is no such search, or there is no such strategy.
    """
    recorded = read_recorded(folder)
    if unknown := [name for name in names if name not in STAGED]:
        raise InvalidInput(f"there is no strategy {unknown[0]!r}{nearest_hint(unknown[0], STAGED)}")
    count = len(recorded.everything)
    at = sorted(set(after)) or [max(1, count * quarter // 4) for quarter in (1, 2, 3)]
    return [result for name in names for result in _replayed(name, recorded, folder, repeats, at)]


def _replayed(
    name: str, recorded: Recorded, folder: RunFolder, repeats: int, after: Sequence[int]
) -> list[RewardLost]:  # fmt: skip
    seeking = seeking_of(recorded.record, folder.path)
    costs = {row.id: row.realised.macs_ratio for row in recorded.rows}
    rewards = {str(one): seeking.goal.reward(top1, costs[str(one)]) for one, top1 in recorded.everything.items()}
    best, every = max(rewards.values()), sum(map(len, recorded.histories.values()))
    found = [_found(_strategy(name, recorded, repeat), recorded, rewards) for repeat in range(repeats)]
    results = []
    for networks in after:
        reached = [sofar[min(networks, len(sofar)) - 1] for sofar in found if sofar]
        lost = [best - reward for reward, _ in reached]
        low, high = np.quantile(lost, [0.05, 0.95])
        results.append(
            RewardLost(
                strategy=name, repeats=repeats, networks=networks, lost=fmean(lost), low=float(low), high=float(high),
                epochs=fmean(epochs for _, epochs in reached) / every, hits=fmean(one <= 0 for one in lost),
            )
        )  # fmt: skip
    return results


def _strategy(name: str, recorded: Recorded, repeat: int) -> Staged:
    """As fine as the table, with other random numbers in each repeat."""
    own = recorded.record.strategy
    settings = {key: own[key] for key in ("answers", "start", "goal")}
    if name == "evolution":  # as a search of so many networks has it: more proposals are asked here, many come to one
        settings["population"] = max(4, len(recorded.rows) // 4)
    return parse(
        STAGED[name],
        {**settings, "samples": 4 * len(recorded.rows), "seeds": 1, "epochs": recorded.epochs, "random": repeat},
        origin=f"strategy {name}",
    )


def _found(strategy: Staged, recorded: Recorded, rewards: dict[str, float]) -> list[tuple[float, int]]:
    """The best reward, and the epochs that were asked for, after each network that was trained to the end."""
    best, reached = float("-inf"), []
    for epochs, reading in enumerate(search_recorded(strategy, recorded), start=1):
        if _is_end(reading, recorded):
            best = max(best, rewards[reading.trial.candidate])
            reached.append((best, epochs))
    return reached


def _is_end(reading: Reading, recorded: Recorded) -> bool:
    return reading.epoch == recorded.epochs and reading.top1 is not None
