"""best.yaml, version 2: the answer and its doubt as plain values (docs/analysis.md describes each key)."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scaling_search.analysis.answer import Analysis
from scaling_search.analysis.decision import Decision
from scaling_search.analysis.law import Law, NoLaw
from scaling_search.analysis.lengths import Lengths
from scaling_search.analysis.trials import SHARES
from scaling_search.configuration import to_yaml
from scaling_search.evidence import UNSCALED
from scaling_search.files import write_atomically

VERSION = 2
_JUDGED = ["expected_loss", "probability_within_epsilon"]
_CANDIDATE = [
    "candidate", "named", "seeds", "top1", "top1_se", "val_loss", "val_loss_se", "macs_ratio", "top1_equal_cost",
    "top1_equal_cost_se", "probability_best", *_JUDGED, "inside",
]  # fmt: skip


def to_dict(analysis: Analysis) -> dict[str, Any]:
    """The content of best.yaml: accuracies and losses as fractions, what is unknown as null."""
    ranked = analysis.table.sort_values("expected_loss").reset_index()
    content = {
        "version": VERSION,
        "verdict": analysis.verdict.kind,
        "sentence": analysis.verdict.sentence,
        "advice": _advice(analysis),
        "epsilon": analysis.decision.epsilon,
        "metric": asdict(analysis.metric),
        "pick": _pick(analysis.decision),
        "references": _references(analysis),
        "region": _region(analysis.decision),
        "candidates": [row.to_dict() for _, row in ranked[_CANDIDATE].iterrows()],
        "surface": _surface(analysis),
        "law": _law(analysis.law),
        "noise": _noise(analysis),
        "agreement": asdict(analysis.agreement) if analysis.agreement else None,
        "lengths": _lengths(analysis.lengths),
        "warnings": list(analysis.warnings),
    }
    return {key: _plain(value) for key, value in content.items()}


def write_best(run: Path, analysis: Analysis) -> Path:
    """Writes the answer as best.yaml into the run folder."""
    path = run / "best.yaml"
    header = (
        "# The answer of this run and its doubt; written by `scaling-search analyze`. "
        "Accuracies and losses are fractions.\n"
    )
    write_atomically(path, header + to_yaml(to_dict(analysis)))
    return path


def _advice(analysis: Analysis) -> dict[str, Any] | None:
    if analysis.advice is None:
        return None
    return {"sentence": analysis.advice.sentence, "options": [asdict(option) for option in analysis.advice.options]}


def _pick(decision: Decision) -> dict[str, Any]:
    pick, coefficients = decision.pick, decision.pick.coefficients
    return {
        "shares": asdict(pick.shares),
        "alpha": coefficients.alpha,
        "beta": coefficients.beta,
        "gamma": coefficients.gamma,
        "expected_loss": pick.expected_loss,
        "top1": pick.top1,
        "top1_se": pick.top1_se,
        "nearest_candidate": pick.candidate,
        "distance_to_it": pick.distance,
    }


def _references(analysis: Analysis) -> dict[str, Any]:
    """The named divisions, and «unscaled», which is none, where the base was trained."""
    found = {str(name): _reference(row) for name, row in analysis.references().iterrows()}
    if analysis.unscaled:
        found["unscaled"] = {"candidate": UNSCALED, "shares": None, **asdict(analysis.unscaled)}
    return found


def _reference(row: pd.Series) -> dict[str, Any]:
    return {
        "candidate": row["candidate"] or None,
        "shares": {name.removeprefix("share_"): row[name] for name in SHARES},
        **{name: row[name] for name in _JUDGED},
    }


def _region(decision: Decision) -> dict[str, Any]:
    """The region's part of all divisions, the range of each share in it, and the candidates in it."""
    region = decision.region
    return {
        "fraction": decision.fraction,
        "ranges": {name.removeprefix("share_"): [region[name].min(), region[name].max()] for name in SHARES},
        "candidates": [name for name in region["candidate"] if name],
    }


def _surface(analysis: Analysis) -> dict[str, Any]:
    surface, trials = analysis.surface, analysis.trials
    errors = surface.observed.mean - surface.left_out()
    return {
        "at_macs_ratio": trials.target_ratio,
        "size": float(surface.average(surface.amplitude)),
        "length": float(surface.average(surface.length_scale)),
        "cost_slope": float(surface.cost_slopes().mean()),
        "rms_left_out": float(np.sqrt(np.mean(errors**2))),
    }


def _lengths(lengths: Lengths | None) -> dict[str, Any] | None:
    if lengths is None:
        return None
    return {**asdict(lengths), "epochs": list(lengths.epochs), "sentence": lengths.sentence}


def _law(law: Law | NoLaw) -> dict[str, Any] | None:
    if isinstance(law, NoLaw):
        return None
    first, last = law.best
    return {
        "exponents": law.exponents,
        "rms_left_out": law.rms,
        "surface_rms_left_out": law.surface_rms,
        "better": law.better,
        "best_at_phi_1": asdict(first),
        "best_at_phi_7": asdict(last),
        "drift": dict(zip(("expected", "low", "high"), law.drift, strict=True)),
        "forecast": [{"phi": phi, "top1": mean, "low": low, "high": high} for phi, mean, low, high in law.forecast],
    }


def _noise(analysis: Analysis) -> dict[str, Any]:
    means = analysis.means
    return {
        "trial_sd": float(np.median(analysis.surface.trial_sd)),
        "pooled_sd": means.error_sd,
        "seed_sd": means.seed_sd,
        "lasting_sd": analysis.surface.lasting_sd,
        "dof": means.dof,
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
