"""A run's tables as something to search in: what it trained stands in for training."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import ne
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.analysis import Analysis, analyze
from scaling_search.analysis.trials import Trials
from scaling_search.coefficients import Coefficients, Multipliers, Shares
from scaling_search.errors import InvalidInput
from scaling_search.evidence import Choices, Division, Proposal, Reading, Realised, Trial
from scaling_search.search.driver import Driver
from scaling_search.search.executors import Replay
from scaling_search.search.folder import RunFolder
from scaling_search.search.journal import JOURNAL, Readings, read_entries
from scaling_search.search.listener import Listener
from scaling_search.search.record import RunRecord
from scaling_search.strategies import Decision, Point, Strategy
from scaling_search.strategies.points import shares_or_even
from scaling_search.study.reading import make_trials, readings_table
from scaling_search.study.tables import read_candidates

Histories = Mapping[Trial, tuple[Reading, ...]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A candidate of a recorded table."""

    id: str
    coefficients: Coefficients
    effective: Division
    macs_ratio: float
    choices: Choices = ()

    @property
    def key(self) -> str:
        return self.id

    @property
    def shares(self) -> Shares:
        """What was asked for."""
        return shares_or_even(self.coefficients)

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
        base: those of the unscaled network, where it was trained: a search has them before it asks.
    """

    record: RunRecord
    table: pd.DataFrame
    rows: tuple[Row, ...]
    histories: Histories
    base: tuple[Reading, ...] = ()

    @property
    def seeds(self) -> list[int]:
        """That were trained, in their order."""
        return sorted({trial.seed for trial in self.histories})

    @property
    def epochs(self) -> int:
        """Of the longest trial."""
        return self.record.epochs or max(history[-1].epoch for history in self.histories.values())

    def candidate(self, point: Point) -> Row:
        """The recorded candidate nearest to a point, in what was asked for; in a space of stages, by answers."""
        if point.choices:
            return min(self.rows, key=lambda row: sum(map(ne, row.choices, point.choices)))
        wanted = np.array(point.shares.as_tuple())
        return min(self.rows, key=lambda row: float(np.abs(np.array(row.shares.as_tuple()) - wanted).sum()))

    def analyze(self, readings: Sequence[Reading], *, epochs: int | None) -> Analysis:
        """The answer that these readings of the table give, of trials of so many epochs."""
        return analyze(self.trials(readings, epochs=epochs), epsilon=self.record.question.epsilon)

    def trials(self, readings: Sequence[Reading], *, epochs: int | None = None) -> Trials:
        """These readings with the table's candidates, for the analysis; None are the run's own epochs."""
        return make_trials(self.table, readings_table([*self.base, *readings]), self.record, epochs=epochs)

    def nearest(self, shares: Division) -> str:
        """The candidate that came nearest to these shares, among those that were trained."""
        trained = [row for row in self.rows if row.id in self.everything.index]
        return min(trained, key=lambda row: float(np.abs(np.subtract(row.effective, shares)).sum())).id

    @cached_property
    def ends(self) -> Mapping[Trial, float]:
        """Top-1 of each trial where trials are compared; those that failed are left out."""
        everything = [reading for history in self.histories.values() for reading in history]
        final = self.trials(everything).final
        names = zip(final["candidate"], final["seed"], strict=True)
        trials = [Trial(candidate=str(name), seed=int(seed)) for name, seed in names]
        return dict(zip(trials, final["top1"].tolist(), strict=True))

    @cached_property
    def everything(self) -> pd.Series:
        """Mean top-1 of each candidate over all recorded trials."""
        return self.means(self.ends)

    @property
    def best(self) -> str:
        """The candidate with the highest mean over all recorded seeds."""
        return str(self.everything.idxmax())

    def means(self, trials: Iterable[Trial]) -> pd.Series:
        """Mean top-1 of each candidate over these trials, as they end."""
        scores: dict[str, list[float]] = defaultdict(list)
        for trial in sorted(trials):
            if trial in self.ends:
                scores[trial.candidate].append(self.ends[trial])
        return pd.Series({name: fmean(values) for name, values in scores.items()}, dtype=float)


@dataclass(frozen=True, kw_only=True)
class Split:
    """What of a table a strategy may see, and what its pick is judged by.

    Attributes:
        seen: trials under new seeds, counted from 0.
        truth: top-1 of each candidate over the trials that are not seen; where there is none, over all of them.
    """

    seen: Histories
    truth: pd.Series


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
    evidence = readings.evidence({})
    base = tuple(reading for trial in sorted(evidence.unscaled) for reading in evidence.unscaled[trial])
    return Recorded(record=record, table=table, rows=_rows(table), histories=evidence.histories, base=base)


def candidate_rows(folder: RunFolder) -> tuple[Row, ...]:
    """The candidates of a run, in their order. No network is realised."""
    return _rows(read_candidates(folder.candidates))


def _rows(table: pd.DataFrame) -> tuple[Row, ...]:
    return tuple(map(_row, table.to_dict("records")))


def _row(line: Mapping[Hashable, Any]) -> Row:
    asked = Coefficients(**{name: float(line[name]) for name in ("alpha", "beta", "gamma")})
    built = Multipliers(**{axis: float(line[f"effective_{axis}"]) for axis in ("depth", "width", "resolution")})
    return Row(
        id=str(line["candidate"]),
        coefficients=asked,
        effective=(built.shares() or shares_or_even(asked)).as_tuple(),
        macs_ratio=float(line["macs_ratio"]),
        choices=tuple(map(int, filter(None, str(line.get("choices", "")).split("-")))),
    )


def splits(recorded: Recorded, *, repeat: int) -> Iterator[Split]:
    """One split for each recorded seed, which is hidden in it.

    Which of a candidate's trainings goes by which seed is drawn for each candidate on its own: what a seed gives to all
    candidates alike becomes noise, and a table of three seeds gives endless searches. Repeat 0 is as recorded.
    """
    everything = recorded.everything
    orders = {row.id: _order(recorded, row.id, repeat) for row in recorded.rows}
    for turn in range(len(recorded.seeds)):
        seen: dict[Trial, tuple[Reading, ...]] = {}
        hidden = []
        for name, seeds in orders.items():
            out = seeds[turn % len(seeds)] if len(seeds) > 1 else None
            hidden += [Trial(candidate=name, seed=out)] if out is not None else []
            for place, seed in enumerate(seed for seed in seeds if seed != out):
                new = Trial(candidate=name, seed=place)
                history = recorded.histories[Trial(candidate=name, seed=seed)]
                seen[new] = tuple(replace(reading, trial=new) for reading in history)
        truth = recorded.means(hidden).reindex(everything.index).fillna(everything)
        yield Split(seen=seen, truth=truth)


def _order(recorded: Recorded, name: str, repeat: int) -> list[int]:
    """The seeds of a candidate in the order of this repeat."""
    seeds = sorted(trial.seed for trial in recorded.histories if trial.candidate == name)
    if repeat == 0 or not seeds:
        return seeds
    stream = [repeat, [row.id for row in recorded.rows].index(name)]
    return [int(seed) for seed in np.random.default_rng(stream).permutation(seeds)]


def search_recorded(strategy: Strategy, recorded: Recorded, *, histories: Histories | None = None) -> list[Reading]:
    """One search: all readings that the strategy asked for, in the order in which they came.

    Args:
        histories: the trials that may be seen; None are those that were recorded.
    """
    seen = recorded.histories if histories is None else histories
    train = Replay(seen)
    start = dict.fromkeys(recorded.candidate(point).id for point in strategy.points())
    order = [row for row in recorded.rows if row.id in start]
    journal = Readings()
    for reading in recorded.base:
        journal.add(reading)
    driver = Driver(strategy, recorded, order, journal=journal, checkpoints=Path("none"), write=lambda rows: None)
    came = Arrivals(seen)
    driver.listeners = [came]
    while not isinstance(ask := driver.ask(), Decision):
        for reading in train(ask):
            driver.tell(reading)
        driver.release(ask)
    return came.readings


class Arrivals(Listener):
    """Readings in the order in which they came, each once; none of trials that there are not."""

    def __init__(self, seen: Histories) -> None:
        self.readings: list[Reading] = []
        self._seen = seen

    def on_reading(self, reading: Reading) -> None:
        if reading.trial in self._seen:
            self.readings.append(reading)
