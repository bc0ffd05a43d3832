"""Top-1, top-5 and cross-entropy of a module over the validation images."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scaling_search.data import Loader
from scaling_search.training.parallel import World

_BATCH = 256  # images; larger than in training because nothing is kept for a backward pass
_CPU_BATCH, _CPU_PIXELS = 128, 2**20  # on a CPU larger ones leave its cache, and blocks of memory that it keeps


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Means over the images of a split: cross-entropy in nats without smoothing, accuracies as fractions."""

    loss: float
    top1: float
    top5: float


def validate(module: nn.Module, images: Loader, world: World, *, parts: int = 1) -> Evaluation:
    """Evaluate over a split.

    Args:
        images: without augmentation.
        parts: into how many a batch has to be cut for the memory.
    """
    rows = world.share(torch.arange(len(images)))
    on_cpu = images.device.type == "cpu"
    batch = min(_CPU_BATCH, -(-_CPU_PIXELS // images.pixels**2)) if on_cpu else _BATCH
    return evaluate(module, images.batches(rows, batch_size=max(1, batch // parts)), world)


@torch.inference_mode()
def evaluate(module: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], world: World) -> Evaluation:
    """Evaluate over batches of (images [n, 3, r, r], labels [n]); sums stay on the device until the end.

    With fewer than five classes top-5 counts the label among all of them, which is always there.
    """
    module.eval()
    sums: Tensor | None = None
    for images, labels in batches:
        part = _sums(module(images).float(), labels)
        sums = part if sums is None else sums + part
    assert sums is not None, "nothing to evaluate"
    loss, top1, top5, count = world.total(sums).tolist()
    return Evaluation(loss=loss / count, top1=top1 / count, top5=top5 / count)


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    """[4]: summed cross-entropy, top-1 hits, top-5 hits, images; float64, so that the order of batches is no matter."""
    best = logits.topk(min(5, logits.shape[1]), dim=1).indices  # [n, k]
    hits = best == labels[:, None]  # [n, k]
    loss = F.cross_entropy(logits, labels, reduction="sum")
    count = torch.full_like(loss, len(labels), dtype=torch.float64)
    return torch.stack([loss.double(), hits[:, 0].sum().double(), hits.any(dim=1).sum().double(), count])
