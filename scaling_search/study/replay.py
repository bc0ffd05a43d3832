"""Strategies over recorded readings: a whole search in a fraction of a second, nothing trained.

A strategy sees only what it asked for, through the same driver as a real search; a point that was never trained stands
for the recorded candidate nearest to it. One seed of every candidate is hidden from it, each in turn, and what it
picks is judged by these: by the seeds that it saw, a lucky candidate would look as good as a good one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

import numpy as np

from scaling_search.analysis.answer import pick_alone
from scaling_search.coefficients import REFERENCES
from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.evidence import Reading
from scaling_search.search.folder import RunFolder
from scaling_search.strategies import STRATEGIES, Optuna, Race, Random, Strategy, Surface
from scaling_search.study.recorded import Recorded, Split, read_recorded, search_recorded, splits

_LEAST = 4
"""Trainings' worth of readings before which nothing is read."""


@dataclass(frozen=True, kw_only=True)
class Regret:
    """Accuracy that picks lose to the table's best by the seeds that were not seen.

    The best is the candidate with the highest mean over all seeds. `regret` is the mean over all searches; 90 % of the
    repeats lie between `regret_low` and `regret_high`.
    """

    regret: float
    regret_low: float
    regret_high: float


@dataclass(frozen=True, kw_only=True)
class Replayed(Regret):
    """What a strategy did with a recorded table, over all repeats. Its picks are those of `analyze`.

    Attributes:
        repeats: each is as many searches as the table has seeds, with another one hidden in each.
        trainings: that were asked for, on average.
        compute: epochs that were asked for, as a fraction of the table's.
        pick: shares of the pick of the first search.
        nearest: the recorded candidate nearest to it; such candidates are judged.
        verdict: of the first search.
        by_means: of the candidates with the best mean top-1 of those that were trained furthest, which is how a
            strategy without a posterior is read. None for one that asks by the posterior.
    """

    strategy: str
    repeats: int
    trainings: float
    compute: float
    pick: tuple[float, float, float]
    nearest: str
    verdict: str
    by_means: Regret | None


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What one search came to."""

    trainings: int
    epochs: int
    shares: tuple[float, float, float]
    nearest: str
    regret: float
    regret_by_means: float


def replay(
    folder: RunFolder, strategies: Sequence[str | Strategy], *, repeats: int = 1, after: Sequence[int] = ()
) -> list[Replayed]:
    """Runs strategies over a run's recorded readings.

    Args:
        strategies: names, or strategies with nothing left open. A name takes the seeds that may be seen and the run's
            epochs; the run's own strategy takes all its settings.
        repeats: with every candidate's seeds in another order each time, and other random numbers where a strategy has
            some; the first is as recorded.
        after: read the searches also where so many whole trainings' epochs are spent, beside their end.

    Returns:
        For each strategy, first where it is read early and last its end.

    Raises:
        InvalidInput: the folder is not a run, or there is no such strategy.
    """
    recorded = read_recorded(folder)
    made = [make_named(one, recorded) if isinstance(one, str) else one for one in strategies]
    cases = [list(splits(recorded, repeat=repeat)) for repeat in range(repeats)]
    return [result for strategy in made for result in _replay(strategy, recorded, cases, sorted(set(after)))]


def make_named(name: str, recorded: Recorded) -> Strategy:
    """A strategy by name, as fine as the table, and with the run's own settings where it is the run's."""
    if name not in STRATEGIES:
        raise InvalidInput(f"there is no strategy {name!r}{nearest_hint(name, STRATEGIES)}")
    kind, seen = STRATEGIES[name], max(1, len(recorded.seeds) - 1)
    settings: dict[str, Any] = {
        "samples": len(recorded.rows), "trials": len(recorded.rows) * seen, "epsilon": recorded.record.question.epsilon,
    }  # fmt: skip
    if kind is Optuna:
        settings |= {"samples": max(1, len(recorded.rows) - len(REFERENCES)), "seeds": 1}
    if recorded.record.strategy.get("strategy") == name:
        settings |= recorded.record.strategy
    settings = {key: value for key, value in settings.items() if key in kind.model_fields and value is not None}
    if kind is not Surface:
        settings["seeds"] = min(settings.get("seeds", seen), seen)
    strategy = parse(kind, settings, origin=f"strategy {name}")
    return strategy.refinements()[-1].with_epochs(recorded.epochs)


def _replay(
    strategy: Strategy, recorded: Recorded, cases: Sequence[Sequence[Split]], after: Sequence[int]
) -> list[Replayed]:
    searches = [
        [(split, search_recorded(_varied(strategy, repeat), recorded, histories=split.seen)) for split in turns]
        for repeat, turns in enumerate(cases)
    ]
    longest = max(len(came) for turns in searches for _, came in turns)
    early = [trainings * recorded.epochs for trainings in after]
    budgets = [budget for budget in early if _LEAST * recorded.epochs <= budget < longest]
    return [
        _summary(
            strategy, recorded,
            [[_pick(strategy, recorded, split, came[:budget]) for split, came in turns] for turns in searches],
            verdict=_verdict(recorded, searches[0][0][1][:budget]),
        )
        for budget in (*budgets, longest)
    ]  # fmt: skip


def _varied(strategy: Strategy, repeat: int) -> Strategy:
    """With other random numbers in each repeat, where it has some."""
    return strategy.model_copy(update={"random": repeat}) if isinstance(strategy, Optuna | Random) else strategy


def _pick(strategy: Strategy, recorded: Recorded, split: Split, came: Sequence[Reading]) -> Picked:
    """The pick that these readings lead to, and what it loses."""
    shares = pick_alone(recorded.trials(came, epochs=_furthest(came, least=_LEAST)))
    nearest, best = recorded.nearest(shares), split.truth[recorded.best]
    return Picked(
        trainings=len({reading.trial for reading in came}),
        epochs=len(came),
        shares=shares,
        nearest=nearest,
        regret=float(best - split.truth[nearest]),
        regret_by_means=float(best - split.truth[_best_mean(strategy, came)]),
    )


def _verdict(recorded: Recorded, came: Sequence[Reading]) -> str:
    return recorded.analyze(came, epochs=_furthest(came, least=_LEAST)).verdict.kind


def _furthest(came: Sequence[Reading], *, least: int) -> int:
    """The most epochs that at least so many trials have."""
    last = sorted((reading.epoch for reading in _last(came)), reverse=True)
    return last[min(least, len(last)) - 1]


def _last(came: Sequence[Reading]) -> list[Reading]:
    """The newest reading of each trial that shows something."""
    return list({reading.trial: reading for reading in came if reading.top1 is not None}.values())


def _best_mean(strategy: Strategy, came: Sequence[Reading]) -> str:
    """The candidate with the best mean top-1 of those that were trained furthest; in a race with the most seeds."""
    epochs = _furthest(came, least=1)
    scores: dict[str, list[float]] = defaultdict(list)
    for reading in _last(came):
        if reading.epoch == epochs and reading.top1 is not None:
            scores[reading.trial.candidate].append(reading.top1)
    most = max(map(len, scores.values())) if isinstance(strategy, Race) else 1
    return max((name for name in scores if len(scores[name]) >= most), key=lambda name: fmean(scores[name]))


def _summary(strategy: Strategy, recorded: Recorded, picks: Sequence[Sequence[Picked]], *, verdict: str) -> Replayed:
    """Over repeats of one pick for each hidden seed."""
    every, first = [pick for turns in picks for pick in turns], picks[0][0]
    by_means = _regret([[pick.regret_by_means for pick in turns] for turns in picks])
    return Replayed(
        strategy=strategy.name,
        repeats=len(picks),
        trainings=fmean(pick.trainings for pick in every),
        compute=fmean(pick.epochs for pick in every) / sum(map(len, recorded.histories.values())),
        pick=first.shares,
        nearest=first.nearest,
        verdict=verdict,
        by_means=None if isinstance(strategy, Surface) else by_means,
        **asdict(_regret([[pick.regret for pick in turns] for turns in picks])),
    )


def _regret(values: Sequence[Sequence[float]]) -> Regret:
    """Of repeats, each over its hidden seeds."""
    means = [fmean(turns) for turns in values]
    low, high = np.quantile(means, [0.05, 0.95])
    return Regret(regret=fmean(means), regret_low=float(low), regret_high=float(high))
