"""Looks of the simulated phone: colours, letters, sizes, places of buttons, language."""

from __future__ import annotations

import colorsys
import random
from dataclasses import dataclass

from edgewise.common.hashed import hashed_once

Colour = tuple[int, int, int]
LANGUAGES = ("en", "de", "es", "fr")
FONTS = ("DejaVuSans", "DejaVuSerif", "DejaVuSansMono")
"""Typefaces that matplotlib's wheel ships."""


@hashed_once
@dataclass(frozen=True)
class Skin:
    """How the phone looks.

    Attributes:
        seed: that it was drawn from.
        language: of all that the apps say themselves, among `LANGUAGES`.
        variant: which of several words for the same thing the apps use.
        font: typeface, among `FONTS`.
        letter: height of body text, pixels.
        row: height of a row of a list, pixels.
        margin: between an edge of the display and what stands beside it, pixels.
        radius: of rounded corners, pixels.
        stroke: width of the lines of icons, in 24ths of an icon.
        paper, ink, faint: colours of what is written on, of text, and of text that matters less.
        bar, on_bar: colours of the bar at the top and of what stands on it.
        accent, on_accent: colours of buttons and of what stands on them.
        floating: whether a page's main action floats above the list rather than standing in the bar.
        order: seed of the order in which the launcher shows the apps.
        columns: of the launcher.
        lines: whether lists have lines between rows.
        words: whether icons in the bar are replaced by words.
    """

    seed: int
    language: str
    variant: int
    font: str
    letter: int
    row: int
    margin: int
    radius: int
    stroke: float
    paper: Colour
    ink: Colour
    faint: Colour
    bar: Colour
    on_bar: Colour
    accent: Colour
    on_accent: Colour
    floating: bool
    order: int
    columns: int
    lines: bool
    words: bool


def draw_skin(seed: int, language: str | None = None, unseen: bool = False) -> Skin:
    """Draw a look.

    Args:
        seed: the same seed gives the same look.
        language: among `LANGUAGES`; if None, drawn.
        unseen: looks for tests: hues, sizes and words that no look of training has.
    """
    rng = random.Random(f"skin {seed} {unseen}")
    dark = rng.random() < 0.35
    hue = (rng.randrange(12) + (0.5 if unseen else 0.0)) / 12  # in twelfths of the circle; the halves are left to tests
    accent = _colour(hue, 0.75, 0.85 if dark else 0.62)
    paper = _colour(hue, 0.10, 0.12) if dark else _colour(hue, rng.choice((0.0, 0.03)), 0.98)
    ink = (236, 236, 240) if dark else (24, 24, 30)
    coloured = rng.random() < 0.5
    bar = accent if coloured else paper
    letter = rng.choice((43, 49) if unseen else (40, 46, 52))
    return Skin(
        seed=seed,
        language=language or rng.choice(LANGUAGES),
        variant=2 if unseen else rng.randrange(2),
        font=rng.choice(FONTS[:2] if unseen else FONTS),
        letter=letter,
        row=rng.choice((164, 188) if unseen else (150, 176, 200)),
        margin=rng.choice((40, 56) if unseen else (36, 48, 60)),
        radius=rng.choice((12, 36) if unseen else (0, 24, 48)),
        stroke=rng.choice((1.8, 2.3) if unseen else (1.6, 2.0, 2.6)),
        paper=paper,
        ink=ink,
        faint=_mixed(ink, paper, 0.4),
        bar=bar,
        on_bar=_on(bar),
        accent=accent,
        on_accent=_on(accent),
        floating=rng.random() < 0.5,
        order=rng.randrange(10**6),
        columns=rng.choice((3, 4)),
        lines=rng.random() < 0.6,
        words=rng.random() < 0.25,
    )


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _on(colour: Colour) -> Colour:
    bright = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]  # luma of ITU-R BT.601
    return (20, 20, 24) if bright > 140 else (250, 250, 252)
