"""What is drawn on the plates of a picture: lines of text and signs, as boxes that are still to be read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import UInt8

from edgewise.agent.perception.plates import Plate, plates_of
from edgewise.agent.perception.raster import Boxed, Pixels, unit_of
from edgewise.agent.screen import Box

FAINTEST = 28
"""Difference from its plate, of 255 and in any of the three colours, from which a pixel is drawn on it."""
EDGE = 5
"""Pixels around the edge of a plate in which nothing is seen: the edge itself is smoothed."""
JOIN_DP = (7, 2)
"""Gaps across and down that are closed to make words of letters, and letters of their parts, density-independent pixels."""
LINE_SHARE, LINE_DP = 0.25, 2
"""Shortest length, of the picture's width, and largest thickness of a line between rows."""
NEAR, LOOSE = 0.8, 1.3
"""Gaps between words, in heights of the line: between the words of any text, and of one that stands alone in its row."""
ALIKE = 60
"""Difference of two colours, of 255, up to which they are the same ink."""
SMALLEST_DP = 2
"""Longer side of what is a mark, density-independent pixels."""


@dataclass(frozen=True)
class Mark(Boxed):
    """A line of text or a sign.

    Attributes:
        box: that bounds it, pixels.
        plate: place of the plate that it stands on.
        colour: of the ink.
    """

    plate: int
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class Drawing:
    """A picture taken apart.

    Attributes:
        ink: how far each pixel is from its plate, of 255 and in the colour in which it is farthest.
        plates: the display first.
        marks: from the top down.
        lines: boxes of the lines between rows.
        unit: pixels in a density-independent pixel.
    """

    ink: UInt8[np.ndarray, "h w"]
    plates: list[Plate]
    marks: list[Mark]
    lines: list[Box]
    unit: float


def taken_apart(pixels: Pixels, unit: float | None = None) -> Drawing:
    """The plates, lines and marks of a picture.

    Args:
        pixels: of the picture.
        unit: pixels in a density-independent pixel. If None, taken from the size of the picture.
    """
    high, wide, _ = pixels.shape
    unit = unit_of((wide, high)) if unit is None else unit
    plates, on = plates_of(pixels, unit)
    ground = np.array([each.colour for each in plates], np.uint8)[on]
    ink = cv2.absdiff(pixels, ground).max(axis=2)
    around = np.ones((EDGE, EDGE), np.uint8)
    ink[cv2.morphologyEx(on, cv2.MORPH_GRADIENT, around) > 0] = 0
    drawn = (ink > FAINTEST).astype(np.uint8)
    lines = _lines(drawn, wide, unit)
    for left, top, right, bottom in lines:
        drawn[top:bottom, left:right] = 0
    marks = _marks(pixels, ink, drawn, on, unit)
    return Drawing(ink, plates, sorted(marks, key=lambda each: (each.box[1], each.box[0])), lines, unit)


def _lines(drawn: np.ndarray, wide: int, unit: float) -> list[Box]:
    """Long thin lines."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(drawn, connectivity=8)
    found = []
    for left, top, across, down, _ in stats[1:count]:
        if across >= LINE_SHARE * wide and down <= LINE_DP * unit:
            found.append((int(left), int(top), int(left + across), int(top + down)))
    return found


def _marks(pixels: Pixels, ink: np.ndarray, drawn: np.ndarray, on: np.ndarray, unit: float) -> list[Mark]:
    """Connected groups of ink, after small gaps were closed."""
    across, down = (max(3, round(each * unit)) for each in JOIN_DP)
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((1, across), np.uint8))
    closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, np.ones((down, 1), np.uint8))
    count, names, stats, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    found = []
    for name in range(1, count):
        left, top, wide, high = (int(each) for each in stats[name, :4])
        if max(wide, high) < SMALLEST_DP * unit:
            continue
        part = (slice(top, top + high), slice(left, left + wide))
        seen = (names[part] == name) & (drawn[part] > 0)
        if not seen.any():
            continue
        strength = np.where(seen, ink[part], 0)
        strong = strength >= 0.8 * strength.max()
        colour = pixels[part][strong].mean(axis=0)
        plate = int(np.bincount(on[part][seen]).argmax())
        red, green, blue = (int(each) for each in colour)
        found.append(Mark((left, top, left + wide, top + high), plate, (red, green, blue)))
    return found


def joined(marks: list[Mark], near: float) -> list[Mark]:
    """Marks with those beside them, where they are of one line.

    Args:
        marks: to be joined.
        near: gap up to which they are, in heights of the line.
    """
    lines: list[Mark] = []
    for mark in sorted(marks, key=lambda each: each.box[0]):
        before = [each for each in lines if _follows(each, mark, near)]
        if not before:
            lines.append(mark)
            continue
        first = max(before, key=lambda each: each.box[2])
        lines[lines.index(first)] = replace(
            first,
            box=_around(first.box, mark.box),
            colour=first.colour if first.size[0] >= mark.size[0] else mark.colour,
        )
    return sorted(lines, key=lambda each: (each.box[1], each.box[0]))


def _follows(first: Mark, second: Mark, near: float) -> bool:
    """Whether the second mark goes on the line of the first."""
    shared = min(first.box[3], second.box[3]) - max(first.box[1], second.box[1])
    low, high = sorted((first.size[1], second.size[1]))
    alike = max(abs(a - b) for a, b in zip(first.colour, second.colour, strict=True)) <= ALIKE
    gap = second.box[0] - first.box[2]
    return first.plate == second.plate and alike and shared >= 0.5 * low and gap <= near * high


def _around(first: Box, second: Box) -> Box:
    return (
        min(first[0], second[0]),
        min(first[1], second[1]),
        max(first[2], second[2]),
        max(first[3], second[3]),
    )
