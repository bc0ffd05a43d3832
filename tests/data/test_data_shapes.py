"""The embedded data set: its bytes, its labels, and what makes an image hard."""

import hashlib

import numpy as np
import pytest

from scaling_search.data import shapes
from scaling_search.data.shapes import ATTRIBUTES, CLASSES, SIDE, View, draw, open_shapes


def read(count: int, **options: float) -> np.ndarray:
    items = open_shapes(train=4000, val=2000, **options).train  # type: ignore[arg-type]
    return np.stack([items.read(index, SIDE) for index in range(count)])


def test_bytes_never_change() -> None:
    """Plain arithmetic on PCG64's bits: a new library or processor must not move a single byte."""
    digest = hashlib.sha256(read(48).tobytes()).hexdigest()
    assert digest[:16] == "6dfd9aca3e01ec78"


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


def test_images_are_bytes_in_colour() -> None:
    image = draw(3, np.random.default_rng(0))
    assert image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8


def test_classes_are_balanced_and_named() -> None:
    source = open_shapes()
    assert source.classes == CLASSES and len(set(CLASSES)) == 12
    assert (len(source.train), len(source.val)) == (4000, 2000)
    assert np.ptp(np.bincount(source.train.labels)) <= 1 and np.ptp(np.bincount(source.val.labels)) <= 1
    assert not source.flip


def test_no_attribute_gathers_classes() -> None:
    """Every attribute spreads the classes evenly and in an order of its own, so that none tells more than others."""
    assert shapes._MEANS.shape == (len(ATTRIBUTES), len(CLASSES))
    assert np.allclose(np.sort(shapes._MEANS), (np.arange(len(CLASSES)) + 0.5) / len(CLASSES))
    assert np.abs(np.corrcoef(shapes._MEANS) - np.eye(len(ATTRIBUTES))).max() < 0.8
    apart = np.linalg.norm(shapes._MEANS[:, :, None] - shapes._MEANS[:, None, :], axis=0)
    assert apart[~np.eye(len(CLASSES), dtype=bool)].min() > 1.0  # no two classes are nearly one


def views(difficulty: float) -> list[View]:
    return [View.drawn(np.random.default_rng(seed), difficulty) for seed in range(400)]


def test_hardness_is_spread_over_the_images() -> None:
    hardness = np.array([view.hardness for view in views(0.5)])
    assert np.mean(hardness < 0.25) == pytest.approx(0.5, abs=0.06)
    assert np.mean(hardness > 0.64) == pytest.approx(0.2, abs=0.05)


def test_visibility_falls_by_equal_factors() -> None:
    """From the plainest to the hardest image contrast falls over its whole range, in its logarithm."""
    many = views(0.5)
    hardness = np.array([view.hardness for view in many])
    strength = np.array([view.grade(0.4, 0.02) for view in many])
    slope, start = np.polyfit(hardness, np.log(strength), deg=1)
    assert slope == pytest.approx(0.7 * np.log(0.02 / 0.4), rel=0.1)
    assert start == pytest.approx(np.log(0.4) + 0.15 * np.log(0.02 / 0.4), abs=0.1)
    assert strength.min() > 0.0199 and strength.max() < 0.4001


def test_at_no_difficulty_images_are_typical() -> None:
    for view in views(0.0)[:20]:
        at = shapes._attributes(7, view)
        assert list(at.values()) == pytest.approx(shapes._MEANS[:, 7])
        assert view.grade(0.4, 0.02) == pytest.approx(0.4) and view.zoom == 1


def test_light_moves_all_warmths_alike_and_tilt_all_directions() -> None:
    """What an image's own light and tilt leave is how parts differ: scatter apart, differences stay the class's."""
    view = max(views(0.5), key=lambda view: abs(view.light) + abs(view.tilt))
    still = View(**{**vars(view), "difficulty": 0.0})  # no scatter
    away = {
        name: value - shapes._MEANS[row, 4] for row, (name, value) in enumerate(shapes._attributes(4, still).items())
    }
    assert {round(away[name] - view.light, 9) for name in shapes.WARMTHS} == {0}
    assert {round(away[name] - view.tilt, 9) for name in shapes.DIRECTIONS} == {0}
    assert {round(away[name], 9) for name in (*shapes.LENGTHS, *shapes.SHAPES, *shapes.GREENS)} == {0}
    assert min(abs(view.light), abs(view.tilt)) > 0.1


def test_difficulty_adds_noise() -> None:
    easy, hard = read(24, difficulty=0.0), read(24, difficulty=1.0)
    step = [np.abs(np.diff(images.astype(int), axis=2)).mean() for images in (easy, hard)]
    assert step[1] > 2 * step[0]
