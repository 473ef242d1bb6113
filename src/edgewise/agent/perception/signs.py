"""Signs: what the icons of a user interface stand for, and the small pictures that they are told by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from edgewise.agent.phone.glyphs import LINES
from edgewise.agent.screen import Box

NOTHING = "nothing"
"""What is no sign: a letter, an edge, an icon that nobody has named."""
SIGNS = (NOTHING, *LINES)
"""Names of the signs; those of the simulated phone, whose meaning is that of other phones' icons too."""
SIDE = 24
"""Pixels of a small picture's side."""
ROOM = 1.25
"""Side of what is cut out, in longer sides of the mark."""


@dataclass(frozen=True)
class Sign:
    """What a mark was taken for.

    Attributes:
        name: among `SIGNS`.
        confidence: probability that the classifier gives it.
    """

    name: str
    confidence: float


@runtime_checkable
class NamesSigns(Protocol):
    """A sign classifier."""

    def __call__(self, pictures: Sequence[Float[np.ndarray, "24 24"]], /) -> list[Sign]:
        """What each small picture shows."""
        ...


def cut_out(ink: UInt8[np.ndarray, "h w"], box: Box) -> Float[np.ndarray, "24 24"]:
    """The small picture of a mark: 0 is paper, 1 the strongest ink; nothing of what stands beside it.

    Args:
        ink: how far each pixel of a picture is from the paper.
        box: of the mark, pixels.
    """
    left, top, right, bottom = box
    part = ink[top:bottom, left:right]
    high, wide = part.shape
    side = max(SIDE // 2, round(ROOM * max(high, wide)))
    square = np.zeros((side, side), np.uint8)
    y, x = (side - high) // 2, (side - wide) // 2
    square[y : y + high, x : x + wide] = part
    small = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / max(1, int(part.max()))
