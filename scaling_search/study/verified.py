"""What a verification found: the tables of its trials beside the answer of the run that it verifies."""

from collections.abc import Iterable
from math import isnan
from typing import Any

import pandas as pd

from scaling_search.analysis import Analysis, analyze
from scaling_search.analysis.trials import SHARES, Trials, trials_from_tables
from scaling_search.analysis.verified import Kind, Lost, lost_by, nearest_extent, order_held
from scaling_search.analysis.wording import percent, points
from scaling_search.errors import InvalidInput
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import RunRecord
from scaling_search.search.verification import (
    Division,
    Headline,
    Order,
    OwnGrowth,
    Picked,
    Transfer,
    Verification,
    Verified,
)
from scaling_search.strategies import Compare
from scaling_search.study.answer import Answer
from scaling_search.study.reading import read_trials
from scaling_search.study.tables import read_candidates, read_readings


def verified(folder: RunFolder, answer: Answer, run: RunRecord) -> Verification:
    """What a verification has found so far.

    Raises:
        InvalidInput: the pick or all others have no finished trial yet.
    """
    record = folder.record()
    strategy, epochs, short = record.make_strategy(), record.epochs or 1, run.epochs or 1
    assert isinstance(strategy, Compare)
    extents = (1.0, *strategy.further)
    trials = read_trials(folder)
    level = trials.candidates["macs_ratio"].map(lambda ratio: nearest_extent(float(ratio), record.growth, extents))
    here = _at(trials, level[level == 1.0].index)
    early = _early(trials, here, short)
    names = {str(name): tuple(row) for name, row in trials.candidates["named"].items() if len(row)}
    means, before = _means(here), _means(early)
    pick = next((name for name, parts in names.items() if "pick" in parts and name in means), "")
    if not pick or len(means) < 2:
        raise InvalidInput("the pick and what it is compared with have no finished trials yet: run verify again")
    surface = answer.analysis.surface
    rows = trials.candidates.loc[list(means)]
    expected = dict(zip(means, surface.mean_at(rows[SHARES].to_numpy(float)).tolist(), strict=True))
    lost = lost_by(pick, here)
    kind = lost.kind(run.question.epsilon)
    told = here.groupby("candidate")["top1"].agg(["sem", "size"])
    errors, seeds, costs = told["sem"].to_dict(), told["size"].to_dict(), trials.candidates["macs_ratio"].to_dict()
    networks = tuple(
        Verified(
            names=names[name], candidate=name, shares=_division(rows.loc[[name]]),
            macs_ratio=float(costs[name]), expected=expected[name],
            top1_short=before.get(name), top1=top1, top1_se=_known(errors[name]), seeds=int(seeds[name]),
        )
        for name, top1 in sorted(means.items(), key=lambda item: -item[1])
    )  # fmt: skip
    headline = Headline(
        reported=answer.pick.top1, fresh=before.get(pick), longer=means[pick], longer_se=_known(errors[pick])
    )
    order = _order(expected, means)
    assert order is not None
    ahead = " = ".join(names[lost.to])
    return Verification(
        verdict=kind,
        sentence=_sentence(kind, lost, ahead, headline, order, epochs=(short, epochs)),
        epsilon=run.question.epsilon,
        epochs=(short, epochs),
        seeds=strategy.seeds or 1,
        first_seed=strategy.first_seed,
        headline=headline,
        ahead=ahead,
        lost=lost.lost,
        low=_known(lost.low),
        high=_known(lost.high),
        order=order,
        networks=networks,
        transfer=_transfer(folder, record, answer, run, trials=trials, level=level, short=before, long=means),
    )


def _at(trials: Trials, candidates: Iterable[Any]) -> pd.DataFrame:
    """The finished trials of these candidates."""
    return trials.final[trials.final["candidate"].isin(list(candidates))]


def _means(rows: pd.DataFrame) -> dict[str, float]:
    """Mean accuracy of each candidate."""
    return {str(name): float(top1) for name, top1 in rows.groupby("candidate")["top1"].mean().items()}


def _named(level: "pd.Series[float]", extent: float) -> list[str]:
    """The candidates that were built for an extent."""
    return [str(name) for name in level[level == extent].index]


def _early(trials: Trials, final: pd.DataFrame, epochs: int) -> pd.DataFrame:
    """The same trials where they had the run's epochs."""
    rows = trials.readings[trials.readings["epoch"] == epochs]
    return rows.merge(final[["candidate", "seed"]], on=["candidate", "seed"])


def _division(rows: pd.DataFrame) -> Division:
    depth, width, resolution = rows[SHARES].to_numpy(float)[0].tolist()
    return Division(depth=depth, width=width, resolution=resolution)


def _known(value: float) -> float | None:
    return None if isnan(value) else float(value)


def _order(first: dict[str, float], second: dict[str, float]) -> Order | None:
    held, pairs = order_held(first, second)
    return Order(held=held, pairs=pairs) if pairs else None


def _transfer(
    folder: RunFolder,
    record: RunRecord,
    answer: Answer,
    run: RunRecord,
    *,
    trials: Trials,
    level: "pd.Series[float]",
    short: dict[str, float],
    long: dict[str, float],
) -> Transfer:
    """The pick under the run's conditions, with fresh seeds, after longer trainings, with networks of other growths."""
    run_epochs, epochs = run.epochs or 1, record.epochs or 1
    pick, growth = answer.pick, run.growth
    picks = [
        Picked(of="run", epochs=run_epochs, growth=growth, shares=_shares(answer.analysis),
               expected_loss=pick.expected_loss)
    ]  # fmt: skip
    named = _named(level, 1.0)
    for of, at in (("fresh seeds", run_epochs), ("longer", epochs)):
        found = _analyzed(folder, record, named, growth=growth, epochs=at)
        if found is not None:
            picks.append(_picked(of, found, epochs=at, growth=growth))
    strategy = record.make_strategy()
    assert isinstance(strategy, Compare)
    across = own = None
    for extent in strategy.further:
        others, reached = _named(level, extent), growth**extent
        found = _analyzed(folder, record, others, growth=reached, epochs=epochs)
        if found is None:
            continue
        picks.append(_picked("larger" if extent > 1 else "own growth", found, epochs=epochs, growth=reached))
        if extent > 1:
            across = _across(trials, named, others, long)
        else:
            own = _own_growth(found, answer, growth=reached)
    return Transfer(
        picks=tuple(picks), order_by_length=_order(short, long), order_by_growth=across, own_growth=own,
        distance=_distance(trials.candidates),
    )  # fmt: skip


def _own_growth(found: Analysis, answer: Answer, *, growth: float) -> OwnGrowth:
    """The run's pick by the answer of the networks of that growth."""
    there = found.decision.at(answer.pick.shares)
    loss = float(there["expected_loss"])
    if loss <= found.decision.epsilon:
        return OwnGrowth(growth=growth, loss=loss, agree="yes")
    return OwnGrowth(growth=growth, loss=loss, agree="unknown" if there["inside"] else "no")


def _distance(candidates: pd.DataFrame) -> float | None:
    """MACs of the full-size pick over those of its stand-in."""
    own = candidates[["pick" in names for names in candidates["named"]]]
    if own.empty or "full_macs" not in own:
        return None
    return float(own["full_macs"].iloc[0] / own["macs"].iloc[0])


def _across(trials: Trials, smaller: list[str], larger: list[str], long: dict[str, float]) -> Order | None:
    """Pairs of divisions whose order held from the smaller to the larger networks; each is known by what was asked."""
    asked = trials.candidates[[f"nominal_{name}" for name in SHARES]].round(6).apply(tuple, axis=1).to_dict()
    above = _means(_at(trials, larger))
    first = {str(asked[name]): long[name] for name in smaller if name in long}
    return _order(first, {str(asked[name]): top1 for name, top1 in above.items()})


def _analyzed(
    folder: RunFolder, record: RunRecord, candidates: list[str], *, growth: float, epochs: int
) -> Analysis | None:
    """The answer of these candidates alone; None where nothing has finished."""
    table, readings = read_candidates(folder.candidates), read_readings(folder.path / "trials.csv")
    try:
        trials = trials_from_tables(
            table[table["candidate"].isin(candidates)], readings[readings["candidate"].isin(candidates)],
            growth=growth, classes=record.data.classes, epochs=epochs, validation=record.data.val,
        )  # fmt: skip
        return analyze(trials, epsilon=record.question.epsilon)
    except InvalidInput:
        return None


def _shares(analysis: Analysis) -> Division:
    depth, width, resolution = analysis.pick.shares.as_tuple()
    return Division(depth=depth, width=width, resolution=resolution)


def _picked(of: Any, found: Analysis, *, epochs: int, growth: float) -> Picked:
    return Picked(
        of=of, epochs=epochs, growth=growth, shares=_shares(found), expected_loss=found.pick.expected_loss
    )  # fmt: skip


def _sentence(kind: Kind, lost: Lost, ahead: str, headline: Headline, order: Order, *, epochs: tuple[int, int]) -> str:
    """In words."""
    sure = "" if isnan(lost.low) else f" (95 %: {points(lost.low)} to {points(lost.high)})"
    apart = f"{points(abs(lost.lost))} points {'less than' if lost.lost > 0 else 'more than'} {ahead}{sure}"
    says = {"held": "Held", "changed": "Changed", "not told apart": "Not told apart"}[kind]
    error = float("nan") if headline.longer_se is None else headline.longer_se
    fresh = "" if headline.fresh is None else f", {percent(headline.fresh)} with fresh seeds after {epochs[0]}"
    return (
        f"{says}: with fresh seeds and {epochs[1]} epochs the pick reaches {percent(headline.longer, error)}, {apart}; "
        f"{order.held} of {order.pairs} pairs have the order that the run expected. The run said "
        f"{percent(headline.reported)}{fresh}."
    )
