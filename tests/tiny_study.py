"""Studies that neither measure nor train anything: what the tests of study/ and of the command line share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fake_training import quick

from scaling_search.evidence import Reading, Status
from scaling_search.search.executors import Job, Train
from scaling_search.search.listener import Begun, Listener
from scaling_search.search.plan import Speed
from scaling_search.study.study import Study

SPEED = Speed(depth=0.004, width=0.002, resolution=0.003)
"""Seconds an image, instead of measured ones."""

IMAGES = 24 + 12 / 3
"""That an epoch of the tiny data costs: 24 for training, 12 for validation."""

MakeStudy = Callable[..., Study]


def tiny_study(shared: Path, **changes: Any) -> Study:
    """The tiny baseline on the images: 6 candidates × 2 seeds × 2 epochs in ./run, unless said otherwise (… is unsaid).

    Args:
        shared: the folder of images/ and tiny.yaml.
    """
    asked: dict[str, Any] = {
        "baseline": shared / "tiny.yaml", "data": shared / "images", "folder": "run", "executor": "inline",
        "device": "cpu", "parts": 1, "seeds": 2, "epochs": 2, "leverage": 2, "pilot": False,
    }  # fmt: skip
    return Study(**{key: value for key, value in (asked | changes).items() if value is not ...})


def interrupted_after(count: int, train: Train = quick) -> Train:
    """A training during which the user presses Ctrl-C, after so many readings."""
    left = iter(range(count))

    def training(job: Job) -> Iterator[Reading]:
        for reading in train(job):
            if next(left, None) is None:
                raise KeyboardInterrupt
            yield reading

    return training


def grown(job: Job, *, to: str, late: str = "", jitter: float = 0.002) -> Iterator[Reading]:
    """More of one dimension is better; after the second epoch of another one, where that is named.

    A dimension has grown by its layers, its channels or its pixels.
    """
    if job.trained:
        yield from job.history
        return
    sizes = {
        "depth": sum(job.network.depths) / 4, "width": sum(job.network.widths) / 200,
        "resolution": job.network.resolution / 24,
    }  # fmt: skip
    chance = jitter * ((job.trial.seed + 1) * (sum(job.network.widths) + job.network.resolution) % 5)
    for epoch in range(1, job.epochs + 1):
        axis = late if late and epoch > 2 else to
        top1 = min(0.9, 0.2 + 0.1 * sizes[axis] + 0.01 * epoch + chance)
        status: Status = "running" if epoch < job.epochs else "paused"
        yield Reading(
            trial=job.trial, epoch=epoch, status=status, top1=top1, val_loss=2 - top1, images_seen=10 * epoch,
            seconds=0.01,
        )  # fmt: skip


class Ear(Listener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.data: list[str] = []
        self.plans: list[Begun] = []
        self.readings: list[Reading] = []
        self.answers: list[Any] = []

    def on_data(self, title: str, done: int, total: int) -> None:
        self.data.append(title)

    def on_plan(self, begun: Begun) -> None:
        self.plans.append(begun)

    def on_reading(self, reading: Reading) -> None:
        self.readings.append(reading)

    def on_answer(self, analysis: Any) -> None:
        self.answers.append(analysis)
