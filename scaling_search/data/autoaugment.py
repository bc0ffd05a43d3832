"""AutoAugment (Cubuk et al., arXiv 1805.09501, table 9): the published policy for ImageNet, for a whole batch.

Each image goes through one of 25 pairs of operations, each with its probability and strength. The operations are those
of RandAugment; images that drew the same one go through it together.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from scaling_search.data.device import sent
from scaling_search.data.randaugment import OPERATIONS, invert


class Step(NamedTuple):
    """One operation of a pair: its probability, and its strength in ninths."""

    name: str
    probability: float
    level: int = 0


POLICY: tuple[tuple[Step, Step], ...] = (
    (Step("posterize", 0.4, 8), Step("rotate", 0.6, 9)),
    (Step("solarize", 0.6, 5), Step("autocontrast", 0.6)),
    (Step("equalize", 0.8), Step("equalize", 0.6)),
    (Step("posterize", 0.6, 7), Step("posterize", 0.6, 6)),
    (Step("equalize", 0.4), Step("solarize", 0.2, 4)),
    (Step("equalize", 0.4), Step("rotate", 0.8, 8)),
    (Step("solarize", 0.6, 3), Step("equalize", 0.6)),
    (Step("posterize", 0.8, 5), Step("equalize", 1.0)),
    (Step("rotate", 0.2, 3), Step("solarize", 0.6, 8)),
    (Step("equalize", 0.6), Step("posterize", 0.4, 6)),
    (Step("rotate", 0.8, 8), Step("colour", 0.4, 0)),
    (Step("rotate", 0.4, 9), Step("equalize", 0.6)),
    (Step("equalize", 0.0), Step("equalize", 0.8)),
    (Step("invert", 0.6), Step("equalize", 1.0)),
    (Step("colour", 0.6, 4), Step("contrast", 1.0, 8)),
    (Step("rotate", 0.8, 8), Step("colour", 1.0, 2)),
    (Step("colour", 0.8, 8), Step("solarize", 0.8, 7)),
    (Step("sharpness", 0.4, 7), Step("invert", 0.6)),
    (Step("shear_x", 0.6, 5), Step("equalize", 1.0)),
    (Step("colour", 0.4, 0), Step("equalize", 0.6)),
    (Step("equalize", 0.4), Step("solarize", 0.2, 4)),
    (Step("solarize", 0.6, 5), Step("autocontrast", 0.6)),
    (Step("invert", 0.6), Step("equalize", 1.0)),
    (Step("colour", 0.6, 4), Step("contrast", 1.0, 8)),
    (Step("equalize", 0.8), Step("equalize", 0.6)),
)
_HIGHEST = 9  # level


class AutoAugment:
    """The policy, drawn on the CPU and applied on the device of the images."""

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Which pair; for each of the two whether, and with which sign. float32 [count, 5], in 0..1."""
        return torch.rand((count, 5), generator=generator)

    def apply(self, images: Tensor, draws: Tensor) -> Tensor:
        """uint8 [n, s, s, 3] → uint8 [n, s, s, 3]; draws on the CPU."""
        pixels = images.permute(0, 3, 1, 2).float()
        chosen = (draws[:, 0] * len(POLICY)).long()
        for place in range(2):
            whether, sign = draws[:, 1 + 2 * place], draws[:, 2 + 2 * place]
            groups: dict[Step, list[int]] = {}
            for index, pair in enumerate(chosen.tolist()):
                step = POLICY[pair][place]
                if float(whether[index]) < step.probability:
                    groups.setdefault(Step(step.name, 1.0, step.level), []).append(index)
            for step, members in groups.items():
                rows = torch.tensor(members)
                strength = torch.where(sign[rows] < 0.5, -1.0, 1.0) * (step.level / _HIGHEST)
                there = sent(rows, images.device)
                moved = operation(step.name)(pixels[there], sent(strength, images.device).view(-1, 1, 1, 1))
                pixels[there] = moved
            pixels = pixels.round().clamp(0, 255)  # each operation of Pillow's gives whole numbers
        return pixels.to(torch.uint8).permute(0, 2, 3, 1)


def operation(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    """An operation of the policy by name; of RandAugment's fourteen, or the inversion, which that has not."""
    return invert if name == "invert" else OPERATIONS[name]
