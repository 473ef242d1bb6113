"""Perception without anything learned: the tree of elements, and where there is none the picture, if something reads it."""

from __future__ import annotations

import hashlib
from typing import cast

import numpy as np

from edgewise.agent.device.errors import DeviceError, NullRoot
from edgewise.agent.device.images import grey, picture_size
from edgewise.agent.modules.interfaces import Look, Perceives
from edgewise.agent.perception.raster import STATUS_DP, unit_of
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.screen import Screen
from edgewise.common.errors import EdgewiseError
from edgewise.common.table import resolve

READER = "edgewise.agent.perception.joined:joined_perception"
"""What makes a perception of pictures."""


def digest_of(png: bytes) -> str:
    """Of a picture, hexadecimal, without the strip of the clock: equal digests mean that nothing has happened.

    Raises:
        TruncatedImage: if it cannot be read.
    """
    shown = np.asarray(grey(png))
    high, wide = shown.shape
    return hashlib.blake2b(shown[round(STATUS_DP * unit_of((wide, high))) :].tobytes(), digest_size=16).hexdigest()


class PlainPerception:
    """The screen that the tree of elements tells of; without a tree the joined perception of pictures is asked."""

    def __init__(self) -> None:
        self._reader: Perceives | None = None

    def __call__(self, look: Look, /) -> Screen:
        """What is on the display.

        Raises:
            NullRoot: if there is no tree, and the picture cannot be read either.
        """
        if look.tree is not None:
            return screen_of(look.tree, picture_size(look.png), look.app, look.keyboard, digest_of(look.png))
        try:
            if self._reader is None:
                self._reader = cast(Perceives, resolve(READER)())
            return self._reader(look)
        except DeviceError:
            raise
        except EdgewiseError as error:
            raise NullRoot(f"there is no tree of elements, and the picture cannot be read: {error}") from None
