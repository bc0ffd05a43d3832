"""The tables of a search, as far as they are written: candidates, readings, and how each trial ended."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scaling_search.errors import InvalidInput

SHARES = ["share_depth", "share_width", "share_resolution"]
_CANDIDATE_COLUMNS = {"candidate", *SHARES, "named", "macs", "macs_ratio"} | {
    f"effective_{axis}" for axis in ("depth", "width", "resolution")
}
_TRIAL_COLUMNS = {"candidate", "seed", "epoch", "images_seen", "val_loss", "top1", "status", "reason"}
_STATUSES = ("running", "paused", "done", "stopped", "failed")
_SMALLEST_GROWTH = 0.05  # ln of a realised growth below 5 % cannot be divided into shares: what was asked stands for it


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What a search has brought so far.

    `candidates` is indexed by candidate, with the effective shares in SHARES (what was asked is in nominal_…);
    `readings` has a row for each epoch of the trials that are compared, `final` the one that they are compared at,
    `failed` and `stopped` the last row of the others that ended; `unfinished` counts the trials that had begun and have
    not come so far. `growth` is the realised cost over the base's that was asked for, `classes` those of the data,
    `validation` the number of validation images; None where it is not known.
    """

    candidates: pd.DataFrame
    readings: pd.DataFrame
    final: pd.DataFrame
    failed: pd.DataFrame
    stopped: pd.DataFrame
    unfinished: int
    growth: float | None
    classes: int | None
    validation: int | None

    @property
    def target_ratio(self) -> float:
        """Realised MACs against the base at which candidates are compared: the growth or the nearest to it."""
        trained = self.candidates.loc[self.final["candidate"].unique(), "macs_ratio"]
        wanted = self.growth or float(trained.median())
        return float(np.clip(wanted, trained.min(), trained.max()))


def trials_from_tables(
    candidates: pd.DataFrame,
    readings: pd.DataFrame,
    *,
    growth: float | None = None,
    classes: int | None = None,
    epochs: int | None = None,
    validation: int | None = None,
) -> Trials:
    """The tables of a search made ready for the analysis.

    Args:
        candidates: a row each, with the columns of candidates.csv.
        readings: a row for each epoch of each trial, with the columns of trials.csv.
        growth: realised cost over the base's at which candidates are compared.
        classes: of the data.
        epochs: at which trials are compared; None: each at its end. A trial that went on counts with its reading then.
        validation: number of validation images.

    Raises:
        InvalidInput: a column is missing, or no trial has finished.
    """
    _check_columns(candidates, _CANDIDATE_COLUMNS, "the table of candidates")
    _check_columns(readings, _TRIAL_COLUMNS, "the table of trials")
    placed = _with_effective_shares(candidates)
    rows = readings[readings["status"].isin(_STATUSES) & readings["candidate"].isin(placed.index)]
    rows = rows.drop_duplicates(["candidate", "seed", "epoch", "status"], keep="last")
    last = rows.groupby(["candidate", "seed"], as_index=False).tail(1)
    final = _compared(rows, last, epochs)
    if final.empty:
        raise InvalidInput("no finished trial yet: go on with `scaling-search resume`")
    kept = rows.merge(final[["candidate", "seed", "epoch"]], on=["candidate", "seed"], suffixes=("", "_compared"))
    kept = kept[(kept["epoch"] <= kept["epoch_compared"]) & kept["status"].isin(["running", "paused", "done"])]
    return Trials(
        candidates=placed,
        readings=kept.drop(columns="epoch_compared"),
        final=final.reset_index(drop=True),
        failed=last[last["status"] == "failed"].reset_index(drop=True),
        stopped=last[last["status"] == "stopped"].reset_index(drop=True),
        unfinished=len(last) - len(final) - int(last["status"].isin(["failed", "stopped"]).sum()),
        growth=growth,
        classes=classes,
        validation=validation,
    )


def _compared(rows: pd.DataFrame, last: pd.DataFrame, epochs: int | None) -> pd.DataFrame:
    """The row at which each trial is compared; a trial that failed or was stopped has none."""
    alive = last[last["status"].isin(["running", "paused", "done"])]
    if epochs is None:
        return alive[alive["status"].isin(["paused", "done"]) & alive["top1"].notna()]
    at = rows[(rows["epoch"] == epochs) & rows["top1"].notna()].drop_duplicates(["candidate", "seed"], keep="last")
    return at.merge(alive[["candidate", "seed"]], on=["candidate", "seed"])


def _check_columns(table: pd.DataFrame, needed: set[str], name: str) -> None:
    missing = sorted(needed - set(table.columns))
    if missing:
        raise InvalidInput(f"{name} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")


def _with_effective_shares(candidates: pd.DataFrame) -> pd.DataFrame:
    """Shares of what was built take the place of what was asked: (ln d, 2 ln w, 2 ln r) over their sum."""
    logs = np.log(candidates[["effective_depth", "effective_width", "effective_resolution"]].to_numpy(float))
    growth = logs * (1, 2, 2)  # depth counts once in the cost, width and resolution twice
    total = growth.sum(axis=1, keepdims=True)
    measurable = np.abs(total) >= _SMALLEST_GROWTH
    shares = np.clip(growth / np.where(measurable, total, 1), 0, None)
    shares = shares / np.where(measurable, shares.sum(axis=1, keepdims=True), 1)
    asked = candidates[SHARES].to_numpy(float)
    table = candidates.rename(columns={name: f"nominal_{name}" for name in SHARES})
    table[SHARES] = np.where(measurable, shares, asked)
    table["named"] = table["named"].fillna("")
    return table.drop_duplicates("candidate", keep="last").set_index("candidate")
