"""A full training in a folder of its own: continued when started again, the best weights kept beside the log.

FOLDER/train.yaml          what is trained; another training is refused here
       config.json         how its images are prepared and what its classes are called, by timm's keys
       history.csv         one row an epoch
       log.csv             one row about every half minute: step, loss, learning rate, speed
       last.pt             the newest checkpoint (last.pt.previous: the one before)
       best.safetensors    the weights of the epoch with the highest top-1, by the names of `networks.build`
"""

import csv
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from scaling_search.architecture import Architecture, Network
from scaling_search.configuration import read_yaml, to_yaml
from scaling_search.data import Dataset
from scaling_search.errors import InvalidInput
from scaling_search.files import sweep, write_atomically
from scaling_search.locks import alone_in, is_unclaimed
from scaling_search.networks.preprocessing import Preprocessing, write_config
from scaling_search.training import checkpoint
from scaling_search.training.loop import EpochMetrics, train_epochs
from scaling_search.training.parallel import World
from scaling_search.training.recipe import Recipe
from scaling_search.training.transfer import Transfer
from scaling_search.training.watching import Moment, Watch

_CONFIGURATION, _HISTORY, _LAST, _BEST = "train.yaml", "history.csv", "last.pt", "best.safetensors"
_LOG = "log.csv"
_LOG_SECONDS = 30.0


def train_in_folder(
    folder: Path,
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int = 0,
    device: str = "cpu",
    deterministic: bool = False,
    transfer: Transfer | None = None,
    watch: Watch | None = None,
) -> Iterator[EpochMetrics]:
    """Train, or continue a training, in a folder; yields each epoch's metrics, those already done first.

    Args:
        transfer: weights to start from; the data then have the colours that these know.
        watch: is told of every step.

    Where several processes train together (torchrun), the first one writes.

    Raises:
        InvalidInput: the folder holds something else, another process is at work in it, or the network does not fit the
            data set.
        TrainingFailed: as `train_epochs`.
    """
    leads = World.current().leads
    if transfer is not None:
        dataset = transfer.normalised(dataset)
    with ExitStack() as stack:
        if leads:
            described = _description(network, dataset, recipe, epochs=epochs, seed=seed, transfer=transfer)
            stack.enter_context(_claimed(folder, described))
            write_config(folder, preparation(network, dataset))
            watch = _logged(folder / _LOG, watch)
        yield from _train(
            folder, network, dataset, recipe,
            epochs=epochs, seed=seed, device=device, deterministic=deterministic, leads=leads, transfer=transfer,
            watch=watch,
        )  # fmt: skip


def _train(
    folder: Path,
    network: Network,
    dataset: Dataset,
    recipe: Recipe,
    *,
    epochs: int,
    seed: int,
    device: str,
    deterministic: bool,
    leads: bool,
    transfer: Transfer | None,
    watch: Watch | None,
) -> Iterator[EpochMetrics]:
    last = folder / _LAST
    since = _first_to_keep(folder) if leads else 1
    history: list[EpochMetrics] = []
    for metrics in train_epochs(
        network,
        dataset,
        recipe,
        epochs=epochs,
        seed=seed,
        device=device,
        checkpoint=last,
        deterministic=deterministic,
        transfer=transfer,
        watch=watch,
    ):
        history.append(metrics)
        if leads:
            _write_history(folder / _HISTORY, history)
            if metrics is best(history[since - 1 :] or history) and checkpoint.epochs_done(last) == metrics.epoch:
                _keep_best(folder / _BEST, last, metrics)
        yield metrics


def best(history: list[EpochMetrics]) -> EpochMetrics:
    """The epoch with the highest top-1; of equals the one with the lower validation loss, then the later."""
    return max(history, key=lambda one: (one.top1, -one.val_loss, one.epoch))


def preparation(network: Network, dataset: Dataset) -> dict[str, Any]:
    """The content of config.json beside the weights: preprocessing, classes, eps; by timm's keys."""
    side = dataset.train.side
    how = Preprocessing(
        pixels=network.resolution,
        mean=dataset.mean,
        std=dataset.std,
        labels=dataset.classes,
        packed=None if side == network.resolution else side,
        eps=network.batch_norm.eps if isinstance(network, Architecture) else None,
    )
    return how.to_config(architecture=network.name, classes=network.classes)


def _logged(path: Path, watch: Watch | None) -> Watch:
    """Also writes a row of the log, about every half minute and at each epoch's last step."""
    last = time.monotonic()

    def look(moment: Moment) -> None:
        nonlocal last
        if watch is not None:
            watch(moment)
        now = time.monotonic()
        if now - last < _LOG_SECONDS and moment.step < moment.steps:
            return
        last = now
        row = {
            "epoch": moment.epoch, "step": moment.step, "images_seen": moment.images_seen,
            "train_loss": f"{moment.train_loss():.5f}", "lr": f"{moment.lr:.6g}",
            "images_per_second": f"{moment.images_per_second:.1f}",
        }  # fmt: skip
        header = "" if path.exists() else ",".join(row) + "\n"
        with path.open("a", encoding="utf-8") as file:
            file.write(header + ",".join(map(str, row.values())) + "\n")

    return look


def _description(
    network: Network, dataset: Dataset, recipe: Recipe, *, epochs: int, seed: int, transfer: Transfer | None
) -> dict[str, Any]:
    begun = {} if transfer is None else {"transfer": {"from": transfer.start.summary, **transfer.identity(dataset)}}
    return {
        "network": network.to_dict(),
        "dataset": {"name": dataset.name, "classes": list(dataset.classes), "fingerprint": dataset.fingerprint},
        "recipe": {"name": recipe.name, "epochs": recipe.epochs, **recipe.identity()},
        "epochs": epochs,
        "seed": seed,
        **begun,
    }


@contextmanager
def _claimed(folder: Path, description: dict[str, Any]) -> Iterator[None]:
    """The folder is this training's, and no other process is at work in it, while the block lasts.

    Raises:
        InvalidInput: it is another training's, holds files that no training wrote, or somebody is at work in it.
    """
    _check_free(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with alone_in(folder):
        sweep(folder)
        _claim(folder, description)
        yield


def _check_free(folder: Path) -> None:
    if (folder / _CONFIGURATION).exists() or not folder.exists():
        return
    if not is_unclaimed(folder):
        raise InvalidInput(f"{folder} is there already and holds no training; choose another --out")


def _claim(folder: Path, description: dict[str, Any]) -> None:
    path = folder / _CONFIGURATION
    if path.exists():
        before = read_yaml(path) or {}
        changed = [key for key, value in description.items() if before.get(key) != value]
        if changed:
            raise InvalidInput(
                f"{folder} holds another training (its {' and '.join(changed)} differ); choose another --out"
            )
        return
    write_atomically(path, to_yaml(description))


def _write_history(path: Path, history: list[EpochMetrics]) -> None:
    text = StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(EpochMetrics)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(metrics) for metrics in history)
    write_atomically(path, text.getvalue())


def _keep_best(path: Path, last: Path, metrics: EpochMetrics) -> None:
    """The checkpoint's weights as safetensors; done again only where this epoch's are not there yet."""
    if path.exists() and _epoch_of(path) == metrics.epoch:
        return
    notes = {"epoch": str(metrics.epoch), "top1": f"{metrics.top1:.6f}", "val_loss": f"{metrics.val_loss:.6f}"}
    weights = {name: tensor.contiguous() for name, tensor in checkpoint.weights(last).items()}
    write_atomically(path, save(weights, metadata=notes))


def _first_to_keep(folder: Path) -> int:
    """The first epoch whose weights can be the best ones: the newest, where those of an earlier one are damaged."""
    path = folder / _BEST
    if not path.exists() or _epoch_of(path):
        return 1
    warnings.warn(f"{path} is damaged; the best weights from here on are kept", stacklevel=3)
    path.unlink()
    return max(1, checkpoint.epochs_done(folder / _LAST))


def _epoch_of(path: Path) -> int:
    """Whose weights the file holds; 0 where it is damaged."""
    try:
        with safe_open(path, "pt") as file:
            return int((file.metadata() or {}).get("epoch", 0))
    except (SafetensorError, ValueError):
        return 0
