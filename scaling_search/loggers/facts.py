"""What trackers are told: a run, its trials, their readings and the answer, as flat names and values."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scaling_search.evidence import READING_METRICS, UNSCALED, Reading, Trial
from scaling_search.search.folder import RunFolder
from scaling_search.search.record import RunRecord

if TYPE_CHECKING:
    from scaling_search.analysis import Analysis

Value = str | int | float
_OF_CANDIDATE = ("network", "named", "choices")
"""Columns of candidates.csv that are text; the others are numbers."""
_LEFT_OUT = ("candidate", "full_network", "description")


def of_run(record: RunRecord) -> dict[str, Value]:
    """The settings of a run, for comparing it with others; what was left open is not among them."""
    question, data, plan = record.question, record.data, record.plan
    found: dict[str, Value | None] = {
        "baseline": str(record.baseline["name"]), "phi": question.phi, "growth": record.growth,
        "leverage": question.leverage, "match": question.match, "target": question.target, "epsilon": question.epsilon,
        "data": data.name, "classes": data.classes, "train_images": data.train, "val_images": data.val,
        "recipe": record.recipe.name, "strategy": str(record.strategy["strategy"]), "seeds": record.seeds,
        "epochs": record.epochs, "planned_trials": plan.trials, "budget_seconds": plan.budget_seconds,
        "base_macs": record.base.macs, "base_params": record.base.params, "device": record.device.name,
        "executor": record.executor.kind, "workers": record.executor.workers,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def about_run(record: RunRecord) -> dict[str, str]:
    """Where a run comes from: command, time, commit, versions."""
    versions = {f"version.{name}": version for name, version in record.versions.items()}
    return {"command": record.command, "started": record.started, "git": record.git or "none", **versions}


def of_trial(folder: Path, record: RunRecord, trial: Trial) -> dict[str, Value]:
    """A trial, and what candidates.csv says of its network; shares and coefficients of the unscaled one are «nothing».

    Costs and effective multipliers are those of the small network that is trained.
    """
    found: dict[str, Value] = {"candidate": trial.candidate, "seed": trial.seed}
    if trial.candidate == UNSCALED:
        base = record.base
        return found | {
            "alpha": 1.0, "beta": 1.0, "gamma": 1.0, "share_depth": 0.0, "share_width": 0.0, "share_resolution": 0.0,
            "pixels": record.base_network().resolution, "params": base.params, "macs": base.macs,
            "activations": base.activations, "macs_ratio": 1.0,
        }  # fmt: skip
    with RunFolder(folder).candidates.open(encoding="utf-8", newline="") as file:
        rows = {row["candidate"]: row for row in csv.DictReader(file)}
    row = rows[trial.candidate]
    return found | {name: _value(name, text) for name, text in row.items() if name not in _LEFT_OUT and text != ""}


def of_reading(reading: Reading) -> dict[str, float]:
    """What a trial showed: accuracies as fractions, cross-entropies in nats, times in seconds."""
    values = {name: getattr(reading, name) for name in READING_METRICS}
    return {name: float(value) for name, value in values.items() if value is not None}


def of_answer(analysis: "Analysis") -> tuple[dict[str, float], dict[str, str]]:
    """The pick in numbers; the verdict in words."""
    pick, coefficients = analysis.pick, analysis.pick.coefficients
    depth, width, resolution = pick.shares.as_tuple()
    numbers = {
        "alpha": coefficients.alpha, "beta": coefficients.beta, "gamma": coefficients.gamma,
        "share_depth": depth, "share_width": width, "share_resolution": resolution,
        "expected_loss": pick.expected_loss, "expected_top1": pick.top1, "expected_top1_se": pick.top1_se,
    }  # fmt: skip
    words = {
        "verdict": analysis.verdict.kind, "sentence": analysis.verdict.sentence, "nearest_trained": pick.candidate,
        "judged_by": analysis.metric.name, "warnings": " ".join(analysis.warnings) or "none",
    }  # fmt: skip
    return {name: float(value) for name, value in numbers.items()}, words


def as_markdown(values: Mapping[str, Value]) -> str:
    """A table of two columns."""
    lines = (f"| {name} | {str(value).replace('|', '/')} |" for name, value in values.items())
    return "\n".join(["| what | |", "|---|---|", *lines])


def _value(name: str, text: str) -> Value:
    """A cell; rounding errors around whole shares are taken off."""
    if name in _OF_CANDIDATE:
        return text
    number = float(text)
    if name.startswith("share_"):
        return round(number, 9) + 0.0
    return int(number) if number.is_integer() and "." not in text else number
