"""From the run folder to the answer: `analyze`, what it returns, and best.yaml."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from scaling_search.analysis.agreement import Agreement, halfway_agreement
from scaling_search.analysis.caveats import find_caveats
from scaling_search.analysis.means import PairedMeans, describe, paired_means
from scaling_search.analysis.pick import Landscape, Pick, explore
from scaling_search.analysis.surface import Surface, fit
from scaling_search.analysis.trials import SHARES, Trials
from scaling_search.analysis.verdict import Verdict, judge
from scaling_search.coefficients import REFERENCES
from scaling_search.configuration import to_yaml
from scaling_search.files import write_atomically


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The answer of a run so far, with its doubt.

    `table` has a row for each candidate with a finished trial, indexed by candidate: candidates.csv with the effective
    shares, then seeds, top1, top1_se, val_loss, val_loss_se (mean and standard error over seeds, at realised cost),
    top1_equal_cost, top1_equal_cost_se (read from the surface at the target cost), gap, gap_se (pick − candidate),
    tied (may be the best), probability (of being the best candidate), statistic and critical (see `Contenders`).
    """

    trials: Trials
    table: pd.DataFrame
    means: PairedMeans
    surface: Surface
    landscape: Landscape
    agreement: Agreement | None
    verdict: Verdict
    warnings: tuple[str, ...]

    @property
    def pick(self) -> Pick:
        return self.landscape.pick

    def references(self) -> pd.DataFrame:
        """The rows of `table` at the references, one row a reference, indexed by its name: depth, width, …, paper."""
        rows = self.table[self.table["named"] != ""].reset_index()
        rows = rows.assign(name=rows["named"].str.split(";")).explode("name").set_index("name")
        return rows.loc[[name for name in REFERENCES if name in rows.index]]

    def to_dict(self) -> dict[str, Any]:
        """Plain YAML-able content of best.yaml, accuracies as fractions."""
        columns = ["candidate", "seeds", "top1", "top1_se", "macs_ratio", "top1_equal_cost", "gap", "gap_se", "tied"]
        ranked = self.table.sort_values("top1_equal_cost", ascending=False).reset_index()
        content = {
            "verdict": self.verdict.kind,
            "sentence": self.verdict.sentence,
            "settle": self.verdict.settle,
            "seeds_needed": self.verdict.seeds_needed,
            "pick": _pick_dict(self.pick),
            "region": _region_dict(self.landscape),
            "ties": list(self.verdict.ties),
            "references": {name: row[columns].to_dict() for name, row in self.references().iterrows()},
            "candidates": [row.to_dict() for _, row in ranked[["named", *columns, "probability"]].iterrows()],
            "surface": _surface_dict(self.surface, self.trials.target_ratio),
            "noise": {"error_sd": self.means.error_sd, "seed_sd": self.means.seed_sd, "dof": self.means.dof},
            "agreement": asdict(self.agreement) if self.agreement else None,
            "warnings": list(self.warnings),
        }
        return {key: _plain(value) for key, value in content.items()}


def analyze(trials: Trials) -> Analysis:
    """Analyses what a search has brought so far: finished, running or interrupted, with failed trials or one seed."""
    means = paired_means(trials.final)
    seeds = trials.final.groupby("candidate").size()
    surface = fit(trials.candidates, means, seeds, trials.target_ratio)
    landscape = explore(surface, trials.candidates)
    table = _table(trials, seeds, landscape)
    agreement = halfway_agreement(trials.readings)
    return Analysis(
        trials=trials,
        table=table,
        means=means,
        surface=surface,
        landscape=landscape,
        agreement=agreement,
        verdict=judge(table, landscape, surface, means, classes=trials.classes),
        warnings=tuple(find_caveats(trials, table, surface, landscape.pick, agreement)),
    )


def write_best(run: Path, analysis: Analysis) -> Path:
    """Writes the answer as best.yaml into the run folder."""
    path = run / "best.yaml"
    header = "# The answer of this run and its doubt; written by `scaling-search analyze`. Accuracies are fractions.\n"
    write_atomically(path, header + to_yaml(analysis.to_dict()))
    return path


def _table(trials: Trials, seeds: pd.Series, landscape: Landscape) -> pd.DataFrame:
    measured = [seeds.to_frame("seeds"), describe(trials.final, "top1"), describe(trials.final, "val_loss")]
    judged = landscape.candidates.drop(columns=SHARES)
    judged = judged.rename(columns={"top1": "top1_equal_cost", "top1_se": "top1_equal_cost_se", "inside": "tied"})
    return trials.candidates.join([*measured, judged], how="inner")


def _pick_dict(pick: Pick) -> dict[str, Any]:
    coefficients = pick.coefficients
    return {
        "alpha": coefficients.alpha,
        "beta": coefficients.beta,
        "gamma": coefficients.gamma,
        "shares": asdict(pick.shares),
        "top1": pick.top1,
        "top1_se": pick.top1_se,
        "nearest_candidate": pick.candidate,
        "distance_to_it": pick.distance,
        "at_border": pick.at_border,
    }


def _region_dict(landscape: Landscape) -> dict[str, Any]:
    """The 95 % region: its part of what was searched, the range of each share, the candidates in it."""
    region = landscape.region
    ranges = {name.removeprefix("share_"): [region[name].min(), region[name].max()] for name in SHARES}
    return {
        "level": 0.95,
        "fraction": len(region) / len(landscape.places),
        "shares": ranges,
        "candidates": [name for name in region["candidate"] if name],
    }


def _surface_dict(surface: Surface, target_ratio: float) -> dict[str, Any]:
    return {
        "kind": surface.kind,
        "at_macs_ratio": target_ratio,
        "coefficients": surface.beta if surface.kind != "means" else None,
        "cost_slope": surface.cost_slope,
        "residual_sd": surface.residual_sd,
        "dof": surface.dof,
        "predictive_r2": surface.predictive_r2,
    }


def _plain(value: Any) -> Any:
    """Numpy and pandas values as Python's own, numbers to six digits, what is not a number as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return None if pd.isna(value) else round(value, 6)
    return value
