"""Forms: fields that are typed into, and values that stand between two buttons."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgewise.agent.modules.interfaces import Fact
from edgewise.agent.modules.rules.goals import Field, Value
from edgewise.agent.modules.rules.meanings import likeness, means, phrases
from edgewise.agent.screen import Item, Screen
from edgewise.agent.wording import phrase

NUMBER = re.compile(r"(\d{1,2}):(\d\d)|(\d+)")
USUAL = (("name", "phone", "address"), ("title", "text"))
"""Fields of usual forms in their order: in a picture, one that is filled in does not say its name."""
LESS, MORE = {"less", "minus", "remove", "decrease"}, {"more", "plus", "add", "increase"}
"""Words of the buttons beside a value."""


@dataclass(frozen=True)
class Found:
    """A field on a screen.

    Attributes:
        item: that it is.
        now: what stands in it.
        less, more: buttons beside it, where it has some.
    """

    item: Item
    now: str
    less: Item | None = None
    more: Item | None = None


def resolved(value: Value, facts: Sequence[Fact]) -> str:
    """The text of a value; empty if it was not read yet."""
    if not value.of:
        return value.text
    return next((each.text for each in reversed(facts) if likeness(each.source, value.of) > 0), "")


def number(text: str) -> int | None:
    """The first number in a text; a time in minutes."""
    found = NUMBER.search(text)
    if found is None:
        return None
    return int(found[3]) if found[3] else 60 * int(found[1]) + int(found[2])


def found_field(screen: Screen, field: Field, wanted: str = "") -> Found | None:
    """A field on the screen; None if it is not there.

    Args:
        screen: that is looked at.
        field: that is looked for.
        wanted: its value: a field without a name in which it stands already is the one.
    """
    return _level(screen, field) if field.level else _typed(screen, field, wanted)


def _typed(screen: Screen, field: Field, wanted: str) -> Found | None:
    items = [each for each in screen.items if each.role == "field"]

    def sure(item: Item) -> int:
        hint = 2 if phrase(item.detail) in phrases(field.meaning) else 0
        return max(hint, means(item, field.meaning) if item.resource else 0)

    best = max(items, key=sure, default=None)
    if best is not None and (sure(best) or (field.meaning == "message" and len(items) == 1)):
        return Found(best, best.text)
    bare = [each for each in items if not each.detail and not each.resource]
    filled = next((each for each in bare if wanted and phrase(each.text) == phrase(wanted)), None)
    usual = next((names for names in USUAL if field.meaning in names and len(names) == len(items)), None)
    if filled is None and usual is not None and items[usual.index(field.meaning)] in bare:
        filled = items[usual.index(field.meaning)]
    return None if filled is None else Found(filled, filled.text)


def _beside(one: Item, other: Item) -> bool:
    """Whether the middle of an item is beside another."""
    return other.box[1] <= one.middle[1] < other.box[3]


def _level(screen: Screen, field: Field) -> Found | None:
    labels = [each for each in screen.items if each.role in ("row", "text", "heading", "other")]
    rows = sorted((each for each in labels if means(each, field.meaning)), key=lambda each: -means(each, field.meaning))
    for row in rows:
        buttons = [each for each in screen.items if each.touchable and each not in labels and _beside(each, row)]
        if not buttons:
            continue
        values = [row.detail, *(each.text for each in labels if each != row and _beside(each, row)), row.text]
        now = next((each for each in values if number(each) is not None), "")
        buttons.sort(key=lambda each: each.middle[0])
        words = [set(phrase(f"{each.resource} {each.description} {each.sign}").split()) for each in buttons]
        less = next((each for each, said in zip(buttons, words, strict=True) if said & LESS), buttons[0])
        more = next((each for each, said in zip(buttons, words, strict=True) if said & MORE), buttons[-1])
        return Found(row, now, less, more)
    return None


def is_set(found: Found, field: Field, wanted: str) -> bool:
    """Whether a field has the value that it must have."""
    if field.level:
        return number(found.now) is not None and number(found.now) == number(wanted)
    return bool(wanted) and (found.now == wanted or (bool(phrase(wanted)) and phrase(found.now) == phrase(wanted)))
