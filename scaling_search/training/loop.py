"""The training loop. There is one: a search's proxies, `scaling-search train` and the benchmarks all run through it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from math import isfinite, isnan
from pathlib import Path

import torch
from torch import Tensor

from scaling_search.architecture import Network
from scaling_search.data import Augment, AutoAugment, Crop, Dataset, Loader, RandAugment
from scaling_search.errors import InvalidInput
from scaling_search.training import checkpoint as checkpoints
from scaling_search.training.averaging import reestimate_batch_norm
from scaling_search.training.evaluate import Evaluation, validate
from scaling_search.training.failure import TrainingFailed, failing_as
from scaling_search.training.learner import Learner, release_memory
from scaling_search.training.parallel import World
from scaling_search.training.recipe import Recipe
from scaling_search.training.streams import generator, seeded
from scaling_search.training.transfer import Transfer
from scaling_search.training.watching import Moment, Watch

_FORMAT = 1  # of a checkpoint; goes up when an older one can no longer be continued


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """What one epoch of one trial gave."""

    epoch: int  # 1-based
    images_seen: int  # since the start of the training
    train_loss: float  # mean over the epoch, with label smoothing
    val_loss: float  # cross-entropy in nats, without label smoothing
    top1: float  # fractions, 0..1
    top5: float
    seconds: float  # of the epoch, evaluation included
    images_per_second: float  # of its training part
    micro_batch: int  # images that went through the network at once; below the batch size where memory was short
    # Of the weights as they are, where val_loss and top1 are of averaged ones; in the last epoch that was asked for.
    raw_val_loss: float | None = None
    raw_top1: float | None = None


def train_epochs(
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    device: str = "cpu",
    checkpoint: Path | None = None,
    deterministic: bool = False,
    transfer: Transfer | None = None,
    watch: Watch | None = None,
) -> Iterator[EpochMetrics]:
    """Train a network on a data set by a recipe; yields once after each epoch.

    An interrupted training that is started again with the same arguments and checkpoint first yields the epochs already
    done, as recorded, and then continues as if it had never stopped (to the bit on CPU; an epoch that was under way is
    repeated). Under a schedule that nests, a longer budget continues the checkpoint of a shorter one.

    Args:
        epochs: the budget; the schedule spends it.
        seed: decides initial weights, image order, augmentation and dropout. Equal seeds see the same images in the
            same order with the same augmentation, whatever the network.
        device: as torch names it. On CPU float32, on CUDA bfloat16 autocast; both channels_last.
        checkpoint: written after each epoch before it is yielded.
        deterministic: the same bits every time on CUDA too, at some cost in speed.
        transfer: weights to start from, and what of them stays as it is; by default all is freshly drawn.
        watch: is told of every step, within an epoch.

    Raises:
        InvalidInput: the network does not fit the data set, or the checkpoint is of another training.
        TrainingFailed: the network cannot be built, memory ran out even with two images, or the loss is not a number.
        MachineFailed: the device or the memory failed for another reason.
        OSError: the data or the checkpoint cannot be read or written.
    """
    _check_fit(network, dataset)
    place, world = torch.device(device), World.current()
    with failing_as("cannot be built"):
        learner = Learner(network, recipe, seed=seed, device=place, world=world, transfer=transfer)
    session = Session(learner, dataset, network.resolution, epochs=epochs, seed=seed, watch=watch)
    identity = _identity(network, dataset, recipe, epochs=epochs, seed=seed, transfer=transfer)
    history: list[EpochMetrics] = []
    if checkpoint is not None and (state := checkpoints.read(checkpoint, fingerprint=identity)) is not None:
        learner.load(state["learner"])
        history = [EpochMetrics(**row) for row in state["history"]]
    try:
        yield from history[:epochs]
        for epoch in range(len(history) + 1, epochs + 1):
            with _numerics(deterministic), failing_as(f"epoch {epoch}"):
                history.append(session.epoch(epoch))
            if checkpoint is not None and world.leads:
                rows = [asdict(metrics) for metrics in history]
                checkpoints.write(checkpoint, {"fingerprint": identity, "learner": learner.state(), "history": rows})
            yield history[-1]
    finally:
        del learner, session
        release_memory(place)


class Session:
    """A learner and the images it learns from: one epoch of training, one evaluation."""

    def __init__(
        self,
        learner: Learner,
        dataset: Dataset,
        resolution: int,
        *,
        epochs: int,
        seed: int,
        watch: Watch | None = None,
    ) -> None:
        self.learner = learner
        self.watch = watch
        self.schedule = learner.recipe.schedule
        augment = _augment(learner.recipe, dataset)
        self.train_images = Loader(dataset.train, resolution, device=learner.device, augment=augment)
        self.val_images = Loader(dataset.val, resolution, device=learner.device)
        self.epochs = epochs
        self.seed = seed
        processes = learner.world.size
        self.local_batch = min(learner.recipe.batch_size, len(dataset.train)) // processes
        self.batch_size = self.local_batch * processes
        self.steps = len(dataset.train) // self.batch_size  # an epoch; whole batches only, so every step is alike

    def epoch(self, number: int) -> EpochMetrics:
        """Train on (almost) every image once, then evaluate."""
        started = time.perf_counter()
        losses = self.train(number)
        images = self.steps * self.batch_size
        trained = time.perf_counter()
        raw = self.evaluate_raw() if number == self.epochs else None
        result = self.evaluate(number)
        return EpochMetrics(
            epoch=number,
            images_seen=images * number,
            train_loss=sum(losses) / len(losses),
            val_loss=result.loss,
            top1=result.top1,
            top5=result.top5,
            seconds=time.perf_counter() - started,
            images_per_second=images / (trained - started),
            micro_batch=-(-self.local_batch // self.learner.parts),
            raw_val_loss=raw.loss if raw is not None else None,
            raw_top1=raw.top1 if raw is not None else None,
        )

    def train(self, number: int) -> list[float]:
        """The loss of every step of one epoch; read from the device once, at the end."""
        learner, done = self.learner, (number - 1) * self.steps
        learner.train()
        started = time.perf_counter()
        losses = torch.empty(self.steps, device=learner.device)
        with seeded(self.seed, f"dropout {learner.world.rank}", number, device=learner.device):
            for step, (images, labels) in enumerate(self._batches(number)):
                position = (done + step + 0.5) / self.steps  # epochs
                rate = self.schedule.factor(position, self.epochs)
                losses[step] = learner.step(images, labels, rate=rate)
                if self.watch is not None:
                    speed = (step + 1) * self.batch_size / (time.perf_counter() - started)
                    self.watch(
                        Moment(epoch=number, step=step + 1, steps=self.steps, batch_size=self.batch_size,
                               images_per_second=speed, lr=rate * learner.recipe.peak_lr, losses=losses)
                    )  # fmt: skip
        learner.synchronise()
        means: list[float] = learner.world.mean(losses).tolist()
        return _finite(means, done)

    def evaluate(self, number: int) -> Evaluation:
        """Metrics at the averaged weights where the recipe has them."""
        learner, recipe = self.learner, self.learner.recipe
        with learner.evaluated(), learner.autocast():
            if recipe.bn_batches:
                some = islice(self._batches(number), recipe.bn_batches)
                reestimate_batch_norm(learner.module, (images for images, _ in some))
            result = self._validated()
        if not isfinite(result.loss):
            raise TrainingFailed(f"validation loss became {_named(result.loss)} in epoch {number}")
        return result

    def evaluate_raw(self) -> Evaluation | None:
        """Metrics at the weights as they are, where the recipe reads averaged ones; None where they are no numbers."""
        if self.learner.average is None:
            return None
        with self.learner.autocast():
            result = self._validated()
        return result if isfinite(result.loss) else None

    def _validated(self) -> Evaluation:
        """Metrics of the module as it stands."""
        learner = self.learner
        return validate(learner.module, self.val_images, learner.world, parts=learner.parts)

    def _batches(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The images of one epoch: equal for all networks of a seed, whatever their resolution."""
        world = self.learner.world
        order = torch.randperm(len(self.train_images), generator=generator(self.seed, "order", number))
        mine = order[: self.steps * self.batch_size].view(self.steps, world.size, self.local_batch)[:, world.rank]
        draws = generator(self.seed, f"augmentation {world.rank}", number)
        return self.train_images.batches(mine.flatten(), batch_size=self.local_batch, generator=draws)


def _augment(recipe: Recipe, dataset: Dataset) -> Augment | None:
    if recipe.shift is None and recipe.crop is None:
        return None
    layers, magnitude = recipe.randaugment_layers, recipe.randaugment_magnitude
    random = (RandAugment(layers=layers, magnitude=magnitude),) if layers else ()
    crop = Crop(area=recipe.crop, flip=dataset.flip) if recipe.crop is not None else None
    policies = (*random, *((AutoAugment(),) if recipe.autoaugment else ()))
    return Augment(flip=dataset.flip, shift=recipe.shift or 0.0, crop=crop, policies=policies)


def _finite(losses: list[float], steps_before: int) -> list[float]:
    for step, loss in enumerate(losses, start=steps_before + 1):
        if not isfinite(loss):
            raise TrainingFailed(f"loss became {_named(loss)} at step {step}")
    return losses


def _named(loss: float) -> str:
    return "NaN" if isnan(loss) else "infinite"


def _check_fit(network: Network, dataset: Dataset) -> None:
    if network.classes != len(dataset.classes):
        raise InvalidInput(
            f"the network tells {network.classes} classes apart, but {dataset.name} has {len(dataset.classes)}"
        )


def _identity(
    network: Network, dataset: Dataset, recipe: Recipe, *, epochs: int, seed: int, transfer: Transfer | None
) -> str:
    """What a checkpoint must agree on to be continued; the budget only where the schedule depends on it."""
    return checkpoints.fingerprint(
        {
            "format": _FORMAT,
            "network": network.to_dict(),
            "dataset": dataset.fingerprint,
            "recipe": recipe.identity(),
            "epochs": None if recipe.schedule.nests else epochs,
            "seed": seed,
            **({} if transfer is None else {"transfer": transfer.identity(dataset)}),
        }
    )


@contextmanager
def _numerics(deterministic: bool) -> Iterator[None]:
    """torch's process-wide switches for the length of an epoch, put back after it."""
    cudnn = torch.backends.cudnn
    before = torch.are_deterministic_algorithms_enabled(), cudnn.benchmark, cudnn.deterministic
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
    torch.use_deterministic_algorithms(deterministic)
    cudnn.benchmark, cudnn.deterministic = not deterministic, deterministic  # every batch has the same shape
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        cudnn.benchmark, cudnn.deterministic = before[1:]
