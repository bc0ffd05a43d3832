"""The embedded data set: its bytes, its labels, and that depth, width and resolution matter to it."""

import hashlib
import time

import numpy as np
import pytest

from scaling_search.data import shapes
from scaling_search.data.shapes import CLASSES, DIRECTIONS, SHAPES, SIDE, Figure, open_shapes


def read(count: int, **options: float) -> np.ndarray:
    items = open_shapes(train=4000, val=2000, **options).train  # type: ignore[arg-type]
    return np.stack([items.read(index, SIDE) for index in range(count)])


def test_bytes_never_change() -> None:
    """Plain arithmetic on PCG64's bits: a new library or processor must not move a single byte."""
    digest = hashlib.sha256(read(24).tobytes()).hexdigest()
    assert digest[:16] == "67de77ea3491eeed"


def test_an_image_depends_on_seed_split_and_index_alone() -> None:
    source = open_shapes(train=24, val=24)
    longer = open_shapes(train=48, val=24)
    assert (source.train.read(5, SIDE) == longer.train.read(5, SIDE)).all()
    others = [
        source.val.read(5, SIDE),
        source.train.read(5 + len(CLASSES), SIDE),
        open_shapes(train=24, val=24, seed=1).train.read(5, SIDE),
    ]
    assert all((source.train.read(5, SIDE) != other).mean() > 0.5 for other in others)


def test_classes_are_balanced_and_named() -> None:
    source = open_shapes()
    assert source.classes == CLASSES and len(CLASSES) == len(SHAPES) * len(DIRECTIONS)
    assert (len(source.train), len(source.val)) == (4000, 2000)
    assert np.ptp(np.bincount(source.train.labels)) <= 1 and np.ptp(np.bincount(source.val.labels)) <= 1
    assert not source.flip


def test_difficulty_lowers_the_contrast_of_the_figure() -> None:
    easy, hard = read(24, difficulty=0.0), read(24, difficulty=1.0)
    step = [np.abs(np.diff(images.astype(int), axis=2)).mean() for images in (easy, hard)]
    assert step[1] > 1.5 * step[0]  # noise and clutter


@pytest.mark.parametrize("outline", SHAPES)
def test_outlines_have_the_same_area_and_stay_within_reach(outline: str) -> None:
    figure = Figure(outline=outline, x=64, y=64, radius=30, turn=20, direction=0, period=6)
    inside = shapes._distance(shapes._X - 64, shapes._Y - 64, figure) < 0
    assert inside.sum() == pytest.approx(np.pi * 30**2, rel=0.02)
    far = np.hypot(shapes._X - 64, shapes._Y - 64)[inside].max()
    assert figure.reach - 2 < far <= figure.reach + 0.1


@pytest.mark.parametrize("number", range(4))
def test_stripes_run_the_way_their_name_says(number: int) -> None:
    """The strongest wave in the middle of the figure lies across its stripes: found by its Fourier transform."""
    angle = list(DIRECTIONS.values())[number]
    figure = Figure(outline="disc", x=64, y=64, radius=60, turn=0, direction=angle, period=8)
    wave = shapes._stripes(shapes._X[32:96, 32:96] - 64, shapes._Y[32:96, 32:96] - 64, figure)
    spectrum = np.abs(np.fft.fft2(wave - wave.mean()))
    down, right = np.unravel_index(spectrum.argmax(), spectrum.shape)
    frequencies = np.fft.fftfreq(64)
    across = np.degrees(np.arctan2(-frequencies[down], frequencies[right])) % 180  # the y axis points down
    assert abs((across - angle - 90 + 90) % 180 - 90) < 8
    assert 1 / np.hypot(frequencies[down], frequencies[right]) == pytest.approx(8, rel=0.1)


def test_drawing_is_fast() -> None:
    start = time.process_time()
    read(50)
    assert (time.process_time() - start) / 50 < 0.010  # under a minute for all 6,000 on one core
