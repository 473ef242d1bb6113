"""Pictures of the display as arrays, and what tells whether two show the same."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from edgewise.agent.device.errors import TruncatedImage
from edgewise.agent.screen import Box

Pixels = UInt8[np.ndarray, "h w 3"]
NARROW_DP = 360
"""Width of an upright phone in Android's density-independent pixels: most phones have about as many, whatever their display."""
STATUS_DP = 26
"""Height of the strip at the top with the clock and the battery, density-independent pixels; Android has 24 or more."""


@dataclass(frozen=True)
class Boxed:
    """Something in a picture.

    Attributes:
        box: that bounds it, pixels.
    """

    box: Box

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, pixels."""
        return self.box[2] - self.box[0], self.box[3] - self.box[1]

    @property
    def middle(self) -> tuple[float, float]:
        """Of its box, pixels."""
        return (self.box[0] + self.box[2]) / 2, (self.box[1] + self.box[3]) / 2


def pixels_of(png: bytes) -> Pixels:
    """The pixels of a PNG file, red, green and blue.

    Raises:
        TruncatedImage: if it cannot be read.
    """
    try:
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise TruncatedImage(f"the picture cannot be read ({error})") from None


def unit_of(size: tuple[int, int]) -> float:
    """Pixels in a density-independent pixel, from width and height of the display."""
    return max(1.0, min(size) / NARROW_DP)


def picture_digest(pixels: Pixels) -> str:
    """Digest of a picture, hexadecimal, without the strip of the clock: equal digests mean that nothing has happened.

    A minute that passes, the battery and signals in that strip change nothing; one pixel of the rest does.
    """
    high, wide, _ = pixels.shape
    shown = pixels[round(STATUS_DP * unit_of((wide, high))) :]
    return hashlib.blake2b(np.ascontiguousarray(shown).data, digest_size=16).hexdigest()
