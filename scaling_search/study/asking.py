"""Asking and telling: what a training loop of one's own is given, and what it gives back."""

from dataclasses import dataclass
from math import inf
from typing import Any

from scaling_search.errors import InvalidInput
from scaling_search.evidence import Reading, Status
from scaling_search.strategies import Ask
from scaling_search.study.network import ScalableNetwork

_METRICS = {
    "train_loss": inf, "val_loss": inf, "top5": 1.0, "raw_val_loss": inf, "raw_top1": 1.0, "seconds": inf,
    "images_seen": inf, "images_per_second": inf,
}  # fmt: skip
"""What may be told beside top1, from 0 up to what."""


@dataclass(frozen=True, kw_only=True)
class TrialAsk(Ask):
    """A trial to be trained in a loop of one's own until it has had `epochs` epochs.

    Attributes:
        network: what is trained; `network.build()` gives the module, `network.resolution` its input.
    """

    network: ScalableNetwork

    @property
    def seed(self) -> int:
        """Of initial weights and order: candidates are compared seed by seed."""
        return self.trial.seed


def told_reading(
    ask: Ask, *, top1: float | None, val_loss: float | None, epoch: int | None, failed: str, metrics: dict[str, float]
) -> Reading:
    """What a person tells of a trial, as a reading. With all its epochs the trial is paused: it may be asked for more.

    Raises:
        InvalidInput: a number is out of its range, or unknown, or there is none.
    """
    at = ask.epochs if epoch is None else epoch
    if not 1 <= at <= ask.epochs:
        raise InvalidInput(f"{ask.trial} was asked to have {ask.epochs} epochs, so there is no epoch {at} of it")
    if failed:
        return Reading(trial=ask.trial, epoch=at, status="failed", reason=" ".join(failed.split())[:300])
    if top1 is None or not 0 <= top1 <= 1:
        raise InvalidInput(f"top1 is the fraction of validation images that are told right, 0 to 1, not {top1}")
    unknown = sorted(set(metrics) - set(_METRICS))
    if unknown:
        raise InvalidInput(f"a reading has no {unknown[0]}; it may have {', '.join(_METRICS)}")
    values: dict[str, Any] = metrics if val_loss is None else {**metrics, "val_loss": val_loss}
    for name, value in values.items():
        most = _METRICS[name]
        if not isinstance(value, int | float) or not 0 <= value <= most or value == inf:
            raise InvalidInput(f"{name} is a number {'of 0 or more' if most == inf else 'from 0 to 1'}, not {value!r}")
    status: Status = "paused" if at == ask.epochs else "running"
    return Reading(trial=ask.trial, epoch=at, status=status, top1=top1, **values)
