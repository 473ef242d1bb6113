"""Boxes of one colour in a picture of a flat user interface, each in the one that it lies on: bars, buttons, fields, pills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Int16

from edgewise.agent.perception.raster import Boxed, Pixels
from edgewise.agent.screen import Box

STEP = 3
"""Every so many pixels, each way, one is looked at to find the colours."""
COLOURS, FEWEST = 24, 60
"""Colours that are looked for, the most frequent; pixels of those looked at that a colour has at least."""
SMALLEST_DP = 14
"""Shorter side of a box, density-independent pixels; what is smaller is a part of a letter or an icon."""
RING_DP = (60, 28)
"""Width and height of an outlined box; what is smaller is an icon."""
BORDER_DP = 4
"""Widest border of an outlined box."""
HOLLOW = 0.35
"""Share of a region that is holes, from which it is lines rather than a box; the knob of a switch makes a hole of 0.3."""
FULLEST = 0.76
"""Share of its bounding box that a box fills at least: a circle fills 0.785."""


@dataclass(frozen=True)
class Plate(Boxed):
    """A box of one colour.

    Attributes:
        box: that bounds it, pixels.
        colour: red, green, blue.
        parent: place of the plate that it lies on; -1 for the display.
        full: share of its bounding box that it fills, holes included.
        border: if it is only a border, its width, pixels; else 0.
    """

    colour: tuple[int, int, int]
    parent: int
    full: float = 1.0
    border: int = 0


@dataclass(frozen=True)
class _Region:
    colour: int
    outline: np.ndarray
    box: Box
    area: float
    border: int


def plates_of(pixels: Pixels, unit: float) -> tuple[list[Plate], Int16[np.ndarray, "h w"]]:
    """The plates of a picture, the display first, and for each pixel the place of the innermost one that it lies on.

    Args:
        pixels: of the picture.
        unit: pixels in a density-independent pixel.
    """
    high, wide, _ = pixels.shape
    packed = pixels[..., 0].astype(np.int32) << 16 | pixels[..., 1].astype(np.int32) << 8 | pixels[..., 2]
    colours = _colours(packed)
    found = [Plate((0, 0, wide, high), _unpacked(colours[0]), -1)]
    on = np.zeros((high, wide), np.int16)
    regions = [each for colour in colours for each in _regions(packed, colour, unit)]
    for region in sorted(regions, key=lambda each: -each.area):
        x, y = region.outline[0, 0]
        parent = int(on[y, x])
        colour = _unpacked(region.colour)
        if colour == found[parent].colour and not found[parent].border:
            continue
        full = region.area / ((region.box[2] - region.box[0]) * (region.box[3] - region.box[1]))
        cv2.drawContours(on, [region.outline], -1, len(found), cv2.FILLED)
        found.append(Plate(region.box, colour, parent, min(1.0, full), region.border))
    return found, on


def _colours(packed: np.ndarray) -> list[int]:
    """The most frequent colours."""
    values, counts = np.unique(packed[::STEP, ::STEP], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:COLOURS]
    return [int(values[each]) for n, each in enumerate(order) if n == 0 or counts[each] >= FEWEST]


def _unpacked(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255


def _regions(packed: np.ndarray, colour: int, unit: float) -> list[_Region]:
    """Connected regions of a colour that are boxes, or borders of boxes."""
    outlines, tree = cv2.findContours((packed == colour).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for place, outline in enumerate(outlines):
        if tree[0, place, 3] >= 0:
            continue
        left, top, wide, high = cv2.boundingRect(outline)
        if min(wide, high) < SMALLEST_DP * unit:
            continue
        area = (
            cv2.contourArea(outline) + cv2.arcLength(outline, True) / 2 + 1
        )  # the outline runs through pixels' middles
        if area < FULLEST * wide * high:
            continue
        box = (left, top, left + wide, top + high)
        hole, share = _holes(outlines, tree[0], place, area)
        border = _border(box, hole, unit) if share > HOLLOW else 0
        if share > HOLLOW and not border and max(wide, high) < 2 * RING_DP[0] * unit:
            continue  # lines that close, but are no border: of a letter or an icon
        if border and (wide < RING_DP[0] * unit or high < RING_DP[1] * unit):
            continue
        found.append(_Region(colour, outline, box, area, border))
    return found


def _holes(outlines: Sequence[np.ndarray], tree: np.ndarray, place: int, area: float) -> tuple[Box | None, float]:
    """The largest hole of a region, and the share of the region that is holes."""
    best: Box | None = None
    largest, together, hole = 0.0, 0.0, int(tree[place, 2])
    while hole >= 0:
        size = cv2.contourArea(outlines[hole])
        together += size
        if size > largest:
            left, top, wide, high = cv2.boundingRect(outlines[hole])
            best, largest = (left + 1, top + 1, left + wide - 1, top + high - 1), size
        hole = int(tree[hole, 0])
    return best, together / area


def _border(box: Box, hole: Box | None, unit: float) -> int:
    """Width of a border that is as wide on all sides; 0 if it is none."""
    if hole is None:
        return 0
    widths = [abs(a - b) for a, b in zip(box, hole, strict=True)]
    even = max(widths) - min(widths) <= 0.5 * BORDER_DP * unit
    return max(1, min(widths)) if even and max(widths) <= BORDER_DP * unit else 0
