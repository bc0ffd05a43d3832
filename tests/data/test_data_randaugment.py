"""RandAugment's operations against Pillow's, and its draws."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from scaling_search.data import Augment, RandAugment
from scaling_search.data.randaugment import OPERATIONS

STRENGTH = 0.5


@pytest.fixture
def picture() -> Image.Image:
    """32 × 32, smooth and coloured, not using the whole range."""
    ramp = np.linspace(20, 200, 32)
    channels = [np.add.outer(ramp, ramp) / 2, np.add.outer(ramp, ramp[::-1]) / 2, np.multiply.outer(ramp, ramp) / 300]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def applied(name: str, picture: Image.Image, strength: float = STRENGTH) -> np.ndarray:
    images = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None].float()
    return OPERATIONS[name](images, torch.full((1, 1, 1, 1), strength))[0].permute(1, 2, 0).numpy()


def affine(picture: Image.Image, matrix: tuple[float, ...]) -> Image.Image:
    return picture.transform(picture.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


@pytest.mark.parametrize(
    ("name", "reference", "tolerance"),
    [
        ("identity", lambda image: image, 0),
        ("autocontrast", ImageOps.autocontrast, 2),
        ("equalize", ImageOps.equalize, 6),
        ("posterize", lambda image: ImageOps.posterize(image, 6), 0),
        ("solarize", lambda image: ImageOps.solarize(image, 128), 0),
        ("brightness", lambda image: ImageEnhance.Brightness(image).enhance(1.45), 1),
        ("colour", lambda image: ImageEnhance.Color(image).enhance(1.45), 1.5),
        ("contrast", lambda image: ImageEnhance.Contrast(image).enhance(1.45), 1.5),
        ("sharpness", lambda image: ImageEnhance.Sharpness(image).enhance(1.45), 2),
        ("rotate", lambda image: image.rotate(15, Image.Resampling.BILINEAR), 2),
        ("shear_x", lambda image: affine(image, (1, 0.15, -0.15 * 16, 0, 1, 0)), 2),
        ("shear_y", lambda image: affine(image, (1, 0, 0, 0.15, 1, -0.15 * 16)), 2),
        ("translate_x", lambda image: affine(image, (1, 0, 0.225 * 32, 0, 1, 0)), 2),
        ("translate_y", lambda image: affine(image, (1, 0, 0, 0, 1, 0.225 * 32)), 2),
    ],
)
def test_operations_are_pillows(
    picture: Image.Image, name: str, reference: Callable[[Image.Image], Image.Image], tolerance: float
) -> None:
    inner = slice(10, -10)  # what moves in from outside the picture is filled in another grey
    expected = np.asarray(reference(picture)).astype(float)[inner, inner]
    assert abs(applied(name, picture)[inner, inner] - expected).max() <= tolerance


def test_sharpness_softens_noise_and_keeps_the_border_like_pillow() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    soft = np.asarray(noise.filter(ImageFilter.SMOOTH)).astype(float)
    assert applied("sharpness", noise, -1 / 0.9) == pytest.approx(soft, abs=1)


def test_draws_are_repeatable_and_reach_every_operation() -> None:
    augment = RandAugment(layers=2)
    draws = augment.draw(500, torch.Generator().manual_seed(0))
    assert torch.equal(draws, augment.draw(500, torch.Generator().manual_seed(0)))
    assert set((draws[:, :, 0] * len(OPERATIONS)).long().flatten().tolist()) == set(range(len(OPERATIONS)))


def test_no_layers_change_nothing_and_two_change_most() -> None:
    images = torch.randint(0, 256, (32, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    stream = torch.Generator().manual_seed(0)
    assert torch.equal(Augment(flip=False, shift=0, policies=(RandAugment(layers=0),))(images, stream), images)
    changed = Augment(flip=False, shift=0, policies=(RandAugment(),))(images, stream)
    assert changed.dtype == torch.uint8 and changed.shape == images.shape
    assert (changed != images).flatten(1).any(1).sum() >= 28
