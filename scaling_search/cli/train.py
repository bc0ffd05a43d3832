"""`train`: one network, fully; several GPUs through torchrun."""

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from scaling_search.cli.ending import INTERRUPTED, end_if_wanted
from scaling_search.environment import Device
from scaling_search.errors import InvalidInput

if TYPE_CHECKING:
    from scaling_search.architecture import Network
    from scaling_search.training.loop import EpochMetrics
    from scaling_search.training.recipe import Recipe
    from scaling_search.training.transfer import Transfer

_ROOM = 8 / 7  # a crop is taken from so many times the network's pixels: 256 for 224, as is usual


def train(
    config: Annotated[str, typer.Argument(help="A family's YAML (family/b1.yaml), a baseline, or a torch network.")],
    data: Annotated[
        str | None, typer.Option(help="Image folder or torchvision data set. Default: embedded shapes.")
    ] = None,
    recipe: Annotated[str, typer.Option(help="proxy, averaged, paper, resnet, or a YAML file of fields.")] = "paper",
    epochs: Annotated[int | None, typer.Option(min=1, max=100_000, help="Default: the recipe's.")] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=2, max=1_000_000, help="Over all processes. Default: the recipe's.")
    ] = None,
    accumulate: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Parts that a batch is cut into, for small memories.")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(min=1e-9, max=1000, help="Peak learning rate. Default: the recipe's.")
    ] = None,
    resolution: Annotated[int | None, typer.Option(min=8, max=4096, help="Pixels. Default: the network's.")] = None,
    init: Annotated[
        str | None, typer.Option(help="Weights to start from: W.safetensors, timm:NAME=FILE or timm:NAME.")
    ] = None,
    head: Annotated[
        Literal["new", "keep"] | None,
        typer.Option(help="With --init: the classifier. Default: kept where the number of classes is the same."),
    ] = None,
    freeze_until: Annotated[
        str | None, typer.Option(help="With --init: stem, a stage's number or head; up to there nothing is trained.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
    device: Annotated[Device, typer.Option()] = "auto",
    deterministic: Annotated[bool, typer.Option(help="The same bits on CUDA too; slower.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder. Default: results/train-<network>-<data>-seed<n>.")] = None,
) -> None:
    """Train one network fully, with checkpoints; the same command continues an interrupted training.

    On several GPUs: torchrun --nproc-per-node 4 --no-python scaling-search train b1.yaml --data PATH
    """
    from scaling_search.cli.epoch_progress import EpochProgress
    from scaling_search.cli.progress import TerminalProgress
    from scaling_search.cli.terminal import make_console
    from scaling_search.data import prepare
    from scaling_search.environment import resolve_device, use_one_thread
    from scaling_search.files import plain
    from scaling_search.search import searchspace
    from scaling_search.training.failure import TrainingFailed
    from scaling_search.training.full import train_in_folder
    from scaling_search.training.parallel import World, first_process_first, process_group

    chosen = _recipe(recipe, batch_size=batch_size, lr=lr, accumulate=accumulate)
    network = searchspace.open_config(config)
    if resolution is not None:
        network = network.replaced(resolution=resolution)
    kind = resolve_device(device)
    if kind == "cpu":
        use_one_thread()
    with process_group(kind) as place:
        console = make_console(quiet=not World.current().leads)
        packed = network.resolution if chosen.crop is None else ceil(network.resolution * _ROOM)
        with first_process_first(), TerminalProgress(console) as progress:
            dataset = prepare(data, resolution=packed, progress=progress.on_data)
        network = network.replaced(classes=len(dataset.classes))
        transfer = _transfer(network, init, head=head, freeze_until=freeze_until)
        network = network if transfer is None else transfer.start.network
        folder = out or Path("results") / f"train-{plain(network.name)}-{plain(dataset.name)}-seed{seed}"
        budget = epochs or chosen.epochs
        console.print(f"{network.name} on {dataset.name}, recipe {chosen.name}, {budget} epochs → {folder}")
        if transfer is not None:
            console.print(transfer.start.summary)
        settings: dict[str, Any] = {
            "epochs": budget, "seed": seed, "device": place, "deterministic": deterministic, "transfer": transfer,
        }  # fmt: skip
        try:
            with EpochProgress(console, epochs=budget) as bar:
                for metrics in train_in_folder(folder, network, dataset, chosen, **settings, watch=bar.update):
                    bar.stop()
                    console.print(_line(metrics, budget))
                    end_if_wanted()
        except TrainingFailed as error:
            console.print(f"training failed: {error.reason}")
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            console.print("stopped; the same command continues")
            raise typer.Exit(INTERRUPTED) from None
        console.print(f"best weights: {folder / 'best.safetensors'}")


def _recipe(name: str, *, batch_size: int | None, lr: float | None, accumulate: int | None) -> "Recipe":
    from scaling_search.training.recipe import open_recipe

    given = {"batch_size": batch_size, "accumulate": accumulate}
    changes: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if lr is not None:
        changes |= {"lr": lr, "lr_batch": None}  # meant for the batch that is trained with
    return open_recipe(name, **changes)


def _transfer(
    network: "Network", init: str | None, *, head: Literal["new", "keep"] | None, freeze_until: str | None
) -> "Transfer | None":
    if init is None:
        if head is not None or freeze_until is not None:
            raise InvalidInput("--head and --freeze-until are for weights that --init names")
        return None
    from scaling_search.networks.starting import start_from
    from scaling_search.training.transfer import Transfer

    return Transfer(start=start_from(network, init, head=head), freeze_until=freeze_until)


def _line(metrics: "EpochMetrics", epochs: int) -> str:
    return (
        f"epoch {metrics.epoch}/{epochs}  loss {metrics.train_loss:.3f}  val {metrics.val_loss:.3f}  "
        f"top-1 {metrics.top1:.2%}  top-5 {metrics.top5:.2%}  "
        f"{metrics.seconds:.0f} s, {metrics.images_per_second:.0f} images/s"
    )
