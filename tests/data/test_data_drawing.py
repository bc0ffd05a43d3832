"""What the embedded data set is drawn with: areas, reach, directions, and what is laid over what."""

import numpy as np
import pytest

from scaling_search.data import drawing
from scaling_search.data.drawing import CANVAS, OUTLINES, Figure, distance, dot, paint, rippled, tint

_PLACES = np.arange(CANVAS, dtype=np.float32) - 32


def inside(figure: Figure, places: np.ndarray = _PLACES) -> np.ndarray:
    """Which points a figure in the middle covers, of places [n] both ways: bool [n, n]."""
    return distance(places, places[:, None], figure) < 0


@pytest.mark.parametrize("outline", OUTLINES)
def test_outlines_have_about_the_same_area(outline: str) -> None:
    """Size must not tell the outline; a stretch keeps the area."""
    figure = Figure(outline=outline, x=32, y=32, radius=14, turn=20, stretch=1.3)
    fine = np.arange(-32, 32, 0.1, dtype=np.float32)
    assert inside(figure, fine).sum() * 0.01 == pytest.approx(np.pi * 14**2, rel=0.03)


@pytest.mark.parametrize("turn", [0, 20, 75])
@pytest.mark.parametrize("outline", OUTLINES)
def test_nothing_is_painted_beyond_reach_or_cut_off_at_it(outline: str, turn: float) -> None:
    figure = Figure(outline=outline, x=32, y=32, radius=11, turn=turn, stretch=1.5)
    rows, columns = np.nonzero(inside(figure))
    side, up = figure.reach
    assert np.abs(columns - 32).max() <= side and np.abs(rows - 32).max() <= up
    image = np.zeros((3, CANVAS, CANVAS), np.float32)
    paint(image, figure, np.float32(1))
    assert np.array_equal(image[0] > 0.5, inside(figure))


@pytest.mark.parametrize("direction", [0, 45, 90, 150])
def test_waves_lie_across_their_direction(direction: float) -> None:
    """The strongest wave, found by its Fourier transform."""
    waves = rippled(direction, period=8)[:64, :64]
    spectrum = np.abs(np.fft.fft2(waves))
    down, right = np.unravel_index(spectrum.argmax(), spectrum.shape)
    frequencies = np.fft.fftfreq(64)
    found = np.degrees(np.arctan2(-frequencies[down], frequencies[right])) % 180  # the y axis points down
    assert abs((found - direction + 90) % 180 - 90) < 8
    assert 1 / np.hypot(frequencies[down], frequencies[right]) == pytest.approx(8, rel=0.1)


def test_waves_are_as_high_as_asked() -> None:
    waves = rippled(30, period=20)
    assert waves.max() == pytest.approx(0.5, abs=0.01) and waves.min() == pytest.approx(-0.5, abs=0.01)


def test_a_dot_is_a_disc_without_waves() -> None:
    images = np.zeros((2, 3, CANVAS, CANVAS), np.float32)
    dot(images[0], 60.3, 32.7, radius=10.2, colour=tint(0.8, 0.3))
    paint(images[1], Figure(x=60.3, y=32.7, radius=10.2), tint(0.8, 0.3))
    assert np.allclose(images[0], images[1], atol=1e-6)
    assert images[0, 0, 32, 60] > 0 > images[0, 2, 32, 60]  # orange


def test_a_figure_outside_the_canvas_changes_nothing() -> None:
    image = np.zeros((3, CANVAS, CANVAS), np.float32)
    dot(image, -30, 200, radius=9, colour=tint(1, 0))
    paint(image, Figure(x=200, y=-40, radius=9), np.float32(1))
    assert not image.any()


def test_the_background_is_even_where_its_contrast_is_nothing() -> None:
    calm = drawing.background(np.random.default_rng(0), 0.4, contrast=0)
    noisy = drawing.background(np.random.default_rng(0), 0.4, contrast=0.3)
    assert calm.shape == (3, CANVAS, CANVAS) and calm.dtype == np.float32
    assert np.allclose(calm, calm[:, :1, :1], atol=1e-6) and abs(calm.mean() - 0.4) < 0.06
    assert noisy.std(axis=(1, 2)).min() > 0.05
