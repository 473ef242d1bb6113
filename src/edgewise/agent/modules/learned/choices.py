"""What a decision chooses among, as places in a row: items to touch, items to hold, actions on the whole, apps to open."""

from __future__ import annotations

from edgewise.agent.actions import Direction
from edgewise.agent.device.device import Key
from edgewise.agent.modules.interfaces import Decision, Situation
from edgewise.agent.screen import Item

TYPE, DOWN, UP, BACK, HOME, ENTER, UNABLE, FINISH = range(8)
"""Actions on the whole; the second and third scroll, the last but one says that the task cannot be done."""
GLOBALS = 8
"""How many there are."""
APPS = 16
"""Apps of a situation that can be chosen; further ones cannot."""
DIRECTIONS: dict[int, Direction] = {DOWN: "down", UP: "up"}
KEYS: dict[int, Key] = {BACK: "back", HOME: "home", ENTER: "enter"}


def choices(items: int) -> int:
    """How many places there are for so many items."""
    return 2 * items + GLOBALS + APPS


def decision_of(place: int, items: int, situation: Situation, confidence: float) -> Decision:
    """The decision of a place.

    Args:
        place: in [0, choices(items)).
        items: for which there is room.
        situation: that it is made in.
        confidence: in it.
    """
    sure = min(1.0, max(0.0, confidence))
    if place < 2 * items:
        return Decision(kind="tap" if place < items else "long_press", item=place % items, confidence=sure)
    whole = place - 2 * items
    if whole >= GLOBALS:
        return Decision(kind="open_app", app=situation.apps[whole - GLOBALS], confidence=sure)
    if whole in DIRECTIONS:
        return Decision(kind="scroll", item=_list(situation), direction=DIRECTIONS[whole], confidence=sure)
    if whole in KEYS:
        return Decision(kind="press", key=KEYS[whole], confidence=sure)
    if whole == TYPE:
        return Decision(kind="type", item=_focused(situation), confidence=sure)
    return Decision(kind="finish", infeasible=whole == UNABLE, confidence=sure)


def place_of(decision: Decision, items: int, situation: Situation) -> int | None:
    """The place of a decision; None if there is none for it."""
    if decision.kind in ("tap", "double_tap", "long_press"):
        if decision.item is None or decision.item >= items:
            return None
        return decision.item + items * (decision.kind == "long_press")
    if decision.kind == "open_app":
        known = situation.apps[:APPS]
        return 2 * items + GLOBALS + known.index(decision.app) if decision.app in known else None
    wholes = {"type": TYPE, "finish": UNABLE if decision.infeasible else FINISH}
    if decision.kind == "scroll":
        found = next((place for place, each in DIRECTIONS.items() if each == decision.direction), None)
    elif decision.kind == "press":
        found = next((place for place, each in KEYS.items() if each == decision.key), None)
    else:
        found = wholes.get(decision.kind)
    return None if found is None else 2 * items + found


def _list(situation: Situation) -> int | None:
    """The largest item that can be scrolled."""
    lists = [each for each in situation.screen.items if each.scrollable]
    return max(lists, key=_area).number if lists else None


def _area(item: Item) -> int:
    left, top, right, bottom = item.box
    return (right - left) * (bottom - top)


def _focused(situation: Situation) -> int | None:
    return next((each.number for each in situation.screen.items if each.focused), None)
