"""The tables of a run folder, as far as they are written: candidates, readings, and how each trial ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.configuration import read_yaml
from scaling_search.errors import InvalidInput

SHARES = ["share_depth", "share_width", "share_resolution"]
_CANDIDATE_COLUMNS = {"candidate", *SHARES, "named", "macs", "macs_ratio"} | {
    f"effective_{axis}" for axis in ("depth", "width", "resolution")
}
_TRIAL_COLUMNS = {"candidate", "seed", "epoch", "images_seen", "val_loss", "top1", "status", "reason"}
_STATUSES = ("running", "done", "stopped", "failed")
_SMALLEST_GROWTH = 0.05  # ln of a realised growth below 5 % cannot be divided into shares: what was asked stands for it


@dataclass(frozen=True, kw_only=True)
class Trials:
    """What a run folder holds so far.

    `candidates` is indexed by candidate, with the effective shares in SHARES (what was asked is in nominal_…);
    `readings` has a row for each epoch of the finished trials, `final` their last one, `failed` and `stopped` the last
    row of the others that ended; `unfinished` counts the trials that had begun and have not ended.
    """

    settings: Mapping[str, Any]
    candidates: pd.DataFrame
    readings: pd.DataFrame
    final: pd.DataFrame
    failed: pd.DataFrame
    stopped: pd.DataFrame
    unfinished: int

    @property
    def classes(self) -> int | None:
        """Number of classes of the data, where run.yaml says it."""
        classes = (self.settings.get("dataset") or {}).get("classes")
        return classes if isinstance(classes, int) else None

    @property
    def target_ratio(self) -> float:
        """Realised MACs against the base at which candidates are compared: run.yaml's growth or the nearest to it."""
        trained = self.candidates.loc[self.final["candidate"].unique(), "macs_ratio"]
        wanted = float(self.settings.get("growth") or trained.median())
        return float(np.clip(wanted, trained.min(), trained.max()))


def read_trials(run: Path) -> Trials:
    """Reads run.yaml, candidates.csv and trials.csv; a half-written last row is left out.

    Raises:
        InvalidInput: a file is missing or lacks a column, or no trial has finished.
    """
    settings = read_yaml(run / "run.yaml")
    if not isinstance(settings, dict):
        raise InvalidInput(f"{run / 'run.yaml'} is not the record of a run")
    candidates = _with_effective_shares(_read_table(run / "candidates.csv", _CANDIDATE_COLUMNS))
    rows = _read_table(run / "trials.csv", _TRIAL_COLUMNS)
    rows = rows[rows["status"].isin(_STATUSES) & rows["candidate"].isin(candidates.index)]
    rows = rows.drop_duplicates(["candidate", "seed", "epoch", "status"], keep="last")
    last = rows.groupby(["candidate", "seed"], as_index=False).tail(1)
    final = last[(last["status"] == "done") & last["top1"].notna()]
    if final.empty:
        raise InvalidInput(f"{run} has no finished trial yet: finish it with `scaling-search resume {run}`")
    readings = rows.merge(final[["candidate", "seed"]], on=["candidate", "seed"])
    return Trials(
        settings=settings,
        candidates=candidates,
        readings=readings[readings["status"].isin(["running", "done"])],
        final=final.reset_index(drop=True),
        failed=last[last["status"] == "failed"].reset_index(drop=True),
        stopped=last[last["status"] == "stopped"].reset_index(drop=True),
        unfinished=int((last["status"] == "running").sum()),
    )


def _read_table(path: Path, needed: set[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype={"candidate": str, "named": str, "reason": str, "status": str})
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InvalidInput(f"cannot read {path}: {error}") from error
    missing = sorted(needed - set(table.columns))
    if missing:
        raise InvalidInput(f"{path} lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}")
    return table


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
