"""Every kind of image file looks the way a person would expect."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from scaling_search.data.decode import decode, to_rgb
from scaling_search.data.source import Unreadable

RED, WHITE = [255, 0, 0], [255, 255, 255]


def saved(tmp_path: Path, image: Image.Image, name: str, **options: Any) -> np.ndarray:
    image.save(tmp_path / name, **options)
    return decode(tmp_path / name, 8)


def half(mode: str, left: object, right: object) -> Image.Image:
    """A 16 × 16 image, left and right halves of one colour each."""
    image = Image.new(mode, (16, 16), right)  # type: ignore[arg-type]
    image.paste(left, (0, 0, 8, 16))  # type: ignore[arg-type]
    return image


def test_alpha_is_laid_on_white(tmp_path: Path) -> None:
    pixels = saved(tmp_path, half("RGBA", (255, 0, 0, 255), (0, 0, 0, 0)), "a.png")
    assert pixels[4, 1].tolist() == RED and pixels[4, 6].tolist() == WHITE


def test_palette_with_transparency(tmp_path: Path) -> None:
    image = half("P", 1, 0)
    image.putpalette([0, 0, 0, 255, 0, 0])
    pixels = saved(tmp_path, image, "p.png", transparency=0)
    assert pixels[4, 1].tolist() == RED and pixels[4, 6].tolist() == WHITE


def test_palette_without_transparency(tmp_path: Path) -> None:
    image = half("P", 1, 0)
    image.putpalette([0, 0, 255, 255, 0, 0])
    pixels = saved(tmp_path, image, "p.gif")
    assert pixels[4, 1].tolist() == RED and pixels[4, 6].tolist() == [0, 0, 255]


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    values = np.full((16, 16), 32768, np.uint16)
    pixels = saved(tmp_path, Image.fromarray(values), "deep.png")
    assert (pixels == 128).all()


def test_floats_up_to_one_are_white_at_one(tmp_path: Path) -> None:
    pixels = saved(tmp_path, Image.fromarray(np.full((16, 16), 0.5, np.float32)), "float.tiff")
    assert (pixels == 128).all()


def test_wide_integers_that_hold_bytes_stay_as_they_are() -> None:
    assert np.asarray(to_rgb(Image.new("I", (4, 4), 200)))[0, 0].tolist() == [200, 200, 200]


def test_cmyk_and_grey_and_bilevel(tmp_path: Path) -> None:
    red = saved(tmp_path, Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "c.jpg")[4, 4]
    assert red[0] > 240 and red[1] < 15 and red[2] < 15
    assert (saved(tmp_path, Image.new("L", (16, 16), 77), "l.png") == 77).all()
    assert (saved(tmp_path, Image.new("1", (16, 16), 1), "one.png") == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation_is_applied(tmp_path: Path, orientation: int) -> None:
    upright = half("RGB", (255, 0, 0), (0, 0, 255))
    undo = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    undo |= {6: "ROTATE_90", 7: "TRANSVERSE", 8: "ROTATE_270"}
    stored = upright.transpose(Image.Transpose[undo[orientation]]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = saved(tmp_path, stored, "rotated.png", exif=exif)
    assert pixels[4, 1].tolist() == RED and pixels[4, 6].tolist() == [0, 0, 255]


def test_the_middle_square_is_kept(tmp_path: Path) -> None:
    image = Image.new("RGB", (48, 16), "blue")
    image.paste((255, 0, 0), (16, 0, 32, 16))
    assert (saved(tmp_path, image, "wide.png")[:, 1:-1] == RED).all()  # antialiasing looks a pixel beyond the cut


def test_resizing_antialiases(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    pixels = saved(tmp_path, Image.fromarray(stripes), "stripes.png")
    assert abs(pixels.astype(int) - 128).max() < 8  # grey, not moiré


def test_large_jpeg_is_decoded_small_without_a_visible_difference(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 512).astype(np.uint8)
    image = Image.fromarray(np.stack([np.add.outer(ramp // 2, ramp // 2)] * 3, axis=-1))
    image.save(tmp_path / "large.jpg", quality=95)
    small = np.asarray(image.resize((8, 8), Image.Resampling.BICUBIC)).astype(int)
    assert abs(decode(tmp_path / "large.jpg", 8) - small).max() <= 3


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "bmp", "tiff"])
def test_truncated_and_foreign_files_are_unreadable(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"image.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"not an image at all"):
        path.write_bytes(broken)
        with pytest.raises(Unreadable):
            decode(path, 8)


def test_a_disk_that_fails_is_not_an_image_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(number: int) -> Callable[[Path], None]:
        def opened(path: Path) -> None:
            raise OSError(number, "reading fails", str(path))

        return opened

    monkeypatch.setattr("PIL.Image.open", failing(errno.EIO))
    with pytest.raises(OSError, match="reading fails"):
        decode(tmp_path / "x.png", 8)
    monkeypatch.setattr("PIL.Image.open", failing(errno.EACCES))
    with pytest.raises(Unreadable, match="reading fails"):
        decode(tmp_path / "x.png", 8)
