"""What more trainings would do to the expected loss, by looking ahead from what is known (`outlook.py`).

Three things can be bought: more seeds of the candidates that may be as good as the pick, new candidates between them,
or every candidate again at twice the epochs. A longer training is taken to be as much less noisy, against the spread of
the candidates, as the second half of this one made it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from scaling_search.analysis import basis
from scaling_search.analysis.decision import Decision, compute_apart
from scaling_search.analysis.means import paired_means
from scaling_search.analysis.outlook import Outlook
from scaling_search.analysis.trials import SHARES, Trials
from scaling_search.analysis.wording import count, loss
from scaling_search.units import format_seconds

Kind = Literal["seeds", "candidates", "epochs"]
SEEDS, CANDIDATES = (1, 2, 4, 8, 16), (6, 12, 24, 48)
_LIKELY = 0.5


@dataclass(frozen=True, kw_only=True)
class Option:
    """`amount` more seeds, candidates, or times the epochs: trainings it takes, their time in this run's, and after it
    the expected loss and how probably that is at most ε."""

    kind: Kind
    amount: int
    trainings: int
    seconds: float | None
    expected_loss: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Advice:
    """The sentence, and the options it was chosen from."""

    sentence: str
    options: tuple[Option, ...] = ()


def advise(outlook: Outlook, decision: Decision, trials: Trials, value: str, *, pooled: bool) -> Advice:
    """The cheapest option after which the expected loss is probably at most ε; else what comes nearest.

    Args:
        outlook: of the judged surface.
        value: the column of the readings that is judged.
        pooled: the outlook's networks are not the candidates one by one, so seeds are counted for all.
    """
    options = tuple(_options(outlook, decision, trials, value, pooled=pooled))
    now, epsilon = decision.pick.expected_loss, decision.epsilon
    enough = [option for option in options if option.probability >= _LIKELY and option.expected_loss < now]
    if enough:
        best = min(enough, key=lambda option: (_cost(option), option.expected_loss))
        what = f"would bring the expected loss from {loss(now)} to about {loss(best.expected_loss)} points"
        return Advice(sentence=f"{_offer(best)} {what}.", options=options)
    best = min(options, key=lambda option: option.expected_loss)
    return Advice(
        sentence=f"Nothing that was looked at would probably settle it: {_offer(best, begin=False)} would leave about "
        f"{loss(min(best.expected_loss, now))} points of expected loss, where {loss(epsilon)} would not matter. "
        "Train longer or at a larger leverage, so that the candidates differ more.",
        options=options,
    )


def _options(outlook: Outlook, decision: Decision, trials: Trials, value: str, *, pooled: bool) -> Iterator[Option]:
    seeds = trials.final.groupby("candidate").size()
    seconds, usual = _seconds(trials), int(seeds.median())
    # the outlook's normal distribution and the draws differ a little: what it foresees is scaled to what is stated
    scale = float(np.clip(decision.pick.expected_loss / max(outlook.loss(), 1e-9), 0.5, 2))

    def option(kind: Kind, amount: int, trainings: int, rows: np.ndarray, variance: np.ndarray) -> Option:
        left, probability = outlook.after(rows, variance, epsilon=decision.epsilon / scale)
        time = None if seconds is None else trainings * seconds * (2 if kind == "epochs" else 1)
        return Option(
            kind=kind, amount=amount, trainings=trainings, seconds=time, expected_loss=scale * left,
            probability=probability,
        )  # fmt: skip

    networks, noise = outlook.places + np.arange(len(outlook.trial_variance)), outlook.trial_variance
    inside = decision.candidates["inside"].to_numpy(bool)
    chosen = np.arange(len(noise)) if pooled or not inside.any() else np.flatnonzero(inside)
    trained = len(decision.candidates) if pooled else len(chosen)
    for more in SEEDS:
        yield option("seeds", more, trained * more, networks[chosen], noise[chosen] / more)
    one = outlook.lasting_variance + (outlook.new_variance - outlook.lasting_variance) / usual
    for more in CANDIDATES:
        nodes = _between(outlook.nodes, decision, more)
        yield option("candidates", len(nodes), len(nodes) * usual, nodes, np.full(len(nodes), one))
    yield option("epochs", 2, int(seeds.sum()), networks, noise * _quieter(trials, value) ** 2 / usual)


def _between(nodes: np.ndarray, decision: Decision, number: int) -> np.ndarray:
    """Rows of nodes [number or fewer] within the region, farthest from all that was trained and from one another."""
    region = decision.region[SHARES].to_numpy(float)
    near = compute_apart(nodes[:, None], region[None]).min(axis=1) < 1 / basis.PLACES_PARTS
    free = np.flatnonzero(near)
    apart = compute_apart(nodes[free, None], decision.candidates[SHARES].to_numpy(float)[None]).min(axis=1)
    chosen: list[int] = []
    while len(chosen) < min(number, len(free)):
        next_one = int(apart.argmax())
        chosen.append(int(free[next_one]))
        apart = np.minimum(apart, compute_apart(nodes[free], nodes[free[next_one]]))
        apart[next_one] = -1
    return np.array(chosen)


def _quieter(trials: Trials, value: str) -> float:
    """How much less noise, against the spread of the candidates, the second half of the epochs left: 0.5 to 1."""
    half = trials.readings[trials.readings["epoch"] == trials.epochs // 2]
    early, late = (_noise_over_spread(rows, value) for rows in (half, trials.final))
    return float(np.clip(late / early, 0.5, 1.0)) if early and late else 1.0


def _noise_over_spread(rows: pd.DataFrame, value: str) -> float | None:
    rows = rows[rows[value].notna()]
    if rows["candidate"].nunique() < 3:
        return None
    means = paired_means(rows, value)
    return means.error_sd / max(float(means.means.std()), 1e-9) if means.error_sd else None


def _seconds(trials: Trials) -> float | None:
    """Time of one training of this run; None where it was not recorded."""
    if "seconds" not in trials.readings:
        return None
    each = trials.readings.groupby(["candidate", "seed"])["seconds"].sum()
    median = float(each.median())
    return median if np.isfinite(median) and median > 0 else None


def _cost(option: Option) -> float:
    return option.trainings * (2 if option.kind == "epochs" else 1)


def _offer(option: Option, *, begin: bool = True) -> str:
    time = "" if option.seconds is None else f", {format_seconds(option.seconds)} of training"
    trainings = f"({count(option.trainings, 'training')}{time})"
    if option.kind == "epochs":
        text = f"every candidate again at twice the epochs {trainings}"
    elif option.kind == "seeds":
        text = f"{count(option.amount, 'more seed')} of each candidate that may be as good {trainings}"
    else:
        text = f"{count(option.amount, 'more candidate')} among the divisions that may be as good {trainings}"
    return text[0].upper() + text[1:] if begin else text
