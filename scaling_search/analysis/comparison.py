"""Each dimension alone against compound divisions: what a comparison says, from its tables.

Differences are between means over seeds without what a seed gives to all networks alike (`means.paired_means`), so that
networks are compared seed by seed. One noise for all:

    x̄_a − x̄_b ± t(0.975, ν) · s · √(1/n_a + 1/n_b)      s, ν: pooled noise of a trial and its degrees of freedom

A verdict is about one compound, which is named before anything is trained, against the best single dimension; that one
is chosen by its result, so that the difference is, if anything, too small.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan, sqrt
from typing import Any, Literal

import numpy as np
import pandas as pd

from scaling_search.analysis.means import PairedMeans, describe, paired_means
from scaling_search.analysis.trials import SHARES, Trials
from scaling_search.analysis.wording import percent, points
from scaling_search.coefficients import REFERENCES
from scaling_search.errors import InvalidInput
from scaling_search.evidence import UNSCALED

AXES = ("depth", "width", "resolution")
Kind = Literal["better", "worse", "not told apart", "one seed"]
_COUNTS = ["macs", "macs_ratio", "params", "pixels"]
_ALONE = 1e-6  # of the asked compute that goes to other dimensions


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much more one network reaches than another, as fractions of accuracy; 95 % in low … high, NaN if unknown."""

    first: str
    second: str
    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison says so far.

    `table` has a row for each trained network, indexed by candidate: division («depth», …, a compound's names, or
    «unscaled»), compared (at the largest cost), effective shares, macs, macs_ratio, params, pixels, seeds, top1,
    top1_se, val_loss, and gain over the unscaled network with its 95 % in gain_low … gain_high. `differences` are those
    of each compound against each dimension alone. `noise` is that of one trial, with `dof` degrees of freedom.
    """

    table: pd.DataFrame
    differences: tuple[Difference, ...]
    kind: Kind
    sentence: str
    noise: float | None
    dof: float
    epochs: int
    growth: float

    @property
    def compared(self) -> pd.DataFrame:
        """The rows at the largest cost, best first."""
        return self.table[self.table["compared"]].sort_values("top1", ascending=False, kind="stable")


def compare_trials(trials: Trials, *, base: dict[str, float], headline: str) -> Compared:
    """The comparison of what has been trained.

    Args:
        base: macs, params and pixels of the unscaled network.
        headline: name of the compound that the verdict is about.

    Raises:
        InvalidInput: the headline or all dimensions alone have no finished trial yet.
    """
    final = pd.concat([trials.final, trials.unscaled]) if len(trials.unscaled) else trials.final
    means = paired_means(final)
    table = _table(trials, final, means, base)
    compared = table[table["compared"]]
    names = {name: str(row) for row, parts in compared["named"].items() for name in parts}
    alone = [axis for axis in AXES if axis in names]
    if headline not in names or not alone:
        lacking = headline if headline not in names else "a dimension alone"
        raise InvalidInput(f"{lacking} has no finished trial yet: go on with `scaling-search resume`")
    compounds = [headline, *(name for name in names if name not in (*AXES, headline))]
    differences = tuple(
        _difference(means, names, compound, axis)
        for compound in compounds
        for axis in alone
        if names[compound] != names[axis]
    )
    reached = compared["top1"].to_dict()
    best = max(alone, key=lambda axis: float(reached[names[axis]]))
    rows = {str(row["candidate"]): row for row in compared.reset_index().to_dict("records")}
    kind, sentence = _verdict(_difference(means, names, headline, best), rows[names[headline]])
    return Compared(
        table=table,
        differences=differences,
        kind=kind,
        sentence=sentence,
        noise=means.error_sd,
        dof=means.dof,
        epochs=trials.epochs,
        growth=trials.growth or float(compared["macs_ratio"].median()),
    )


def to_dict(found: Compared) -> dict[str, Any]:
    """The content of comparison.yaml: accuracies as fractions, what is unknown as null."""
    rows = found.table.drop(columns="named").reset_index().to_dict("records")
    return {
        "version": 1,
        "verdict": found.kind,
        "sentence": found.sentence,
        "epochs": found.epochs,
        "growth": found.growth,
        "noise": {"trial_sd": found.noise, "dof": found.dof},
        "differences": [_known(asdict(one)) for one in found.differences],
        "networks": [_known({str(key): value for key, value in row.items()}) for row in rows],
    }


def _known(row: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value.item() if hasattr(value, "item") else value for key, value in row.items()}
    return {
        key: None
        if isinstance(value, float) and isnan(value)
        else round(value, 6)
        if isinstance(value, float)
        else value
        for key, value in plain.items()
    }


def _table(trials: Trials, final: pd.DataFrame, means: PairedMeans, base: dict[str, float]) -> pd.DataFrame:
    known = trials.candidates.reindex([name for name in means.candidates if name != UNSCALED])
    table = known[[*SHARES, *_COUNTS, "named"]].copy()
    asked = known[[f"nominal_{name}" for name in SHARES]].to_numpy(float)
    table.insert(0, "division", [_division(names, shares) for names, shares in zip(known["named"], asked, strict=True)])
    table.insert(1, "compared", known["named"].map(len) > 0)
    if UNSCALED in means.candidates:
        row = {"division": "unscaled", "compared": False, "macs_ratio": 1.0, "named": (), **base}
        table = pd.concat([pd.DataFrame([row], index=pd.Index([UNSCALED], name="candidate")), table])
    table["seeds"] = pd.Series(means.seeds, index=list(means.candidates))
    told = describe(final, "top1").join(describe(final, "val_loss")["val_loss"])
    gains = pd.DataFrame(
        [_gain(means, str(name)) for name in table.index], index=table.index, columns=["gain", "gain_low", "gain_high"]
    )
    table = table.join(told).join(gains)
    table.index.name = "candidate"
    counts = ["macs", "params", "pixels", "seeds"]
    return table.astype(dict.fromkeys(counts, "int64")).sort_values(["macs_ratio"], kind="stable")


def _division(names: Sequence[str], shares: np.ndarray) -> str:
    """The names, or the dimension that a network on the way there was asked to grow in alone."""
    if names:
        return " = ".join(names)
    nearest = min(REFERENCES, key=lambda name: float(np.abs(np.subtract(REFERENCES[name].as_tuple(), shares)).sum()))
    apart = np.abs(np.subtract(REFERENCES[nearest].as_tuple(), shares)).sum()
    return nearest if apart < _ALONE else "compound"


def _gain(means: PairedMeans, name: str) -> tuple[float, float, float]:
    if UNSCALED not in means.candidates:
        return (float("nan"),) * 3
    found = between(means, name, UNSCALED)
    return (0.0, 0.0, 0.0) if name == UNSCALED else found


def between(means: PairedMeans, first: str, second: str) -> tuple[float, float, float]:
    """The difference of two candidates, and its 95 %."""
    a, b = means.candidates.index(first), means.candidates.index(second)
    apart = float(means.means[a] - means.means[b])
    if means.error_sd is None:
        return apart, float("nan"), float("nan")
    from scipy.stats import t  # a second of imports, not before the first trial

    half = float(t.ppf(0.975, means.dof)) * means.error_sd * sqrt(1 / means.seeds[a] + 1 / means.seeds[b])
    return apart, apart - half, apart + half


def _difference(means: PairedMeans, names: dict[str, str], first: str, second: str) -> Difference:
    apart, low, high = between(means, names[first], names[second])
    return Difference(first=first, second=second, difference=apart, low=low, high=high)


def _verdict(found: Difference, row: Mapping[Hashable, Any]) -> tuple[Kind, str]:
    reached = f"{found.first} reaches {percent(row['top1'], row['top1_se'])} at {row['macs_ratio']:.2g} times the MACs"
    apart = f"{points(abs(found.difference))} points {'more' if found.difference >= 0 else 'less'}"
    against = f"than the best single dimension, {found.second}"
    if isnan(found.low):
        return "one seed", f"{reached}, {apart} {against}; with one seed nothing says what chance does."
    where = f"(95 %: {points(found.low)} to {points(found.high)})"
    if found.low > 0:
        return "better", f"{reached}, {apart} {against} {where}."
    if found.high < 0:
        return "worse", f"{reached}, {apart} {against} {where}."
    return "not told apart", f"Not told apart: {reached}, {apart} {against} {where}."
