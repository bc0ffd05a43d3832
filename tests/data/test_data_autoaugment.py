"""AutoAugment's policy and operations against torchvision's."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from scaling_search.data.autoaugment import POLICY, AutoAugment, Step, operation

pytestmark = pytest.mark.zoo
NAMES = {
    "Posterize": "posterize", "Rotate": "rotate", "Solarize": "solarize", "AutoContrast": "autocontrast",
    "Equalize": "equalize", "Color": "colour", "Invert": "invert", "Contrast": "contrast", "Sharpness": "sharpness",
    "ShearX": "shear_x",
}  # fmt: skip


@pytest.fixture
def theirs() -> Any:
    from torchvision.transforms import AutoAugment as Reference

    return Reference()


def test_the_policy_is_torchvisions(theirs: Any) -> None:
    expected = [
        tuple(Step(NAMES[name], probability, level or 0) for name, probability, level in pair)
        for pair in theirs.policies
    ]
    assert list(POLICY) == expected


def picture() -> torch.Tensor:
    """uint8 [1, 32, 32, 3], smooth and coloured, not using the whole range."""
    ramp = np.linspace(20, 200, 32)
    channels = [np.add.outer(ramp, ramp) / 2, np.add.outer(ramp, ramp[::-1]) / 2, np.multiply.outer(ramp, ramp) / 300]
    return torch.from_numpy(np.stack(channels, axis=-1).astype(np.uint8))[None]


def applied(name: str, magnitude: float) -> torch.Tensor:
    """torchvision's operation, whose shear turns about the corner; here, as in Pillow's centred form, the middle."""
    from torchvision.transforms import InterpolationMode, functional
    from torchvision.transforms.autoaugment import _apply_op

    images = picture().permute(0, 3, 1, 2)
    if name == "ShearX":
        shear = [math.degrees(math.atan(magnitude)), 0.0]
        found: torch.Tensor = functional.affine(images, 0.0, [0, 0], 1.0, shear, InterpolationMode.BILINEAR)
    else:
        found = _apply_op(images, name, magnitude, InterpolationMode.BILINEAR, None)
    return found.float()


@pytest.mark.parametrize(("name", "level"), sorted({(step.name, step.level) for pair in POLICY for step in pair}))
@pytest.mark.parametrize("sign", [-1, 1])
def test_each_step_is_torchvisions(theirs: Any, name: str, level: int, sign: int) -> None:
    their_name = next(key for key, value in NAMES.items() if value == name)
    magnitudes, signed = theirs._augmentation_space(10, (32, 32))[their_name]
    magnitude = float(magnitudes[level]) if magnitudes.ndim else 0.0
    strength = torch.full((1, 1, 1, 1), sign * level / 9)
    ours = operation(name)(picture().permute(0, 3, 1, 2).float(), strength).round().clamp(0, 255)
    if name in ("rotate", "shear_x"):  # signs are drawn evenly, so their sense does not matter
        inner = (..., slice(10, -10), slice(10, -10))  # what moves in from outside is filled in another grey
        senses = [applied(their_name, magnitude * sense) for sense in (1, -1)]
        assert min(float((ours - one)[inner].abs().max()) for one in senses) <= 4
        return
    expected = applied(their_name, magnitude * sign if signed else magnitude)
    assert (ours - expected).abs().max() <= (6 if name == "equalize" else 2)


def test_draws_repeat_and_every_pair_comes() -> None:
    augment = AutoAugment()
    draws = augment.draw(600, torch.Generator().manual_seed(0))
    assert torch.equal(draws, augment.draw(600, torch.Generator().manual_seed(0)))
    assert set((draws[:, 0] * len(POLICY)).long().tolist()) == set(range(len(POLICY)))
    images = picture().expand(600, 32, 32, 3)
    changed = augment.apply(images, draws)
    assert changed.dtype == torch.uint8 and changed.shape == images.shape
    share = float((changed != images).flatten(1).any(1).float().mean())
    chances = [1 - math.prod(1 - step.probability * (step.name != "colour" or step.level > 0) for step in pair)
               for pair in POLICY]  # fmt: skip
    assert share == pytest.approx(sum(chances) / len(chances), abs=0.06)
