"""Icons of the simulated phone, as lines on a square of 24 by 24."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw

GRID = 24.0
"""Side of the square that the lines are given on."""
FINER = 4
"""Pixels per side that an icon's pixel is made from, so that edges are smooth."""
LINES = {
    "back": "20 12 4 12|11 5 4 12 11 19",
    "plus": "12 4 12 20|4 12 20 12",
    "minus": "4 12 20 12",
    "check": "4 13 9 18 20 6",
    "search": "o 10 10 6|14.5 14.5 21 21",
    "bin": "4 6 20 6|9 6 9 3 15 3 15 6|6 6 7 21 17 21 18 6|10 10 10 17|14 10 14 17",
    "pencil": "4 20 5 15 16 4 20 8 9 19 4 20|14 6 18 10",
    "send": "3 4 21 12 3 20 6 12 3 4|6 12 13 12",
    "person": "o 12 8 4.5|3 21 5 16 9 14.5 15 14.5 19 16 21 21 3 21",
    "star": "12 3 14.7 9 21 9.6 16.2 13.8 17.7 20.4 12 17 6.3 20.4 7.8 13.8 3 9.6 9.3 9 12 3",
    "phone": "7 2 17 2 17 22 7 22 7 2|7 18 17 18|11 20 13 20",
    "pin": "12 22 6 13 5 9 7 5 12 3 17 5 19 9 18 13 12 22|o 12 9 2.5",
    "bubble": "3 4 21 4 21 17 10 17 5 21 5 17 3 17 3 4|7 9 17 9|7 12.5 14 12.5",
    "note": "5 2 15 2 19 6 19 22 5 22 5 2|15 2 15 6 19 6|8 11 16 11|8 15 16 15",
    "gear": "o 12 12 3.5|o 12 12 7|12 1.5 12 5|12 19 12 22.5|1.5 12 5 12|19 12 22.5 12|4.5 4.5 7 7|17 17 19.5 19.5|4.5 19.5 7 17|17 7 19.5 4.5",  # noqa: E501
    "wifi": "2 9 7 5.5 12 4.5 17 5.5 22 9|6 13.5 9 11 12 10.5 15 11 18 13.5|o 12 18 1.6",
    "sun": "o 12 12 4.5|12 1.5 12 4|12 20 12 22.5|1.5 12 4 12|20 12 22.5 12|4.6 4.6 6.3 6.3|17.7 17.7 19.4 19.4|4.6 19.4 6.3 17.7|17.7 6.3 19.4 4.6",  # noqa: E501
    "bell": "4 18 6 15 6 10 8 6 12 4.5 16 6 18 10 18 15 20 18 4 18|10 20.5 14 20.5|12 2 12 4.5",
    "info": "o 12 12 9|12 11 12 17|12 7 12 8",
    "clock": "o 12 12 9|12 6.5 12 12 16 14",
    "timer": "o 12 13.5 8|12 9 12 13.5|9 2.5 15 2.5|12 2.5 12 5.5",
    "basket": "2 4 5 4 8 15 19 15 21 7 6 7|o 10 19 1.6|o 17 19 1.6",
    "bag": "5 8 19 8 20 21 4 21 5 8|9 8 9 5 12 3 15 5 15 8",
    "map": "3 5 9 3 15 5 21 3 21 19 15 21 9 19 3 21 3 5|9 3 9 19|15 5 15 21",
    "route": "o 6 18 2.5|o 18 6 2.5|8.5 18 15 18 18 15.5 15 13 9 13 6 10.5 9 8 15.5 6.5",
    "calendar": "4 5 20 5 20 21 4 21 4 5|4 10 20 10|8 2.5 8 7|16 2.5 16 7|8 14 10 14|14 14 16 14|8 17.5 10 17.5",
    "home": "3 12 12 4 21 12|6 10 6 20 18 20 18 10",
    "shift": "12 4 4 12 8 12 8 20 16 20 16 12 20 12 12 4",
    "delete": "8 5 21 5 21 19 8 19 2 12 8 5|11 9 17 15|17 9 11 15",
    "enter": "20 5 20 13 5 13|9 9 5 13 9 17",
    "digits": "8 3 6 21|18 3 16 21|3 9 21 9|3 15 21 15",
    "navigate back": "17 4 6 12 17 20 17 4",
    "navigate home": "o 12 12 8",
    "navigate recents": "5 5 19 5 19 19 5 19 5 5",
}
"""Lines through points, `x y x y ...`; `o x y radius` is a circle."""


@lru_cache(maxsize=512)
def glyph(name: str, side: int, stroke: float) -> Image.Image:
    """An icon as a mask: 255 where its lines are.

    Args:
        name: among `LINES`.
        side: of the square, pixels.
        stroke: width of the lines, in 24ths of the side.
    """
    fine = side * FINER
    scale = fine / GRID
    mask = Image.new("L", (fine, fine))
    draw = ImageDraw.Draw(mask)
    wide = max(1, round(stroke * scale))
    for line in LINES[name].split("|"):
        numbers = [float(each) for each in line.removeprefix("o ").split()]
        if line.startswith("o "):
            x, y, radius = (scale * each for each in numbers)
            outer = radius + wide / 2
            draw.ellipse((x - outer, y - outer, x + outer, y + outer), outline=255, width=wide)
            continue
        points = [(scale * x, scale * y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
        draw.line(points, fill=255, width=wide, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - wide / 2, y - wide / 2, x + wide / 2, y + wide / 2), fill=255)
    return mask.resize((side, side), Image.Resampling.BOX)
