"""Steps that are not the oracle's: any, or such as an agent may mistake for a right one."""

from __future__ import annotations

import random

from edgewise.agent.modules.interfaces import Situation
from edgewise.agent.modules.learned.choices import BACK, DOWN, GLOBALS, HOME, TYPE, UP
from edgewise.agent.modules.learned.encode import FEW
from edgewise.agent.modules.learned.text import read_instruction, said
from edgewise.agent.modules.learned.texts import candidates, place_of

NAMED = 0.5
"""Share of an item's words that the instruction has, from which the item may be mistaken for what is meant."""
CLOSING = ("button", "icon")
"""Roles of what ends a form: it may be touched too early."""
LOOKED_UP = ("contacts", "maps")
"""Apps in which an address may stand: where an instruction gives a name alone, either may be the one."""


def any_choice(situation: Situation, typing: bool, rng: random.Random) -> tuple[int, int]:
    """Any choice, right or not, and a text to type.

    Args:
        situation: in which it is made.
        typing: whether a field has the focus.
        rng: chooses.

    Returns:
        Places among the choices for `FEW` items and among the texts, see `choices` and `texts.place_of`.
    """
    base, screen = 2 * FEW[0], situation.screen
    places = [each.number for each in screen.items[: FEW[0]] if each.touchable]
    held = [FEW[0] + each.number for each in screen.items[: FEW[0]] if each.holdable]
    apps = [base + GLOBALS + place for place in range(len(situation.apps))]
    texts = _texts(situation)
    wholes = [base + each for each in (BACK, HOME, UP, DOWN)] + ([base + TYPE] if typing and texts else [])
    drawn = rng.choice([each for each in (places, places, held, wholes, wholes, apps) if each])
    return rng.choice(drawn), rng.choice(texts) if texts else 0


def near_choice(
    situation: Situation, right: frozenset[int], typing: bool, rng: random.Random
) -> tuple[int, int] | None:
    """A choice that is near to a right one: an item of the same role, or that the instruction names; another text.

    Args:
        situation: in which it is made.
        right: places of the right choices.
        typing: whether a field has the focus.
        rng: chooses.

    Returns:
        As of `any_choice`; None if there is none.
    """
    room, screen = FEW[0], situation.screen
    touched = [screen.items[each % room] for each in right if each < 2 * room]
    roles = {each.role for each in touched}
    words = read_instruction(situation.instruction).words
    items = [
        each.number
        for each in screen.items[:room]
        if each.touchable and (each.role in roles or each.role in CLOSING or said(words, each.text)[1] >= NAMED)
    ]
    texts = _texts(situation)
    kinds = [each for each in (items, [2 * room + TYPE] if typing and texts else []) if each]
    if not kinds:
        return None
    return rng.choice(rng.choice(kinds)), rng.choice(texts) if texts else 0


def mistakable(situation: Situation, right: frozenset[int]) -> int | None:
    """Where one of two apps is to be opened in which an address may stand: the place of the other; else None."""
    base = 2 * FEW[0] + GLOBALS
    names = [each.rsplit(".", 1)[-1] for each in situation.apps]
    places = {name: base + names.index(name) for name in LOOKED_UP if name in names}
    found = [place for name, place in places.items() if place not in right]
    return found[0] if len(found) == 1 and len(places) == len(LOOKED_UP) else None


def _texts(situation: Situation) -> list[int]:
    return [place_of(n, clear) for n, each in enumerate(candidates(situation)) if each for clear in (False, True)]
