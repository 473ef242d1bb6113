"""Pictures of elements: small drawn signs in the look of an app."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import ndimage

SIDE = 16
"""Pixels of a picture's side."""
GLYPHS = (
    "...#....|..##....|.#######|########|.#######|..##....|...#....|........",  # back: an arrow
    ".####...|#....#..|#....#..|#....#..|.#####..|....###.|.....###|......##",  # search: a lens
    "#.......|###.....|#.###...|#...###.|#...###.|#.###...|###.....|#.......",  # send: a paper plane
    "...##...|...##...|...##...|########|########|...##...|...##...|...##...",  # add: a plus
    "..####..|########|.#.##.#.|.#.##.#.|.#.##.#.|.#.##.#.|.######.|........",  # delete: a bin
    "...##...|.######.|.##..##.|###..###|###..###|.##..##.|.######.|...##...",  # settings: a wheel
    ".....##.|....###.|..##....|##......|##......|..##....|....###.|.....##.",  # share: three joined points
    "##......|###.....|##......|.##.....|..##....|...##.##|....####|.....##.",  # call: a receiver
    "..###...|########|#..##..#|#.#..#.#|#.#..#.#|#..##..#|########|........",  # camera
    "..####..|.######.|.##..##.|.##..##.|.######.|..####..|...##...|...##...",  # map: a pin
    "########|#......#|########|########|#......#|#.##...#|#......#|########",  # pay: a card
    "##......|####....|######..|########|########|######..|####....|##......",  # play: a triangle
)
"""A sign for each of `words.FUNCTIONS`, eight lines of eight."""
SIGNS = np.array([[[letter == "#" for letter in line] for line in glyph.split("|")] for glyph in GLYPHS], float)


@dataclass(frozen=True)
class Look:
    """How an app draws its elements.

    Attributes:
        ink, paper: brightness of a sign and of what it stands on, in [0, 1].
        turn: by which a sign is turned, degree.
        scale: of a sign against the picture.
        stroke: how far lines are thickened (above 0) or thinned, pixels.
        slope: brightness that the paper gains from left to right.
    """

    ink: float
    paper: float
    turn: float
    scale: float
    stroke: float
    slope: float


def look_of(app: str) -> Look:
    """The look of an app: the same for the same name."""
    rng = np.random.default_rng(zlib.crc32(app.encode()))
    contrast, dark = rng.uniform(0.35, 0.9), rng.random() < 0.5
    paper = rng.uniform(0, 1 - contrast) + (0 if dark else contrast)
    ink = paper + contrast if dark else paper - contrast
    return Look(
        ink, paper, rng.uniform(-10, 10), rng.uniform(0.75, 1.0), rng.uniform(-0.3, 0.6), rng.uniform(-0.1, 0.1)
    )


def draw_pictures(
    apps: list[str], functions: np.ndarray, rng: np.random.Generator, noise: float = 0.1
) -> Float[np.ndarray, "n 16 16"]:
    """Pictures of elements, each a little out of place, with noise.

    Args:
        apps: of each.
        functions: what each does, its place in `words.FUNCTIONS`.
        rng: of the places and the noise.
        noise: deviation of a pixel.

    Returns:
        Brightness in [0, 1].
    """
    pictures = np.stack([_drawn(look_of(app), int(sign), rng) for app, sign in zip(apps, functions, strict=True)])
    return np.clip(pictures + noise * rng.standard_normal(pictures.shape), 0, 1).astype(np.float32)


def _drawn(look: Look, sign: int, rng: np.random.Generator) -> np.ndarray:
    turn = np.deg2rad(look.turn + rng.uniform(-5, 5))
    step = 8 / (SIDE * look.scale * rng.uniform(0.9, 1.1))
    matrix = step * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.full(2, 3.5) - matrix @ (np.full(2, (SIDE - 1) / 2) + rng.uniform(-1, 1, 2))
    shape = ndimage.affine_transform(SIGNS[sign], matrix, centre, (SIDE, SIDE), order=1)
    shape = np.clip(shape * (1 + look.stroke), 0, 1)
    paper = look.paper + look.slope * np.linspace(-0.5, 0.5, SIDE)[None, :]
    return paper + shape * (look.ink - paper)
