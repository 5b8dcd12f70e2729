"""One picture file to one packed square, with what was wrong or changed in words.

Pillow and not DALI: it copes with every mode and names what is broken, and a picture is decoded
here only once. The filter is bilinear with antialiasing because DALI and torchvision have the same
one, so that streamed pictures equal packed ones. Knows nothing of files and folders.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from worker.data.fit import Fit, place

PIXEL_LIMIT = 150_000_000
"""Width times height above which a file is refused by its header: a few kilobytes can promise
gigabytes. 450 MB decoded; more than any current camera's single shot."""

# A table, because arithmetic on a large picture would hold it in memory eight bytes a pixel.
TO_8_BIT = ((np.arange(65536) + 128) // 257).astype(np.uint8)

# Only decoders of the formats that are asked for; Pillow has dozens, and each can be attacked.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")

Image.MAX_IMAGE_PIXELS = None  # Pillow's own check only warns up to twice its limit; ours refuses


class Undecodable(Exception):  # noqa: N818 - a finding about a file, not a failure of the program
    """The file cannot be used; the message is the reason a person reads."""


@dataclass(frozen=True)
class Square:
    """A decoded picture."""

    pixels: NDArray[np.uint8]
    """(side, side, channels) uint8."""
    change: str | None
    """What was converted, for example `CMYK to RGB`; None where nothing was."""


def decode(content: bytes, side: int, channels: Literal[1, 3], fit: Fit) -> Square:
    """Decodes, orients, converts to RGB or gray, and fits into a square. Raises Undecodable."""
    if not content:
        raise Undecodable("zero bytes")
    with _open(content) as image:
        width, height = image.size
        if width * height > PIXEL_LIMIT:
            raise Undecodable(f"{width} x {height} pixels, the limit is {PIXEL_LIMIT} in all")
        try:
            changes = _frames(image) + (["16-bit to 8-bit"] if _is_deep_png(content) else [])
            image.load()
            upright = ImageOps.exif_transpose(image)
            changes += ["rotated by its EXIF orientation"] if _is_turned(image) else []
            flat, modes = _to_mode(upright, "RGB" if channels == 3 else "L")
            pixels = _fit(flat, side, fit).reshape(side, side, channels)
        except Undecodable:
            raise
        except Exception as error:  # over a broken file a decoder raises anything
            raise Undecodable(f"broken {image.format}: {error or type(error).__name__}") from error
        return Square(pixels, ", ".join(dict.fromkeys(changes + modes)) or None)


@dataclass(frozen=True)
class Header:
    """What a file says of its picture before it is decoded."""

    width: int
    """Pixels, as stored: before an EXIF orientation."""
    height: int
    format: str
    """Pillow's name: JPEG, PNG, ..."""
    mode: str
    """Pillow's name: RGB, L, P, CMYK, ..."""
    file_bytes: int


def header(content: bytes) -> Header:
    """Reads the header alone. Raises Undecodable."""
    with _open(content) as image:
        return Header(*image.size, str(image.format), image.mode, len(content))


def _open(content: bytes) -> Image.Image:
    """Reads the header alone."""
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        raise Undecodable("not a picture, or its header is broken") from error
    except Exception as error:  # as above: a hostile header can raise anything
        raise Undecodable(f"broken header: {error or type(error).__name__}") from error


def _frames(image: Image.Image) -> list[str]:
    frames = getattr(image, "n_frames", 1)
    # MPO, what phones write, is one JPEG with previews behind it: nothing is lost by its first.
    return [f"first of {frames} frames"] if frames > 1 and image.format != "MPO" else []


def _is_turned(image: Image.Image) -> bool:
    return image.getexif().get(0x0112) in range(2, 9)  # EXIF tag Orientation; 1 is upright


def _is_deep_png(content: bytes) -> bool:
    """The 25th byte of a PNG is its bit depth; Pillow opens 16-bit colour as RGB without a word."""
    return content.startswith(b"\x89PNG") and len(content) > 24 and content[24] == 16


def _to_mode(image: Image.Image, mode: str) -> tuple[Image.Image, list[str]]:
    """Converts to RGB or L; alpha goes over white, as a page or a browser shows it."""
    changes = []
    if image.mode == "F":
        raise Undecodable("floating-point pixels have no fixed range")
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image), 0, 65535).astype(np.uint16)
        image = Image.fromarray(TO_8_BIT[levels])
        changes.append("16-bit to 8-bit")
    if image.has_transparency_data:
        changes.append(f"{image.mode} over white")
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image).convert("RGB")
    if image.mode != mode:
        names = {"P": "palette", "L": "gray", "1": "black and white"}
        changes.append(f"{names.get(image.mode, image.mode)} to {names.get(mode, mode)}")
        image = image.convert(mode)
    return image, changes


def _fit(image: Image.Image, side: int, fit: Fit) -> NDArray[np.uint8]:
    placement = place(*image.size, side, fit)
    part = image.resize(placement.size, Image.Resampling.BILINEAR, box=placement.box)
    if placement.size != (side, side):
        square = Image.new(image.mode, (side, side))
        square.paste(part, placement.offset)
        part = square
    return np.asarray(part, dtype=np.uint8)
