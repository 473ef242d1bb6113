"""Texts that can be typed: what the instruction quotes, and facts that were kept; each with clearing the field first or not."""

from __future__ import annotations

from edgewise.agent.modules.interfaces import FACTS, Situation
from edgewise.agent.modules.learned.text import QUOTES, read_instruction

CANDIDATES = QUOTES + FACTS
"""Places of texts: quotes as they stand, then facts, the latest first."""


def candidates(situation: Situation) -> tuple[str, ...]:
    """The texts [CANDIDATES]; empty where there is none."""
    quotes = read_instruction(situation.instruction).quotes
    facts = tuple(each.text for each in reversed(situation.facts))
    return (*quotes, *[""] * (QUOTES - len(quotes)), *facts, *[""] * (FACTS - len(facts)))


def place_of(candidate: int, clear: bool) -> int:
    """The place of a text with or without clearing the field, in [0, 2 CANDIDATES)."""
    return 2 * candidate + clear
