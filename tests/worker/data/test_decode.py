from __future__ import annotations

import struct
import warnings
import zlib
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image

from tests.worker.data.pictures import encoded, jpeg, png, smooth
from worker.data.decode import Undecodable, decode


def huge_png(width: int, height: int) -> bytes:
    """A well-formed PNG header that promises a great many pixels, and nothing behind it."""

    def part(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", b"") + part(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "zero bytes"),
        (b"hello, this is text", "not a picture"),
        (jpeg(1, 400, 300)[:2000], "broken JPEG: .*truncated"),
        (png(1, 400, 300)[:2000], "broken PNG"),
        (png(1)[:20], "not a picture|broken header"),
        (huge_png(20_000, 20_000), "20000 x 20000 pixels, the limit is"),
        (huge_png(60_000, 60_000), "60000 x 60000 pixels, the limit is"),
        (encoded(Image.new("F", (8, 8)), "TIFF"), "floating-point"),
    ],
)
def test_an_unusable_file_is_refused_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode(content, 16, 3, "crop")


def test_an_ordinary_picture_is_not_changed() -> None:
    for content in (png(1), jpeg(1)):
        square = decode(content, 16, 3, "crop")
        assert square.change is None
        assert square.pixels.shape == (16, 16, 3)
        assert square.pixels.dtype == np.uint8


def red(mode: str) -> Image.Image:
    return Image.new("RGB", (20, 20), (255, 0, 0)).convert(mode)


@pytest.mark.parametrize(
    ("content", "change"),
    [
        (encoded(red("CMYK"), "JPEG", quality=100), "CMYK to RGB"),
        (encoded(red("P"), "PNG"), "palette to RGB"),
        (encoded(red("RGBA"), "PNG"), "RGBA over white"),
        (
            encoded(red("RGB"), "GIF", save_all=True, append_images=[smooth(1, 20, 20)]),
            "first of 2 frames, palette to RGB",
        ),
    ],
)
def test_other_modes_become_rgb_and_are_reported(content: bytes, change: str) -> None:
    square = decode(content, 16, 3, "crop")
    assert square.change == change
    np.testing.assert_allclose(square.pixels.astype(int), np.full((16, 16, 3), [255, 0, 0]), atol=3)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_gray_keeps_its_brightness(channels: int) -> None:
    half = Image.fromarray(np.full((20, 20), 32768, np.uint16))
    square = decode(encoded(half, "PNG"), 16, channels, "crop")
    assert square.change is not None
    assert square.change == "16-bit to 8-bit" + (", gray to RGB" if channels == 3 else "")
    assert set(square.pixels.ravel().tolist()) == {128}


def test_transparent_pixels_are_white() -> None:
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert (decode(encoded(clear), 16, 3, "crop").pixels == 255).all()
    palette = Image.new("P", (20, 20), 0)
    palette.putpalette([255, 0, 0] * 256)
    square = decode(encoded(palette, transparency=0), 16, 3, "crop")
    assert (square.pixels == 255).all()
    assert square.change == "P over white"


def test_colour_becomes_gray_and_gray_becomes_colour() -> None:
    gray = encoded(smooth(1).convert("L"))
    assert decode(gray, 16, 1, "crop").change is None
    assert decode(gray, 16, 3, "crop").change == "gray to RGB"
    assert decode(png(1), 16, 1, "crop").change == "RGB to gray"
    assert decode(png(1), 16, 1, "crop").pixels.shape == (16, 16, 1)


def test_exif_orientation_turns_the_picture_upright() -> None:
    upright = smooth(3, 32, 32)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to look at it
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    square = decode(encoded(turned, exif=exif), 32, 3, "crop")
    assert square.change == "rotated by its EXIF orientation"
    np.testing.assert_array_equal(square.pixels, np.asarray(upright))


def test_an_orientation_that_does_not_exist_turns_nothing() -> None:
    exif = Image.Exif()
    exif[0x0112] = 77
    assert decode(encoded(smooth(3), exif=exif), 32, 3, "crop").change is None


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP", "JPEG", "BMP", "PPM"])
def test_a_damaged_file_is_decoded_or_refused_and_nothing_else(kind: str) -> None:
    frames = {"save_all": True, "append_images": [smooth(2, 20, 20)]}
    content = encoded(smooth(1, 20, 20), kind, **(frames if kind in ("GIF", "TIFF") else {}))
    random = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content[: random.integers(1, len(content) + 1)])
        for place in random.integers(0, len(damaged), random.integers(0, 8)):
            damaged[place] = random.integers(256)
        with suppress(Undecodable), warnings.catch_warnings(action="ignore"):
            assert decode(bytes(damaged), 16, 3, "crop").pixels.shape == (16, 16, 3)


def test_crop_keeps_the_middle_of_the_long_side() -> None:
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200
    assert (decode(encoded(Image.fromarray(wide)), 10, 3, "crop").pixels == 200).all()


def test_pad_keeps_everything_on_black() -> None:
    wide = np.full((10, 20, 3), 200, np.uint8)
    pixels = decode(encoded(Image.fromarray(wide)), 20, 3, "pad").pixels
    assert (pixels[5:15] == 200).all()
    assert (pixels[:5] == 0).all()
    assert (pixels[15:] == 0).all()


def test_stretch_keeps_everything_out_of_proportion() -> None:
    halves = np.zeros((10, 40, 3), np.uint8)
    halves[:, 20:] = 200
    pixels = decode(encoded(Image.fromarray(halves)), 10, 3, "stretch").pixels
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 6:] == 200).all()


def test_shrinking_averages_and_does_not_alias() -> None:
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 255
    pixels = decode(encoded(Image.fromarray(stripes)), 16, 3, "crop").pixels
    assert np.abs(pixels[2:-2, 2:-2].astype(int) - 127).max() <= 8


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_thin_pictures_fit(shape: tuple[int, int], fit: str) -> None:
    assert decode(png(1, *shape), 16, 3, fit).pixels.shape == (16, 16, 3)
