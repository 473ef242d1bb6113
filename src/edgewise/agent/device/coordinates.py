"""Points that say in which space they are: half of all wrong taps are right ones in another space."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from edgewise.common.errors import ConfigurationError

Space = Literal["device", "image", "relative"]
SPACES = ("device", "image", "relative")
RELATIVE = 1000
"""What the relative space has from edge to edge, as many vision-language models count."""


@dataclass(frozen=True)
class Point:
    """A point.

    Attributes:
        x, y: from the upper left corner.
        space: `device` pixels, pixels of the `image` that was sent to a model, or `relative`, from 0 to 1000.
    """

    x: float
    y: float
    space: Space

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ConfigurationError("space", self.space, "one of " + ", ".join(SPACES))
        for value in (self.x, self.y):
            if not math.isfinite(value):
                raise ConfigurationError("point", value, "finite")


@dataclass(frozen=True)
class Frame:
    """The sizes that turn one space into another.

    Attributes:
        device: width and height of the display, pixels.
        image: width and height of the image that was sent.
    """

    device: tuple[int, int]
    image: tuple[int, int]

    def __post_init__(self) -> None:
        for name, size in (("device", self.device), ("image", self.image)):
            if min(size) < 1:
                raise ConfigurationError(name, size, "a width and a height of at least one pixel")

    def size(self, space: Space) -> tuple[int, int]:
        """Width and height of a space."""
        return {"device": self.device, "image": self.image, "relative": (RELATIVE, RELATIVE)}[space]

    def convert(self, point: Point, space: Space) -> Point:
        """The same place in another space.

        Raises:
            ConfigurationError: if the point is outside of its space.
        """
        wide, high = self.size(point.space)
        if not (0 <= point.x <= wide and 0 <= point.y <= high):
            raise ConfigurationError("point", (point.x, point.y), f"within {wide} x {high} of the {point.space} space")
        to_wide, to_high = self.size(space)
        return Point(point.x * to_wide / wide, point.y * to_high / high, space)

    def pixel(self, point: Point) -> tuple[int, int]:
        """The display's pixel at a point."""
        at = self.convert(point, "device")
        return min(self.device[0] - 1, int(at.x)), min(self.device[1] - 1, int(at.y))
