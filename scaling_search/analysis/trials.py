"""The tables of a search, as far as they are written: candidates, readings, and how each trial ended."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED

SHARES = ["share_depth", "share_width", "share_resolution"]
EFFECTIVE = ["effective_depth", "effective_width", "effective_resolution"]
_CANDIDATE_COLUMNS = {"candidate", *SHARES, *EFFECTIVE, "named", "macs", "macs_ratio"}
_TRIAL_COLUMNS = {"candidate", "seed", "epoch", "images_seen", "val_loss", "top1", "status", "reason"}
_STATUSES = ("running", "paused", "done", "stopped", "failed")
_SMALLEST_GROWTH = 0.05  # ln of a realised growth below 5 % cannot be divided into shares: what was asked stands for it
_COMPARED = 0.6  # of the growth, in logarithms; cheaper candidates are anchors: they show the effect of cost
_REASONS = 3


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What a search holds so far.

    `candidates` is indexed by candidate, with the effective shares in SHARES (what was asked is in nominal_…) and the
    references it stands for as a tuple in `named`. `final` has a row for each trial that has the reading it is compared
    at (after `epochs`, at most), whether it goes on, is paused or done; `readings` has these trials' rows up to there.
    `failed` and `stopped` are the last rows of trials that ended before; `unfinished` counts those that may get there.
    `unscaled` has such rows of the proxies' base itself, where it was trained: `candidates`, `final` and `readings` are
    without it. `longer` has the rows of trials that went on to the longer of two lengths, there. `growth` is the cost
    over the base's that was asked for, `classes` those of the data, `validation` its images.
    """

    candidates: pd.DataFrame
    readings: pd.DataFrame
    final: pd.DataFrame
    failed: pd.DataFrame
    stopped: pd.DataFrame
    unscaled: pd.DataFrame
    longer: pd.DataFrame
    unfinished: int
    epochs: int
    growth: float | None
    classes: int | None
    validation: int | None

    @cached_property
    def compared(self) -> list[str]:
        """Candidates with a final reading that got enough of the growth to be compared with the others."""
        anchors = set(self.anchors)
        return [name for name in self._trained if name not in anchors]

    @cached_property
    def anchors(self) -> list[str]:
        """Candidates with a final reading and much less of the growth, as the base itself; none if they are most."""
        ratio = self.candidates.loc[self._trained, "macs_ratio"]
        wanted = float(np.log(self.growth or ratio.median()))
        if abs(wanted) < _SMALLEST_GROWTH:
            return []
        cheap = [str(name) for name in ratio.index[np.log(ratio) / wanted < _COMPARED]]
        return cheap if len(cheap) < len(ratio) / 2 else []

    @cached_property
    def target_ratio(self) -> float:
        """Realised MACs against the base at which candidates are compared: the growth, or the nearest to it."""
        trained = self.candidates.loc[self.compared, "macs_ratio"]
        return float(np.clip(self.growth or trained.median(), trained.min(), trained.max()))

    @cached_property
    def _trained(self) -> list[str]:
        there = set(self.final["candidate"])
        return [str(name) for name in self.candidates.index if name in there]


def trials_from_tables(
    candidates: pd.DataFrame, readings: pd.DataFrame, *, growth: float | None = None, classes: int | None = None,
    epochs: int | None = None, longer: int | None = None, validation: int | None = None,
) -> Trials:  # fmt: skip
    """The trials in two tables with the columns of candidates.csv and trials.csv.

    Args:
        candidates: one row a candidate. A row of the proxies' base itself (candidate «base», its shares empty) may be
            there and says nothing: it is the base whatever else stands in it.
        readings: one row a candidate, seed and epoch; rows that cannot be read (a half-written last one) are left out.
            Those of «base» are the base's.
        growth: cost at which candidates are compared, over the base's; the median of the trained ones by default.
        classes: classes of the data, for what guessing would reach.
        epochs: trials are compared after so many; None: each at its end. A trial that went on counts with its reading
            then.
        longer: the epochs that some trials went on to; None: none did.
        validation: images that an accuracy is counted on.

    Raises:
        InvalidInput: a column is missing, or no trial has got to these epochs.
    """
    _check_columns(candidates, _CANDIDATE_COLUMNS, "the table of candidates")
    _check_columns(readings, _TRIAL_COLUMNS, "the table of trials")
    known = _with_effective_shares(candidates[candidates["candidate"] != UNSCALED])
    rows = readings[readings["status"].isin(_STATUSES) & readings["candidate"].isin([*known.index, UNSCALED])]
    last = rows.groupby(["candidate", "seed"], as_index=False).tail(1)
    read = rows[rows["top1"].notna() & ~rows["status"].isin(["failed", "stopped"])]
    read = read.drop_duplicates(["candidate", "seed", "epoch"], keep="last")
    final = _at_the_end(read, last) if epochs is None else read[read["epoch"] == epochs]
    keys = pd.MultiIndex.from_frame(final[["candidate", "seed"]])
    ended = last[~pd.MultiIndex.from_frame(last[["candidate", "seed"]]).isin(keys)]
    base = final["candidate"] == UNSCALED
    unscaled, final = (final[here].reset_index(drop=True) for here in (base, ~base))
    if final.empty:
        raise InvalidInput(_nothing_finished(ended))
    until = final[["candidate", "seed", "epoch"]].rename(columns={"epoch": "until"})
    kept = read.merge(until, on=["candidate", "seed"])
    return Trials(
        candidates=known,
        readings=kept[kept["epoch"] <= kept["until"]].drop(columns="until"),
        final=final,
        failed=ended[ended["status"] == "failed"].reset_index(drop=True),
        stopped=ended[ended["status"] == "stopped"].reset_index(drop=True),
        unscaled=unscaled,
        longer=read[(read["epoch"] == (longer or -1)) & (read["candidate"] != UNSCALED)].reset_index(drop=True),
        unfinished=int((ended["status"].isin(["running", "paused", "done"]) & (ended["candidate"] != UNSCALED)).sum()),
        epochs=int(final["epoch"].max()),
        growth=growth,
        classes=classes,
        validation=validation,
    )


def _check_columns(table: pd.DataFrame, needed: set[str], origin: str) -> None:
    missing = sorted(needed - set(table.columns))
    if missing:
        raise InvalidInput(f"{origin} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")


def _at_the_end(read: pd.DataFrame, last: pd.DataFrame) -> pd.DataFrame:
    """The last reading of each trial that is paused or done."""
    ends = last.loc[last["status"].isin(["paused", "done"]), ["candidate", "seed"]]
    return read.merge(ends, on=["candidate", "seed"]).groupby(["candidate", "seed"], as_index=False).tail(1)


def _nothing_finished(ended: pd.DataFrame) -> str:
    failed = ended[ended["status"] == "failed"]
    if len(failed) and len(failed) == len(ended):
        return f"no finished trial: all {len(failed)} failed, {reasons(failed)}"
    return "no finished trial yet: go on with `scaling-search resume`"


def reasons(failed: pd.DataFrame) -> str:
    """Why trials failed, the most frequent first: «3 × out of memory; 1 × …»."""
    counts = failed["reason"].fillna("no reason given").value_counts()
    shown = "; ".join(f"{count} × {reason}" for reason, count in counts.head(_REASONS).items())
    return shown + ("; …" if len(counts) > _REASONS else "")


def _with_effective_shares(candidates: pd.DataFrame) -> pd.DataFrame:
    """Shares of what was built take the place of what was asked: (ln d, 2 ln w, 2 ln r) over their sum."""
    logs = np.log(candidates[EFFECTIVE].to_numpy(float))
    growth = logs * (1, 2, 2)  # depth counts once in the cost, width and resolution twice
    total = growth.sum(axis=1, keepdims=True)
    measurable = np.abs(total) >= _SMALLEST_GROWTH
    shares = np.clip(growth / np.where(measurable, total, 1), 0, None)
    shares = shares / np.where(measurable, shares.sum(axis=1, keepdims=True), 1)
    asked = candidates[SHARES].to_numpy(float)
    table = candidates.rename(columns={name: f"nominal_{name}" for name in SHARES})
    table[SHARES] = np.where(measurable, shares, asked)
    names = candidates["named"].fillna("").astype(str)
    table["named"] = [tuple(name for name in text.split(";") if name) for text in names]
    return table.drop_duplicates("candidate", keep="last").set_index("candidate")
