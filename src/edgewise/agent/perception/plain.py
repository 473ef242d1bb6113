"""Perception without anything learned: the tree of elements, and where there is none the picture, if something reads it."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec

from edgewise.agent.device.errors import NullRoot
from edgewise.agent.device.images import picture_size
from edgewise.agent.modules.interfaces import Look, Perceives
from edgewise.agent.perception.tree import screen_of
from edgewise.agent.screen import Screen
from edgewise.common.table import resolve

PICTURES = "edgewise.agent.perception.joined"
"""Module that reads pictures, and the name in it of a function that makes one."""
READER = "joined_perception"


def digest_of(png: bytes) -> str:
    """Of a picture, hexadecimal."""
    return hashlib.sha256(png).hexdigest()[:32]


class PlainPerception:
    """The screen that the tree of elements tells of; without a tree the joined perception of pictures is asked."""

    def __init__(self) -> None:
        self._reader: Perceives | None = None

    def __call__(self, look: Look, /) -> Screen:
        """What is on the display.

        Raises:
            NullRoot: if there is no tree and nothing here that reads pictures.
        """
        if look.tree is not None:
            return screen_of(look.tree, picture_size(look.png), look.app, look.keyboard, digest_of(look.png))
        if self._reader is None:
            if find_spec(PICTURES) is None:
                raise NullRoot("there is no tree of elements, and nothing that reads pictures")
            self._reader = resolve(f"{PICTURES}:{READER}")()
        assert self._reader is not None
        return self._reader(look)
