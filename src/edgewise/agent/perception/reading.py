"""The marks of a picture told apart and read: which are signs, which are text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgewise.agent.perception.marks import LOOSE, NEAR, Drawing, Mark, joined
from edgewise.agent.perception.plates import Plate
from edgewise.agent.perception.signs import NOTHING, NamesSigns, Sign, cut_out
from edgewise.agent.perception.text import Reads

SIGN_DP = (7, 100)
"""Longer side of a sign, density-independent pixels."""
SQUARE = 2.2
"""Sides of a sign differ by this factor at most."""
DASH = 0.25
"""Height of a dash, such as that of a minus, in its width, at most."""
SOLID = 0.7
"""Share of its box that a dash fills at least; a line of text fills less."""
DASH_DP = 9
"""Width of a dash at least; shorter ones are hyphens."""
SURE = 0.6
"""Probability from which a mark is taken for a sign."""
CAPTION_DP, BESIDE = 28, 0.1
"""Gap between a plate and the words in the middle below it at most, density-independent pixels, and the difference of their
middles, of the plate's width."""
LEGIBLE = 0.5
"""Score of a text below which it is none."""


@dataclass(frozen=True)
class Text:
    """A line of text that was read.

    Attributes:
        mark: where it stands.
        text: of it.
    """

    mark: Mark
    text: str


@dataclass(frozen=True)
class Icon:
    """A sign that was found.

    Attributes:
        mark: where it stands.
        sign: its name; empty if it is not known.
    """

    mark: Mark
    sign: str


def told_apart(drawing: Drawing, marks: Sequence[Mark], bar: float, name: NamesSigns) -> tuple[list[Mark], list[Icon]]:
    """The lines of text, not yet read, and the signs among marks.

    Args:
        drawing: the picture that they are of.
        marks: as they were found.
        bar: height above which words that stand far apart are several buttons; below it they are one text. Pixels.
        name: names signs.
    """
    lines = joined(list(marks), NEAR)
    maybe = candidates(drawing, lines)
    named = zip(maybe, name([cut_out(drawing.ink, each.box) for each in maybe]), strict=True)
    icons = [Icon(mark, sign.name) for mark, sign in named if is_sign(sign)]
    signs = {each.mark for each in icons}
    rest = [each for each in lines if each not in signs]
    alone = [each for each in rest if each.middle[1] < bar or _is_caption(drawing, each)]
    return [*alone, *joined([each for each in rest if each not in alone], LOOSE)], icons


def _is_caption(drawing: Drawing, mark: Mark) -> bool:
    """Whether a mark stands below the middle of a plate."""
    return any(below_middle(each, mark, drawing.unit) for each in drawing.plates[1:])


def below_middle(plate: Plate, mark: Mark, unit: float) -> bool:
    """Whether a mark stands in the middle below a plate, as the name of a tile does."""
    central = abs(mark.middle[0] - plate.middle[0]) <= BESIDE * plate.size[0]
    return central and mark.plate == max(0, plate.parent) and 0 <= mark.box[1] - plate.box[3] <= CAPTION_DP * unit


def texts_of(drawing: Drawing, lines: Sequence[Mark], read: Reads) -> tuple[list[Text], list[Icon]]:
    """The lines that are legible, read; and signs that nobody has a name for."""
    inks = [drawing.ink[each.box[1] : each.box[3], each.box[0] : each.box[2]] for each in lines]
    texts, icons = [], []
    for mark, found in zip(lines, read(inks), strict=True):
        if found.score >= LEGIBLE and any(letter.isalnum() for letter in found.text):
            texts.append(Text(mark, found.text))
        elif _like_sign(mark, drawing.unit) and min(mark.size) >= SIGN_DP[0] * drawing.unit:
            icons.append(Icon(mark, ""))
    return texts, icons


def candidates(drawing: Drawing, marks: Sequence[Mark]) -> list[Mark]:
    """The marks that may be signs, by their size."""
    return [each for each in marks if _like_sign(each, drawing.unit) or _is_dash(drawing, each)]


def is_sign(sign: Sign) -> bool:
    """Whether a mark is surely enough what it was taken for."""
    return sign.name != NOTHING and sign.confidence >= SURE


def _like_sign(mark: Mark, unit: float) -> bool:
    """Whether a mark has the size and the sides of a sign."""
    wide, high = mark.size
    if not SIGN_DP[0] * unit <= max(wide, high) <= SIGN_DP[1] * unit:
        return False
    return max(wide, high) <= SQUARE * min(wide, high)


def _is_dash(drawing: Drawing, mark: Mark) -> bool:
    """Whether a mark is one bar, as a minus is."""
    wide, high = mark.size
    if high > DASH * wide or not DASH_DP * drawing.unit <= wide <= SIGN_DP[1] * drawing.unit:
        return False
    part = drawing.ink[mark.box[1] : mark.box[3], mark.box[0] : mark.box[2]]
    return float(np.mean(part > part.max() // 4)) >= SOLID
