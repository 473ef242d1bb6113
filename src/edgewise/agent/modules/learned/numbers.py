"""Numbers that an instruction names against those on the display: which has to become larger, which smaller."""

from __future__ import annotations

import re
from functools import lru_cache

from edgewise.agent.modules.learned.text import Instruction

DIGITS = re.compile(r"\d{1,6}")
"""Whole numbers that are read; longer ones are not meant to be counted."""
COMPARED = 9
"""Values that `compared` gives."""


@lru_cache(maxsize=65536)
def numbers_of(text: str) -> tuple[int, ...]:
    """The whole numbers in a text."""
    return tuple(int(each) for each in DIGITS.findall(text))


def compared(asked: Instruction, text: str, detail: str) -> tuple[float, ...]:
    """How an item's number stands to those of an instruction.

    Args:
        asked: the instruction.
        text, detail: of the item; the detail's numbers count if it has any.

    Returns:
        For the hour, the minute and the first whole number of the instruction, one after the other: whether the item's is
        smaller, the same, larger; zeros where one of them has none. Hours and whole numbers are held against the item's first
        number, minutes against its last.
    """
    found = numbers_of(detail) or numbers_of(text)
    if not found:
        return (0.0,) * COMPARED
    hour, minute = asked.time or (None, None)
    return (*_sides(found[0], hour), *_sides(found[-1], minute), *_sides(found[0], asked.number))


def _sides(shown: int, wanted: int | None) -> tuple[float, float, float]:
    if wanted is None:
        return 0.0, 0.0, 0.0
    return float(shown < wanted), float(shown == wanted), float(shown > wanted)
