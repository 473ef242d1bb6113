"""PNG files as phones send them: with warnings before them, cut short, black."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache

from PIL import Image

from edgewise.agent.device.errors import BlackFrame, EmptyImage, TruncatedImage

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BLACK = 8
"""Brightness that no pixel of a black picture is above, of 255."""


def whole_png(data: bytes) -> bytes:
    """The PNG file in what a phone sent, from its signature to its last chunk.

    Raises:
        TruncatedImage: if there is none, or not all of it.
    """
    start = data.find(SIGNATURE)
    if start < 0:
        said = data[:80].decode(errors="replace").strip()
        raise EmptyImage(f"the phone sent no picture{f', but: {said}' if said else ''}")
    place = start + len(SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        end = place + 12 + length
        kind = data[place + 4 : place + 8]
        if end > len(data):
            break
        if zlib.crc32(data[place + 4 : end - 4]) != struct.unpack(">I", data[end - 4 : end])[0]:
            raise TruncatedImage("the picture is damaged")
        if kind == b"IEND":
            return data[start:end]
        place = end
    raise TruncatedImage("the picture is cut short")


@lru_cache(maxsize=4)
def grey(data: bytes) -> Image.Image:
    """A picture's brightness; of the last pictures it is read once.

    Raises:
        TruncatedImage: if it cannot be read.
    """
    try:
        return Image.open(io.BytesIO(data)).convert("L")
    except (OSError, SyntaxError, ValueError) as error:
        raise TruncatedImage(f"the picture cannot be read ({error})") from None


def check_not_black(data: bytes) -> None:
    """Require a picture with something on it.

    Raises:
        BlackFrame: if it is black.
        TruncatedImage: if it cannot be read.
    """
    _, brightest = grey(data).getextrema()
    if isinstance(brightest, int | float) and brightest <= BLACK:
        raise BlackFrame("the picture is black")


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG file, from its header."""
    wide, high = struct.unpack(">II", data[16:24])
    return wide, high
