"""A strategy over recorded readings: a whole search in a fraction of a second, nothing trained.

The strategy sees only what it asked for, through the same driver as a real search. A point that was never trained
stands for the recorded candidate nearest to it.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.analysis import Analysis, analyze
from scaling_search.analysis.trials import Trials
from scaling_search.coefficients import REFERENCES, Coefficients, Multipliers, Shares
from scaling_search.configuration import parse
from scaling_search.errors import InvalidInput, nearest_hint
from scaling_search.evidence import Division, Proposal, Reading, Realised, Trial
from scaling_search.search.driver import Driver
from scaling_search.search.executors import Replay
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import JOURNAL, Readings, read_entries
from scaling_search.search.record import RunRecord
from scaling_search.strategies import STRATEGIES, Decision, Lattice, Optuna, Point, Strategy, Surface
from scaling_search.study.listing import FINEST_PARTS
from scaling_search.study.reading import make_trials, readings_table
from scaling_search.study.tables import read_candidates


@dataclass(frozen=True, kw_only=True)
class Row:
    """A candidate of a recorded table."""

    id: str
    coefficients: Coefficients
    effective: Division
    macs_ratio: float

    @property
    def key(self) -> str:
        return self.id

    @property
    def shares(self) -> Shares:
        """What was asked for."""
        return self.coefficients.shares()

    @property
    def realised(self) -> Realised:
        """What came of it."""
        return Realised(self.effective, self.macs_ratio)

    def with_id(self, name: str) -> "Row":
        """Itself: a recorded candidate keeps its id."""
        assert name == self.id
        return self


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A run's tables, as something to search in.

    Attributes:
        table: candidates.csv.
        rows: its candidates, in their order.
        histories: the readings of each trial.
    """

    record: RunRecord
    table: pd.DataFrame
    rows: tuple[Row, ...]
    histories: Mapping[Trial, tuple[Reading, ...]]

    @property
    def seeds(self) -> list[int]:
        """That were trained, in their order."""
        return sorted({trial.seed for trial in self.histories})

    @property
    def epochs(self) -> int:
        """Of the longest trial."""
        return self.record.epochs or max(history[-1].epoch for history in self.histories.values())

    def candidate(self, point: Point) -> Row:
        """The recorded candidate nearest to a point, in what was asked for."""
        wanted = np.array(point.shares.as_tuple())
        return min(self.rows, key=lambda row: float(np.abs(np.array(row.shares.as_tuple()) - wanted).sum()))

    def analyze(self, readings: Sequence[Reading], *, epochs: int | None) -> Analysis:
        """The answer that these readings of the table give, of trials of so many epochs."""
        return analyze(self.trials(readings, epochs=epochs), epsilon=self.record.question.epsilon)

    def trials(self, readings: Sequence[Reading], *, epochs: int | None = None) -> Trials:
        """These readings with the table's candidates, for the analysis; None are the run's own epochs."""
        return make_trials(self.table, readings_table(readings), self.record, epochs=epochs)

    def means(self) -> pd.Series:
        """Mean top-1 of each candidate over all recorded seeds: what a replay's pick is judged by."""
        everything = [reading for history in self.histories.values() for reading in history]
        return self.trials(everything).final.groupby("candidate")["top1"].mean()


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What a strategy did with a recorded table, over all repeats.

    Attributes:
        trainings: asked for, on average.
        compute: epochs asked for, as a fraction of the table's.
        pick: shares of the first repeat's pick.
        nearest: the recorded candidate nearest to it.
        verdict: of the first repeat.
        regret: accuracy that the candidates nearest to the picks lose to the table's best, by the means over all its
            seeds, on average; regret_low and regret_high hold 90 % of the repeats.
    """

    strategy: str
    repeats: int
    trainings: float
    compute: float
    pick: tuple[float, float, float]
    nearest: str
    verdict: str
    regret: float
    regret_low: float
    regret_high: float


def read_recorded(folder: RunFolder) -> Recorded:
    """The tables of a run. No network is realised.

    Raises:
        InvalidInput: the folder is not a run, or nothing was trained in it.
    """
    record, table = folder.record(), read_candidates(folder.candidates)
    readings = Readings()
    for entry in read_entries(folder.path / JOURNAL):
        if not isinstance(entry, Proposal):
            readings.add(entry)
    if not list(readings.readings()):
        raise InvalidInput(f"{folder.path} has no readings to replay")
    rows = tuple(map(_row, table.to_dict("records")))
    return Recorded(record=record, table=table, rows=rows, histories=readings.evidence({}).histories)


def _row(line: Mapping[Hashable, Any]) -> Row:
    asked = Coefficients(**{name: float(line[name]) for name in ("alpha", "beta", "gamma")})
    built = Multipliers(**{axis: float(line[f"effective_{axis}"]) for axis in ("depth", "width", "resolution")})
    return Row(
        id=str(line["candidate"]),
        coefficients=asked,
        effective=(built.shares() or asked.shares()).as_tuple(),
        macs_ratio=float(line["macs_ratio"]),
    )


def replay(folder: RunFolder, strategies: Sequence[str | Strategy], *, repeats: int = 1) -> list[Replayed]:
    """Runs strategies over a run's recorded readings.

    Args:
        strategies: names, or strategies with nothing left open. A name takes the run's seeds and epochs; the run's own
            strategy takes all its settings.
        repeats: with the recorded seeds in another order each time, and other random numbers where a strategy has some;
            the first is as recorded.

    Raises:
        InvalidInput: the folder is not a run, or there is no such strategy.
    """
    recorded = read_recorded(folder)
    means = recorded.means()
    made = [make_named(one, recorded) if isinstance(one, str) else one for one in strategies]
    return [_replay(strategy, recorded, means, repeats=repeats) for strategy in made]


def search_recorded(strategy: Strategy, recorded: Recorded, *, repeat: int = 0) -> list[Reading]:
    """One search: all readings that the strategy asked for, under the seeds that it asked for."""
    train = Replay(_reordered(recorded, repeat))
    start = dict.fromkeys(recorded.candidate(point).id for point in strategy.points())
    order = [row for row in recorded.rows if row.id in start]
    journal = Readings()
    driver = Driver(
        strategy, recorded, order, journal=journal, checkpoints=Path("none"), write=lambda rows: None
    )  # fmt: skip
    while not isinstance(ask := driver.ask(), Decision):
        for reading in train(ask):
            driver.tell(reading)
        driver.release(ask)
    return list(journal.readings())


def make_named(name: str, recorded: Recorded) -> Strategy:
    """A strategy by name, with the run's seeds and epochs, and the run's own settings where it is the run's."""
    if name not in STRATEGIES:
        raise InvalidInput(f"there is no strategy {name!r}{nearest_hint(name, STRATEGIES)}")
    settings: dict[str, object] = {"seeds": len(recorded.seeds), "epochs": recorded.epochs}
    if STRATEGIES[name] is Surface:  # it decides itself how many seeds a division gets, and when to stop
        settings |= {"seeds": None, "trials": len(recorded.histories), "epsilon": recorded.record.question.epsilon}
    if recorded.record.strategy.get("strategy") == name:
        settings = {**recorded.record.strategy, **settings}
    kind = STRATEGIES[name]
    strategy = parse(kind, settings, origin=f"strategy {name}")
    if isinstance(strategy, Lattice) and strategy.parts is None:
        strategy = strategy.model_copy(update={"parts": FINEST_PARTS})
    if isinstance(strategy, Optuna) and "samples" not in settings:
        strategy = strategy.model_copy(update={"samples": max(1, len(recorded.rows) - len(REFERENCES))})
    return strategy


def _reordered(recorded: Recorded, repeat: int) -> dict[Trial, tuple[Reading, ...]]:
    """The recorded trials with the seeds in another order; as recorded at first."""
    seeds = recorded.seeds
    order = seeds if repeat == 0 else np.random.default_rng(repeat).permutation(seeds).tolist()
    names = dict(zip(seeds, order, strict=True))
    found = {}
    for trial, history in recorded.histories.items():
        new = Trial(candidate=trial.candidate, seed=names[trial.seed])
        found[new] = tuple(replace(reading, trial=new) for reading in history)
    return found


def _replay(strategy: Strategy, recorded: Recorded, means: pd.Series, *, repeats: int) -> Replayed:
    trainings, epochs, regrets, analyses = [], [], [], []
    for repeat in range(repeats):
        varied = strategy.model_copy(update={"random": repeat}) if isinstance(strategy, Optuna) else strategy
        readings = search_recorded(varied, recorded, repeat=repeat)
        analysis = recorded.analyze(readings, epochs=strategy.epochs)
        trainings.append(len({reading.trial for reading in readings}))
        epochs.append(len(readings))
        regrets.append(float(means.max() - means[analysis.pick.candidate]))
        analyses.append(analysis)
    low, high = np.quantile(regrets, [0.05, 0.95])
    first = analyses[0]
    return Replayed(
        strategy=strategy.name,
        repeats=repeats,
        trainings=fmean(trainings),
        compute=fmean(epochs) / sum(len(history) for history in recorded.histories.values()),
        pick=first.pick.shares.as_tuple(),
        nearest=first.pick.candidate,
        verdict=first.verdict.kind,
        regret=fmean(regrets),
        regret_low=float(low),
        regret_high=float(high),
    )
